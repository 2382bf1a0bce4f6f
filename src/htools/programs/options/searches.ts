/** Options that steer searches for places and moves. */
import { readInteger, readNumber, splitText } from '../../load/scan.ts';
import { flag, valued } from './kinds.ts';

export const searches = {
  diskMoves: flag(
    ['', 'no-disk-moves'],
    "disallow disk moves from the list of allowed instance changes, thus allowing only the 'cheap' " +
      'failover/migrate operations',
    (o) => {
      o.diskMoves = false;
    },
  ),
  instanceMoves: flag(
    ['', 'no-instance-moves'],
    'disallow instance (primary node) moves from the list of allowed, instance changes, thus allowing only ' +
      'slower, but sometimes safer, drbd secondary changes',
    (o) => {
      o.instanceMoves = false;
    },
  ),
  ignoreSoftErrors: flag(['', 'ignore-soft-errors'], 'Ignore any soft restrictions in balancing', (o) => {
    o.ignoreSoftErrors = true;
  }),
  evacuate: flag(
    ['E', 'evac-mode'],
    'enable evacuation mode, where the algorithm only moves instances away from offline and drained nodes',
    (o) => {
      o.evacuate = true;
    },
  ),
  restrictedMigration: flag(
    ['', 'restricted-migration'],
    'disallow replace-primary moves (aka frf-moves); in evacuation mode, this will ensure that the only ' +
      'migrations are off the drained nodes',
    (o) => {
      o.restrictedMigration = true;
    },
  ),
  selectInstances: valued(
    ['', 'select-instances', 'INSTS'],
    'only select given instances for any moves',
    'manyinstances',
    (o, v) => {
      o.selectedInstances = splitText(v, ',');
    },
  ),
  excludeInstances: valued(
    ['', 'exclude-instances', 'INSTS'],
    'exclude given instances from any moves',
    'manyinstances',
    (o, v) => {
      o.excludedInstances = splitText(v, ',');
    },
  ),
  exclusionTags: valued(
    ['', 'exclusion-tags', 'TAG,...'],
    'Enable instance exclusion based on given tag prefix',
    'string',
    (o, v) => {
      o.exclusionTags = splitText(v, ',');
    },
  ),
  minGain: valued(
    ['g', 'min-gain', 'DELTA'],
    'minimum gain to aim for in a balancing step before giving up',
    'float',
    (o, v) => {
      o.minGain = readNumber('min gain', v);
    },
  ),
  minGainLimit: valued(
    ['', 'min-gain-limit', 'SCORE'],
    'minimum cluster score for which we start checking the min-gain',
    'float',
    (o, v) => {
      o.minGainLimit = readNumber('min gain limit', v);
    },
  ),
  minScore: valued(
    ['e', 'min-score', 'EPSILON'],
    'mininum excess to the N+1 limit to aim for',
    'float',
    (o, v) => {
      o.minScore = readNumber('min score', v);
    },
  ),
  maxLength: valued(
    ['l', 'max-length', 'N'],
    'cap the solution at this many balancing or allocation rounds (useful for very unbalanced clusters or ' +
      'empty clusters)',
    'integer',
    (o, v) => {
      o.maxLength = readInteger('max solution length', v);
    },
  ),
  noSimulation: flag(['', 'no-simulation'], 'do not perform rebalancing simulation', (o) => {
    o.noSimulation = true;
  }),
  capacityChecks: flag(
    ['', 'no-capacity-checks'],
    'disable capacity checks (like global N+1 redundancy)',
    (o) => {
      o.capacityChecks = false;
    },
  ),
  independentGroups: flag(['', 'independent-groups'], 'Consider groups independently', (o) => {
    o.independentGroups = true;
  }),
  acceptExisting: flag(
    ['', 'accept-existing-errors'],
    "Accept existing N+1 violations; just don't add new ones",
    (o) => {
      o.acceptExisting = true;
    },
  ),
  restrictToNodes: valued(
    ['', 'restrict-allocation-to', 'NODE,...'],
    'Restrict allocations to the given set of nodes',
    'manynodes',
    (o, v) => {
      o.restrictToNodes = splitText(v, ',');
    },
  ),
};
