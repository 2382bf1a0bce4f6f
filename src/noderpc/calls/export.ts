/**
 * Node calls about exports of instances: folders below the export folder, one an instance. A new export
 * grows in NAME.new; when it is whole it takes the place of the one before, which waits aside until the
 * master says that all is well. `token` says whose export in the making a folder is.
 */
import * as z from 'zod';
import { nodeCall } from '../call.ts';
import { Done } from './shapes.ts';

/** An instance's name as the name of a folder. */
const ExportName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,250}$/, 'not the name of an export');
const making = z.object({ name: ExportName, token: z.string().regex(/^[A-Za-z0-9-]{8,64}$/) });

/** Names of the exports that lie in the export folder of this node. */
export const exportList = nodeCall({
  name: 'export_list',
  deadline: 60,
  effect: 'read',
  argument: z.object({}),
  result: z.array(z.string()),
});

/** What config.ini of the export in a folder says; the path as it is without a virtual node's root. */
export const exportInfo = nodeCall({
  name: 'export_info',
  deadline: 60,
  effect: 'read',
  argument: z.object({ path: z.string() }),
  result: z.string(),
});

/** Removes an export; none: fine. */
export const exportRemove = nodeCall({
  name: 'export_remove',
  deadline: 3600,
  effect: 'change',
  argument: z.object({ name: ExportName }),
  result: Done,
});

/** An empty folder NAME.new; what an earlier export left there goes. Begun with this token already: fine. */
export const exportBegin = nodeCall({
  name: 'export_begin',
  deadline: 3600,
  effect: 'change',
  argument: making,
  result: Done,
});

/** Writes config.ini and puts NAME.new in the place of NAME, which is put aside. Done already: fine. */
export const finalizeExport = nodeCall({
  name: 'finalize_export',
  deadline: 3600,
  effect: 'change',
  argument: making.extend({ config: z.string() }),
  result: Done,
});

/** Takes back what export_begin and finalize_export did with this token; the export before is there again. */
export const exportAbandon = nodeCall({
  name: 'export_abandon',
  deadline: 3600,
  effect: 'change',
  argument: making,
  result: Done,
});

/** The export stays: the one before it goes for good. Settled already: fine. */
export const exportSettle = nodeCall({
  name: 'export_settle',
  deadline: 3600,
  effect: 'change',
  argument: making,
  result: Done,
});
