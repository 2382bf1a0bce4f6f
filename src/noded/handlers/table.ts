/** Every call that a node daemon answers, with what answers it. */
import { osDiagnose } from '../../noderpc/calls/os.ts';
import { handlerTable, type NodeHandler } from '../../noderpc/handler.ts';
import type { NodeContext } from '../context.ts';
import { cryptoHandlers } from './crypto.ts';
import { diskHandlers } from './disk.ts';
import { diskCopyHandlers } from './disk-copy.ts';
import { exportHandlers } from './export.ts';
import { fileHandlers } from './files.ts';
import { instanceHandlers } from './instance.ts';
import { journalHandlers } from './journal.ts';
import { masterHandlers } from './master.ts';
import { nodeHandlers } from './node.ts';
import { osHandlers } from './os.ts';
import { powerHandlers } from './power.ts';
import { remainsHandlers } from './remains.ts';
import { roleHandlers } from './role.ts';
import { sshHandlers } from './ssh.ts';
import { storageHandlers } from './storage.ts';
import { switchHandlers } from './switch.ts';
import { transferHandlers } from './transfer.ts';
import { verifyHandlers } from './verify.ts';

export function nodeCallTable(context: NodeContext): ReadonlyMap<string, NodeHandler> {
  const os = osHandlers(context);
  const diagnose = os.find((handler) => handler.call.name === osDiagnose.name);
  const diagnoseOses = async () => {
    const found = await diagnose?.handle({} as never, {
      peer: 'this node',
      signal: new AbortController().signal,
    });
    return found as unknown[];
  };
  return handlerTable([
    ...nodeHandlers(context),
    ...verifyHandlers(context, diagnoseOses),
    ...fileHandlers(context),
    ...journalHandlers(context),
    ...masterHandlers(context),
    ...roleHandlers(context),
    ...cryptoHandlers(context),
    ...sshHandlers(context),
    ...switchHandlers(context),
    ...diskHandlers(context),
    ...diskCopyHandlers(context),
    ...exportHandlers(context),
    ...transferHandlers(context),
    ...instanceHandlers(context),
    ...storageHandlers(context),
    ...remainsHandlers(context),
    ...powerHandlers(context),
    ...os,
  ]);
}
