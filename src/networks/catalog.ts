/** Every NIC mode, one line an entry. */
import { ErrorCode, prerequisiteFailure } from '../kit/failure.ts';
import { about as bridged } from './bridged/about.ts';
import type { NetworkAbout } from './contract.ts';
import { about as ext } from './ext/about.ts';
import { about as openvswitch } from './openvswitch/about.ts';
import { about as routed } from './routed/about.ts';

export const networkAbouts: readonly NetworkAbout[] = [bridged, routed, openvswitch, ext];

/** NIC modes in alphabetical order. */
export const nicModes: readonly string[] = networkAbouts.map((about) => about.name).sort();

/** @throws Failure OpPrereqError for a mode that isn't in the catalog */
export function networkAbout(mode: string): NetworkAbout {
  const about = networkAbouts.find((candidate) => candidate.name === mode);
  if (about === undefined) throw prerequisiteFailure(`Unknown NIC mode '${mode}'`, ErrorCode.invalid);
  return about;
}
