/** Opcodes about OS definitions and external storage providers. */
import { opcode, optional, required } from './opcode.ts';
import * as v from './values.ts';

export const ExtStorageDiagnose = opcode({
  id: 'OP_EXT_STORAGE_DIAGNOSE',
  doc: 'Gives the state of external storage providers.',
  params: {
    output_fields: required(v.names, 'Fields to give, in this order'),
    names: optional(v.names, [], 'Names to look at; none means all'),
  },
});

export const OsDiagnose = opcode({
  id: 'OP_OS_DIAGNOSE',
  doc: 'Gives the state of OS definitions.',
  params: {
    output_fields: required(v.names, 'Fields to give, in this order'),
    names: optional(v.names, [], 'Names to look at; none means all'),
  },
});
