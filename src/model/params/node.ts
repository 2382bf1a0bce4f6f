/** Node parameters, in the order in which lists show them (constants.NDS_PARAMETERS). */
import type { ParameterFamily } from './family.ts';

export const nodeParameters = {
  oob_program: { type: 'string', default: '', title: 'OutOfBandProgram', doc: 'Program for power control.' },
  spindle_count: { type: 'int', default: 1, title: 'SpindleCount', doc: 'Spindles of the node.' },
  exclusive_storage: {
    type: 'bool',
    default: false,
    title: 'ExclusiveStorage',
    global: true,
    doc: 'One physical volume belongs to one instance.',
  },
  ovs: { type: 'bool', default: false, title: 'OpenvSwitch', doc: 'Open vSwitch is set up by the cluster.' },
  ovs_name: {
    type: 'maybe-string',
    default: 'switch1',
    title: 'OpenvSwitchName',
    doc: 'Name of the switch.',
  },
  ovs_link: {
    type: 'maybe-string',
    default: '',
    title: 'OpenvSwitchLink',
    doc: 'Interface of the switch towards the network.',
  },
  ssh_port: { type: 'int', default: 22, doc: 'Port of its SSH daemon.' },
  cpu_speed: {
    type: 'float',
    default: 1,
    doc: 'Speed of a processor relative to the others.',
  },
} as const satisfies ParameterFamily;
