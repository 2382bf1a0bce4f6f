/** Rules for hypervisor parameters of one instance that neither type nor check of a parameter can tell. */
import type { HypervisorAbout } from '../../hypervisors/contract.ts';
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';

/** Global parameters stand at cluster level only. @throws Failure OpPrereqError naming them */
export function requireNotGlobal(about: HypervisorAbout, own: object): void {
  const names = Object.keys(own).filter((name) => about.params[name]?.global === true);
  if (names.length === 0) return;
  throw prerequisiteFailure(
    `The following hypervisor parameters are global and cannot be customized at instance level, please modify them at cluster level: ${names.join(', ')}`,
    ErrorCode.invalid,
  );
}
