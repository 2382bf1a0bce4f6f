/** Node calls that run programs of the site: restricted commands, power control; and the hard restart. */
import * as z from 'zod';
import { nodeCall } from '../call.ts';
import { HypervisorWithParameters } from './shapes.ts';

/** Runs a program of /etc/ganeti/restricted-commands; gives what it says. */
export const restrictedCommand = nodeCall({
  name: 'restricted_command',
  deadline: 3600,
  effect: 'change',
  argument: z.object({ command: z.string() }),
  result: z.string(),
});

/** Runs the program for power control of another node; gives its standard output. Seconds. */
export const runOob = nodeCall({
  name: 'run_oob',
  deadline: 3600,
  effect: 'change',
  argument: z.object({ program: z.string(), command: z.string(), node: z.string(), timeout: z.int() }),
  result: z.string(),
});

/** Restarts this machine by force a few seconds later. */
export const nodePowercycle = nodeCall({
  name: 'node_powercycle',
  deadline: 10,
  effect: 'change',
  argument: HypervisorWithParameters,
  result: z.string(),
});
