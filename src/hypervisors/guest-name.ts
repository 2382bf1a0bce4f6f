/** Guests' names become parts of paths: whatever could lead elsewhere is refused here. */
import { Failure } from '../kit/failure.ts';

const harmless = /^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/;

export function isGuestName(name: string): boolean {
  return harmless.test(name) && !name.includes('..');
}

/** @throws Failure HypervisorError */
export function checkedGuestName(name: string): string {
  if (!isGuestName(name))
    throw new Failure('HypervisorError', [`Invalid instance name ${JSON.stringify(name)}`]);
  return name;
}
