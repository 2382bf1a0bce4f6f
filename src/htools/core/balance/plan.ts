/**
 * A plan as text and as jobs: the line printed for each step, the gnt-instance commands, and the sets of jobs
 * that may run side by side because they touch different nodes.
 */

import type { NodeTable } from '../state/node-table.ts';
import { fixed } from '../terms/format.ts';
import type { Instance } from '../terms/instance.ts';
import type { Move } from '../terms/vocabulary.ts';
import type { Placement } from './candidates.ts';

/** Where an instance was before a step. */
export interface Place {
  readonly primary: number;
  readonly secondary: number;
}

/** One step of a plan that is to be carried out. */
export interface MoveJob {
  /** Nodes it touches. */
  readonly nodes: readonly number[];
  readonly instance: number;
  readonly move: Move;
  /** gnt-instance commands without that word. */
  readonly commands: readonly string[];
}

/** Jobs that may run at the same time. */
export type JobSet = readonly MoveJob[];

/** The letters for a move and its commands. `name` is how the instance is called in them. */
function described(
  instance: Instance,
  name: string,
  move: Move,
  primary: string,
  secondary: string,
): { readonly letters: string; readonly commands: string[] } {
  const change = instance.isRunning ? 'migrate' : 'failover';
  const migrate = `${change} -f ${name}`;
  const replace = (node: string) => `replace-disks -n ${node} ${name}`;
  switch (move.kind) {
    case 'failover':
      return { letters: 'f', commands: [migrate] };
    case 'failover-to-any':
      return { letters: `fa:${primary}`, commands: [`${change} -f -n ${primary} ${name}`] };
    case 'failover-and-replace':
      return { letters: `f r:${secondary}`, commands: [migrate, replace(secondary)] };
    case 'replace-secondary':
      return { letters: `r:${secondary}`, commands: [replace(secondary)] };
    case 'replace-and-failover':
      return { letters: `r:${primary} f`, commands: [replace(primary), migrate] };
    case 'replace-primary':
      return { letters: `f r:${primary} f`, commands: [migrate, replace(primary), migrate] };
  }
}

export interface LineWidths {
  readonly node: number;
  readonly instance: number;
}

/** The line of a step, and its commands with short names. */
export function solutionLine(
  nodes: NodeTable,
  instance: Instance,
  before: Place,
  step: Placement,
  position: number,
  widths: LineWidths,
): { readonly line: string; readonly commands: string[] } {
  const name = instance.alias;
  const alias = (node: number) => nodes.alias[node] ?? '';
  const place = ({ primary, secondary }: Place) =>
    secondary < 0 ? alias(primary) : `${alias(primary)}:${alias(secondary)}`;
  const { letters, commands } = described(
    instance,
    name,
    step.move,
    alias(step.primary),
    step.secondary < 0 ? '' : alias(step.secondary),
  );
  const width = 2 * widths.node + 1;
  const line =
    `  ${String(position).padStart(3)}. ${name.padEnd(widths.instance)} ${place(before).padEnd(width)}` +
    ` => ${place(step).padEnd(width)} ${fixed(step.score, 8).padStart(12)} a=${letters}`;
  return { line, commands };
}

/** Nodes that a step touches: the new ones, then the old ones. */
export function involvedNodes(instance: Instance, before: Place, step: Place): number[] {
  const old = instance.hasSecondary ? [before.primary, before.secondary] : [before.primary];
  return [...new Set([step.primary, step.secondary, ...old])].filter((node) => node >= 0);
}

/** A step as a job, with full names in its commands. */
export function moveJob(nodes: NodeTable, instance: Instance, before: Place, step: Placement): MoveJob {
  const alias = (node: number) => nodes.alias[node] ?? '';
  const { commands } = described(
    instance,
    instance.name,
    step.move,
    alias(step.primary),
    alias(step.secondary),
  );
  return { nodes: involvedNodes(instance, before, step), instance: step.instance, move: step.move, commands };
}

/**
 * Breaks a plan into sets, from its last step backwards: a job joins the set after it when it shares no node
 * with that set.
 */
export function splitJobs(jobs: readonly MoveJob[]): JobSet[] {
  const sets: MoveJob[][] = [];
  let busy = new Set<number>();
  for (const job of jobs.toReversed()) {
    const next = sets[0];
    if (next === undefined || job.nodes.some((node) => busy.has(node))) {
      sets.unshift([job]);
      busy = new Set(job.nodes);
    } else {
      next.unshift(job);
      for (const node of job.nodes) busy.add(node);
    }
  }
  return sets;
}

/** The shell commands of the sets. */
export function formatCommands(sets: readonly JobSet[]): string {
  const lines: string[] = [];
  sets.forEach((jobs, i) => {
    jobs.forEach((job, j) => {
      if (j === 0) lines.push('', `echo jobset ${i + 1}, ${jobs.length} jobs`);
      lines.push(`  echo job ${i + 1}/${j + 1}`, '  check');
      lines.push(...job.commands.map((command) => `  gnt-instance ${command}`));
    });
  });
  return lines.map((line) => `${line}\n`).join('');
}
