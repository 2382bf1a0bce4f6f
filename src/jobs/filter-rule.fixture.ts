/** A filter rule that lets every job through, with what a test changes of it. */
import type { FilterRule } from '../model/objects/filter-rule.ts';

export const rule = (change: Partial<FilterRule>): FilterRule => ({
  uuid: 'r',
  serial_no: 1,
  ctime: 0,
  mtime: 0,
  tags: [],
  watermark: 0,
  priority: 0,
  predicates: [],
  action: 'CONTINUE',
  reason_trail: [],
  ...change,
});
