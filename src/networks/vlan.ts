/**
 * The `vlan` parameter of a NIC (man page gnt-instance): ".100" or "100" an access port, ":100:200" a
 * trunk, ".100:200:300" an untagged VLAN with tagged ones beside it. Pure.
 */
import { Failure } from '../kit/failure.ts';

export interface Vlans {
  /** Frames without a tag belong to it; null where the port takes none. */
  readonly untagged: number | null;
  readonly tagged: readonly number[];
}

function id(text: string, whole: string): number {
  const value = Number(text);
  if (!/^\d{1,4}$/.test(text) || value < 1 || value > 4094) {
    throw new Failure('HypervisorError', [`Invalid VLAN '${whole}'`]);
  }
  return value;
}

/** @throws Failure HypervisorError for what isn't one of the three forms */
export function parseVlan(text: string): Vlans | null {
  if (text === '') return null;
  const [first = '', ...rest] = text.split(':');
  const untagged = first === '' ? null : id(first.replace(/^\./, ''), text);
  return { untagged, tagged: rest.map((part) => id(part, text)) };
}
