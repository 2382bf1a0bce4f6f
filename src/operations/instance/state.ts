/** In which state an instance must be for an operation, in Ganeti's words (cmdlib CheckInstanceState). */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import type { AdminState, Instance } from '../../model/objects/instance.ts';
import { primaryOf, runningOn } from '../checks.ts';
import type { PlanContext } from '../operation.ts';

/** Meant to run or to be stopped: not taken out of service. */
export const online: readonly AdminState[] = ['down', 'up'];
export const down: readonly AdminState[] = ['down'];
export const notRunning: readonly AdminState[] = ['down', 'offline'];

/**
 * @param what what can't be done otherwise; without it, that the state is wrong is all that is said
 * @throws Failure OpPrereqError wrong_state
 */
export function requireMarked(instance: Instance, states: readonly AdminState[], what?: string): void {
  if (states.includes(instance.admin_state)) return;
  throw prerequisiteFailure(
    `Instance '${instance.name}' is marked to be ${instance.admin_state}, ${what ?? `can't use instance from outside ${states.join(', ')} states`}`,
    ErrorCode.state,
  );
}

/**
 * The same, and where none of the states is "up" the guest must not run either, whatever it is marked as.
 * With the primary node offline that can't be seen and is only warned of.
 */
export async function requireState(
  context: PlanContext,
  instance: Instance,
  states: readonly AdminState[],
  what?: string,
): Promise<void> {
  requireMarked(instance, states, what);
  if (states.includes('up')) return;
  const primary = primaryOf(context.configuration, instance);
  if (primary.offline) {
    context.warn('Primary node offline, ignoring check that instance is down');
    return;
  }
  if ((await runningOn(context.nodes, context.configuration, instance, primary.uuid)) !== null) {
    throw prerequisiteFailure(
      `Instance ${instance.name} is running, ${what ?? `can't use instance from outside ${states.join(', ')} states`}`,
      ErrorCode.state,
    );
  }
}
