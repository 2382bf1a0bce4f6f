/** Varieties of clusters for tests by property. */
import fc from 'fast-check';
import type { Variety } from './varied-cluster.ts';

export const varieties = fc.record({
  groups: fc.constantFrom(1, 2),
  locations: fc.boolean(),
  migrationTags: fc.boolean(),
  exclusionTags: fc.boolean(),
  exclusiveStorage: fc.boolean(),
  forthcoming: fc.boolean(),
  offline: fc.boolean(),
  alike: fc.boolean(),
  onlyDrbd: fc.boolean(),
}) satisfies fc.Arbitrary<Variety>;
