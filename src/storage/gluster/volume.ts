/** Which Gluster volume a disk is on, and whether it is mounted. Pure. */
import type { Parameters } from '../../model/objects/common.ts';
import { deviceFailure } from '../host.ts';

export interface Volume {
  readonly host: string;
  readonly port: number;
  readonly name: string;
}

/** @throws Failure BlockDeviceError for parameters that can't name a volume */
export function volumeOf(params: Parameters): Volume {
  const host = String(params.host ?? '');
  const port = Number(params.port ?? Number.NaN);
  const name = String(params.volume ?? '');
  if (!/^[a-zA-Z0-9][a-zA-Z0-9.:-]*$/.test(host)) throw deviceFailure(`'${host}' is not a Gluster server`);
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw deviceFailure(`'${port}' is not a port`);
  if (!/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/.test(name)) throw deviceFailure(`'${name}' is not a Gluster volume`);
  return { host, port, name };
}

/** From the text of /proc/self/mounts, which writes spaces as \040. */
export function isMounted(mounts: string, folder: string): boolean {
  return mounts.split('\n').some((line) => {
    const [, place, type] = line.split(' ');
    return place?.replaceAll('\\040', ' ') === folder && type === 'fuse.glusterfs';
  });
}
