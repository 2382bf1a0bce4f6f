/** How a guest reaches storage on the network: through a device of the host, or by the hypervisor itself. */
import type { ParameterDefinition } from '../model/params/family.ts';

export const accessParameter = {
  type: 'string',
  default: 'kernelspace',
  choices: ['kernelspace', 'userspace'],
  doc: 'kernelspace: through a block device of the host; userspace: the hypervisor opens it itself.',
} as const satisfies ParameterDefinition;
