/** How QEMU opens disks and images: block nodes for -blockdev and blockdev-add. Pure. */
import { Failure } from '../../../kit/failure.ts';
import type { Parameters, ParameterValue } from '../../../model/objects/common.ts';
import { isUrl } from '../../checks.ts';

/** A value of an option tree; lists are numbered in the command line. */
export type OptionTree =
  | string
  | number
  | boolean
  | readonly OptionTree[]
  | { readonly [key: string]: OptionTree };

/** "driver=raw,cache.direct=off,file.driver=file": a tree as one option. Commas in values are doubled. */
export function flatOption(tree: { readonly [key: string]: OptionTree }): string {
  const parts: string[] = [];
  const walk = (prefix: string, value: OptionTree): void => {
    if (typeof value === 'object') {
      const entries = Array.isArray(value)
        ? value.map((v, i) => [String(i), v] as const)
        : Object.entries(value);
      for (const [key, inner] of entries) walk(prefix === '' ? key : `${prefix}.${key}`, inner as OptionTree);
    } else {
      const text = typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value);
      parts.push(`${prefix}=${text.replaceAll(',', ',,')}`);
    }
  };
  walk('', tree);
  return parts.join(',');
}

export interface CacheSettings {
  /** The guest sees a write cache. */
  readonly writeback: boolean;
  /** Past the host's page cache. */
  readonly direct: boolean;
}

/**
 * What a disk_cache value means. Storage that other nodes see too is never cached on the host: after a
 * migration the other side would read what it remembers instead of what was written.
 * @throws Failure HypervisorError
 */
export function cacheSettings(cache: ParameterValue | undefined, seenElsewhere: boolean): CacheSettings {
  if (seenElsewhere || cache === 'none') return { writeback: true, direct: true };
  if (cache === 'writeback' || cache === 'default') return { writeback: true, direct: false };
  if (cache === 'writethrough') return { writeback: false, direct: false };
  throw new Failure('HypervisorError', [`Invalid KVM cache setting '${String(cache)}'`]);
}

/**
 * The block driver for a storage URI of userspace access (kvm_utils.ParseStorageUriToBlockdevParam).
 * @throws Failure HypervisorError for any but gluster: and rbd:
 */
export function uriDriver(uri: string): { readonly [key: string]: OptionTree } {
  const gluster = /^gluster(?:\+\w+)?:\/\/([a-z0-9.-]+|\[[0-9a-f:]+\]):(\d+)\/([^/]+)\/(.+)$/i.exec(uri);
  if (gluster !== null) {
    const [, host = '', port = '', volume = '', path = ''] = gluster;
    return { driver: 'gluster', server: [{ type: 'inet', host, port }], volume, path };
  }
  const rbd = /^rbd:([\w.-]+)\/([\w.-]+)(?::id=([\w.-]+))?$/.exec(uri);
  if (rbd !== null) {
    const [, pool = '', image = '', user] = rbd;
    return { driver: 'rbd', pool, image, ...(user === undefined ? {} : { user }) };
  }
  throw new Failure('HypervisorError', [`Unsupported storage URI scheme: ${uri}`]);
}

/** A disk as QEMU opens it. */
export interface DriveSource {
  /** Id of the block node and of the device. */
  readonly id: string;
  /** Device or file; ignored when there is a URI. */
  readonly path: string | null;
  readonly uri: string | null;
  /** The path is a regular file, not a device. */
  readonly isFile: boolean;
  readonly readOnly: boolean;
  readonly seenElsewhere: boolean;
}

/** The block node of a disk: arguments of -blockdev and blockdev-add. */
export function blockNode(
  source: DriveSource,
  hvparams: Parameters,
  autoReadOnly: boolean,
): { readonly [key: string]: OptionTree } {
  const { direct } = cacheSettings(hvparams.disk_cache, source.seenElsewhere && source.uri === null);
  const discard = hvparams.disk_discard === 'unmap' ? 'unmap' : 'ignore';
  const aio = direct || hvparams.disk_aio !== 'native' ? String(hvparams.disk_aio || 'threads') : 'threads';
  const file =
    source.uri === null
      ? { driver: source.isFile ? 'file' : 'host_device', filename: source.path ?? '', aio }
      : uriDriver(source.uri);
  return {
    driver: 'raw',
    'node-name': source.id,
    discard,
    cache: { direct, 'no-flush': false },
    file: file as OptionTree,
    ...(source.readOnly ? { 'read-only': true } : {}),
    ...(autoReadOnly ? { 'auto-read-only': false } : {}),
  };
}

/** -blockdev and -device of a CD-ROM drive. */
export function cdromArguments(image: string, type: string, id: string, bootFrom: boolean): string[] {
  const device = { ide: 'ide-cd', paravirtual: 'virtio-blk-pci', 'scsi-cd': 'scsi-cd' }[type];
  if (device === undefined) throw new Failure('HypervisorError', [`Unsupported cdrom disk type: ${type}`]);
  const file = isUrl(image)
    ? { driver: image.slice(0, image.indexOf(':')).toLowerCase(), url: image }
    : { driver: 'file', filename: image };
  const node = {
    driver: 'raw',
    cache: { direct: false, 'no-flush': true },
    'read-only': true,
    'node-name': id,
    file,
  };
  return ['-blockdev', flatOption(node), '-device', `${device},drive=${id}${bootFrom ? ',bootindex=1' : ''}`];
}

/** -blockdev and -device of the floppy drive. */
export function floppyArguments(image: string, bootFrom: boolean): string[] {
  const node = { driver: 'raw', 'node-name': 'floppy1', file: { driver: 'file', filename: image } };
  return ['-blockdev', flatOption(node), '-device', `floppy,drive=floppy1${bootFrom ? ',bootindex=1' : ''}`];
}
