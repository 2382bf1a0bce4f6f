/** What `rbd` says of mapped images, in both of its formats. Pure. */
import { deviceFailure } from '../host.ts';

export interface Image {
  readonly pool: string;
  readonly name: string;
}

function onlyOne(devices: readonly string[], image: Image): string | undefined {
  if (devices.length > 1) throw deviceFailure(`rbd volume ${image.name} is mapped more than once`);
  return devices[0];
}

/**
 * The device of an image from `rbd showmapped --format json`: a list, or with older versions a record by id.
 * @throws Failure BlockDeviceError for text of another shape
 */
export function mappedInJson(text: string, image: Image): string | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw deviceFailure('Unable to parse JSON data of rbd showmapped', error);
  }
  const entries = Object.values((parsed ?? {}) as Record<string, Record<string, unknown>>);
  const devices = entries.flatMap((entry) => {
    for (const key of ['name', 'pool']) {
      if (typeof entry?.[key] !== 'string') throw deviceFailure(`'${key}' key missing from json object`);
    }
    return entry.name === image.name && entry.pool === image.pool ? [String(entry.device)] : [];
  });
  return onlyOne(devices, image);
}

/** The same from the plain table "id pool image snap device"; @throws Failure BlockDeviceError */
export function mappedInTable(text: string, image: Image): string | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const split = (line: string) => {
    const cells = line.includes('\t') ? line.split('\t') : line.trim().split(/\s+/);
    return cells.map((cell) => cell.trim());
  };
  const rows = lines.map(split);
  if (rows.length > 0 && rows[0]!.length !== 5) {
    throw deviceFailure(`Cannot parse rbd showmapped output expected 5 fields, found ${rows[0]!.length}`);
  }
  const devices = rows
    .filter((row) => row.length === 5 && row[1] === image.pool && row[2] === image.name)
    .map((row) => row[4]!);
  return onlyOne(devices, image);
}

/** Size in bytes from `rbd info --format json`. */
export function sizeInInfo(text: string): number {
  try {
    const { size } = JSON.parse(text) as { size?: unknown };
    if (typeof size === 'number') return size;
  } catch {
    // Said below.
  }
  throw deviceFailure(`Can't read the size of an image from '${text.trim().slice(0, 80)}'`);
}
