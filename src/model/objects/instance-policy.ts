/** Instance policy: the sizes an instance may have (objects.FilledIPolicy and PartialIPolicy). */
import * as z from 'zod';

export const specificationKeys = [
  'memory-size',
  'cpu-count',
  'disk-count',
  'disk-size',
  'nic-count',
  'spindle-use',
] as const;
export type SpecificationKey = (typeof specificationKeys)[number];

export const InstanceSpecification = z.partialRecord(z.enum(specificationKeys), z.int());
export type InstanceSpecification = z.infer<typeof InstanceSpecification>;

export const MinMax = z.object({ min: InstanceSpecification, max: InstanceSpecification });

const fields = {
  minmax: z.array(MinMax),
  std: InstanceSpecification,
  'vcpu-ratio': z.number(),
  'spindle-ratio': z.number(),
  'disk-templates': z.array(z.string()),
};

export const InstancePolicy = z.looseObject(fields).readonly();
export type InstancePolicy = z.infer<typeof InstancePolicy>;

export const PartialInstancePolicy = z.looseObject(fields).partial().readonly();
export type PartialInstancePolicy = z.infer<typeof PartialInstancePolicy>;
