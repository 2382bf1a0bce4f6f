/** A disk of an instance, or a volume below one (objects.Disk). Sizes are MiB. */
import * as z from 'zod';
import { identity, Parameters } from './common.ts';

export { type DiskTemplate, diskTemplates } from '../names.ts';

const shared = {
  ...identity,
  dev_type: z.string(),
  /** Positional: its meaning belongs to the storage driver of `dev_type`. */
  logical_id: z.array(z.union([z.string(), z.number(), z.null()])).nullish(),
  iv_name: z.string().default(''),
  size: z.int(),
  mode: z.enum(['rw', 'ro']).default('rw'),
  name: z.string().nullish(),
  spindles: z.int().nullish(),
  params: Parameters.nullish(),
  /** Uuids of the nodes that hold it. */
  nodes: z.array(z.string()).default([]),
};

export interface Disk {
  readonly uuid: string;
  readonly serial_no: number;
  readonly ctime: number;
  readonly mtime: number;
  readonly dev_type: string;
  readonly logical_id?: readonly (string | number | null)[] | null | undefined;
  readonly iv_name: string;
  readonly size: number;
  readonly mode: 'rw' | 'ro';
  readonly name?: string | null | undefined;
  readonly spindles?: number | null | undefined;
  readonly params?: Readonly<Record<string, string | number | boolean | null>> | null | undefined;
  readonly nodes: readonly string[];
  readonly children?: readonly Disk[] | undefined;
  readonly [extra: string]: unknown;
}

export const Disk: z.ZodType<Disk> = z.looseObject({
  ...shared,
  get children() {
    return z.array(Disk).optional();
  },
}) as unknown as z.ZodType<Disk>;
