/**
 * Stranded steps of exports and moves. Ends of transfers, keys and exports in the making carry a name of their job's
 * own, so their undo can only meet what that job has left; a snapshot goes when no instance has its volume.
 */
import {
  beginExport,
  createKey,
  finalizeExport,
  startExport,
  startImport,
  takeSnapshot,
} from '../steps/transfer.ts';
import { lateUndo, settled, undo, userOf } from './rule.ts';

const onNode = ({ node }: { readonly node: string }) => [node];
const nobody = () => [];
const ofJobAlone = { nodes: onNode, instances: nobody, judge: () => undo };
/** An export has its instance's name: nobody may make another one meanwhile. */
const ofExport = {
  nodes: onNode,
  instances: (_configuration: unknown, { name }: { readonly name: string }) => [name],
  judge: () => undo,
};

const snapshot = lateUndo(takeSnapshot, {
  nodes: onNode,
  instances: (_configuration, { disk }) => [disk.owner],
  judge: ({ config: { current } }, { node, snapshot: { disk } }) => {
    const user = userOf(current, disk, node);
    return user === undefined ? undo : settled(`instance ${user.name} has its volume`);
  },
});

export const transferRules = [
  lateUndo(startImport({}), ofJobAlone),
  lateUndo(startExport({}), ofJobAlone),
  lateUndo(createKey, ofJobAlone),
  lateUndo(beginExport, ofExport),
  lateUndo(finalizeExport(''), ofExport),
  snapshot,
];
