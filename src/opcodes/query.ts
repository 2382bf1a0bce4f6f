/** Opcodes about queries. */
import { opcode, optional, required } from './opcode.ts';
import * as t from './types.ts';
import * as v from './values.ts';

export const Query = opcode({
  id: 'OP_QUERY',
  summary: 'what',
  doc: 'Asks for objects by fields and filter.',
  params: {
    what: required(v.queryResource, 'What is asked about'),
    use_locking: optional(t.boolean, false, 'Take locks, to see one consistent state'),
    fields: required(v.names, 'Fields to give, in this order'),
    qfilter: optional(t.maybe(t.listOf(t.anything)), null, 'Filter'),
  },
});

export const QueryFields = opcode({
  id: 'OP_QUERY_FIELDS',
  summary: 'what',
  doc: 'Asks which fields there are.',
  params: {
    what: required(v.queryResource, 'What is asked about'),
    fields: optional(v.maybeNames, null, 'Fields asked about; none means all'),
  },
});
