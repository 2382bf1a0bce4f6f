/** Opcodes about tags. */
import { opcode, optional, required } from './opcode.ts';
import * as t from './types.ts';
import * as v from './values.ts';

export const TagsDel = opcode({
  id: 'OP_TAGS_DEL',
  doc: 'Takes tags from an object.',
  params: {
    kind: required(v.tagKind, 'Kind of object'),
    tags: required(t.listOf(t.string), 'Tags to take away'),
    name: optional(t.maybe(t.string), null, 'Name of the object; none for the cluster'),
  },
});

export const TagsGet = opcode({
  id: 'OP_TAGS_GET',
  summary: 'name',
  doc: 'Gives the tags of an object.',
  params: {
    kind: required(v.tagKind, 'Kind of object'),
    use_locking: optional(t.boolean, false, 'Take locks, to see one consistent state'),
    name: optional(t.maybe(t.string), null, 'Name of the object; none for the cluster'),
  },
});

export const TagsSearch = opcode({
  id: 'OP_TAGS_SEARCH',
  summary: 'pattern',
  doc: 'Finds tags in the whole cluster.',
  params: {
    pattern: required(t.nonEmptyString, 'Regular expression that tags have to match'),
  },
});

export const TagsSet = opcode({
  id: 'OP_TAGS_SET',
  doc: 'Adds tags to an object.',
  params: {
    kind: required(v.tagKind, 'Kind of object'),
    tags: required(t.listOf(t.string), 'Tags to add'),
    name: optional(t.maybe(t.string), null, 'Name of the object; none for the cluster'),
  },
});
