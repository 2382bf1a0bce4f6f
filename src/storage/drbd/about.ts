/** DRBD 8.4: two nodes with a volume each, every write goes to both. */
import type { StorageAbout } from '../contract.ts';

/** MiB of the volume that holds DRBD's metadata (constants.DRBD_META_SIZE). */
export const metadataMiB = 128;

/** Which sets of b (barriers), d (drain) and f (flush) may be disabled together (constants.DRBD_VALID_BARRIER_OPT). */
const barrierSets = new Set(['n', 'b', 'bd', 'bdf', 'bf', 'd', 'df', 'f']);

export function isBarrierSet(value: string): boolean {
  return barrierSets.has([...new Set(value)].sort().join(''));
}

const positive = (value: unknown) => (Number(value) >= 1 ? undefined : 'must be 1 or more');

export const about: StorageAbout = {
  name: 'drbd',
  params: {
    'c-delay-target': { type: 'int', default: 1, doc: 'Delay that the dynamic resync aims at, in 0.1 s.' },
    'c-fill-target': {
      type: 'int',
      default: 0,
      doc: 'Data in flight that it aims at, in sectors; 0: by delay.',
    },
    'c-max-rate': { type: 'int', default: 61440, doc: 'Fastest dynamic resync, KiB/s.' },
    'c-min-rate': { type: 'int', default: 4096, doc: 'Slowest dynamic resync, KiB/s.' },
    'c-plan-ahead': { type: 'int', default: 20, doc: 'How far the dynamic resync plans ahead, in 0.1 s.' },
    'data-stripes': { type: 'int', default: 1, check: positive, doc: 'Stripes of the data volume.' },
    'disk-barriers': {
      type: 'string',
      default: 'n',
      check: (value) => (isBarrierSet(String(value)) ? undefined : 'must be n, or a valid set of b, d and f'),
      doc: 'What is switched off: b barriers, d drain, f flushes; n nothing.',
    },
    'disk-custom': { type: 'string', default: '', doc: 'Further options of drbdsetup attach.' },
    'dynamic-resync': { type: 'bool', default: false, doc: 'The c-* parameters steer the speed.' },
    'meta-barriers': { type: 'bool', default: false, doc: 'No flushes of the metadata volume.' },
    'meta-stripes': { type: 'int', default: 1, check: positive, doc: 'Stripes of the metadata volume.' },
    metavg: { type: 'string', default: 'xenvg', doc: 'Volume group of the metadata.' },
    'net-custom': { type: 'string', default: '', doc: 'Further options of drbdsetup connect.' },
    protocol: { type: 'string', default: 'C', choices: ['A', 'B', 'C'], doc: 'When a write counts as done.' },
    'resync-rate': { type: 'int', default: 61440, doc: 'Speed of a resync that is not dynamic, KiB/s.' },
  },
  mirrored: 'internal',
  needsSecondary: true,
  storageType: 'lvm-vg',
  growable: true,
  adoptable: 'no',
  fileBased: false,
  volumeGroup: true,
  snapshots: true,
  exclusiveStorage: false,
  userspaceAccess: false,
  convertibleFrom: true,
  convertibleTo: true,
  copyable: false,
  overheadMiB: metadataMiB,
  idParts: ['PNODE', 'SNODE', 'PORT', 'PMINOR', 'SMINOR'],
  lowerDisks: ['DATA', 'META'],
  layout({ nodes, port, minors, secret, unique, index, size, vg, metaVg }) {
    return {
      logicalId: [nodes[0] ?? null, nodes[1] ?? null, port, minors[0] ?? null, minors[1] ?? null, secret],
      children: [
        { template: 'plain', size, logicalId: [vg, `${unique}.disk${index}_data`] },
        { template: 'plain', size: metadataMiB, logicalId: [metaVg ?? vg, `${unique}.disk${index}_meta`] },
      ],
    };
  },
  claims([first, second, port, firstMinor, secondMinor, secret]) {
    const minors = [
      { node: first, minor: firstMinor },
      { node: second, minor: secondMinor },
    ];
    return {
      minors: minors.flatMap(({ node, minor }) =>
        typeof node === 'string' && typeof minor === 'number' ? [{ node, minor }] : [],
      ),
      ...(typeof port === 'number' ? { port } : {}),
      ...(typeof secret === 'string' ? { secret } : {}),
    };
  },
};
