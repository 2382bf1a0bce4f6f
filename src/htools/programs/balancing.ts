/** Running a balance to its end, as hbal and hcheck do. */
import { Balancer, type Step } from '../core/balance/balancer.ts';
import type { Part } from '../core/terms/cluster.ts';
import { algorithmOptions, type Options } from './options.ts';

export interface BalanceOutcome {
  readonly steps: readonly Step[];
  /** The score at the end. */
  readonly score: number;
}

/**
 * Balances until no move gains, the score is at most `until`, or the plan is as long as the options allow.
 * `onStep` is told each step with its number in the plan.
 */
export function runBalance(
  part: Part,
  options: Options,
  until: number,
  onStep: (step: Step, position: number) => void,
): BalanceOutcome {
  const balancer = new Balancer(part, algorithmOptions(options));
  const steps: Step[] = [];
  const mayGoOn = () => (options.maxLength < 0 || steps.length < options.maxLength) && balancer.score > until;
  while (mayGoOn()) {
    const step = balancer.step();
    if (step === undefined) break;
    steps.push(step);
    onStep(step, steps.length);
  }
  return { steps, score: balancer.score };
}
