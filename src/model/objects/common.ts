/** What every object of the configuration has: identity, serial number, times, tags. */
import * as z from 'zod';

/** Seconds since the epoch, with a fraction. */
export const Timestamp = z.number();

export type Uuid<Kind extends string> = string & { readonly __kind?: Kind };
export type NodeUuid = Uuid<'node'>;
export type GroupUuid = Uuid<'nodegroup'>;
export type InstanceUuid = Uuid<'instance'>;
export type DiskUuid = Uuid<'disk'>;
export type NetworkUuid = Uuid<'network'>;
export type FilterUuid = Uuid<'filter'>;

/** A value of a parameter as it stands in config.data. */
export const ParameterValue = z.union([z.string(), z.number(), z.boolean(), z.null()]);
export type ParameterValue = z.infer<typeof ParameterValue>;

export const Parameters = z.record(z.string(), ParameterValue);
export type Parameters = Readonly<Record<string, ParameterValue>>;

/** Fields of every object that stands in a table of its own. */
export const identity = {
  uuid: z.string(),
  serial_no: z.int().default(1),
  ctime: Timestamp.default(0),
  mtime: Timestamp.default(0),
};

export const tags = { tags: z.array(z.string()).default([]) };

/** What the table and the commit need to know of an object. */
export interface Identified {
  readonly uuid: string;
  readonly serial_no: number;
  readonly ctime: number;
  readonly mtime: number;
}
