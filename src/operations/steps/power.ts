/** Steps that run programs of the site on nodes, and the hard restart. What they do can't be taken back. */

import * as z from 'zod';
import { nodePowercycle, restrictedCommand, runOob } from '../../noderpc/calls/power.ts';
import { offlineReason } from '../../noderpc/reply.ts';
import { step } from '../operation.ts';
import { faultOf } from '../replies.ts';

/** The answer of each node in order: what the command said, or why it failed. */
export const runRestrictedCommand = step({
  name: 'run-restricted-command',
  input: z.object({ nodes: z.array(z.string()), command: z.string() }),
  run: async ({ nodes: caller }, { nodes, command }) => {
    const replies = await caller.callAll(nodes, restrictedCommand, { command });
    return nodes.map((node): { readonly output: string } | { readonly fault: string } => {
      const reply = replies.get(node);
      if (reply?.kind === 'answered') return { output: reply.value };
      return { fault: faultOf(reply) ?? offlineReason };
    });
  },
  undo: 'none',
});

/** Gives the standard output of the program for power control, which runs on the master. */
export const controlPower = step({
  name: 'control-power',
  input: z.object({
    master: z.string(),
    program: z.string(),
    command: z.string(),
    node: z.string(),
    timeout: z.int(),
  }),
  run: ({ nodes }, { master, ...request }) => nodes.call(master, runOob, request),
  undo: 'none',
});

export const restartNode = step({
  name: 'restart-node',
  input: z.object({ node: z.string(), hypervisor: z.string(), hvparams: z.record(z.string(), z.unknown()) }),
  run: ({ nodes }, { node, hypervisor, hvparams }) =>
    nodes.call(node, nodePowercycle, { name: hypervisor, hvparams: hvparams as never }),
  undo: 'none',
});
