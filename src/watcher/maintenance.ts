/**
 * A node that the cluster has given up may still run guests and mirrors that another node has taken over. Where the
 * cluster has `maintain_node_health`, they are taken down as soon as the candidates with the newest configuration call
 * the node offline. Taking down is the work of a program of the node daemon's room, which has the drivers.
 */
import { readFile } from 'node:fs/promises';
import { askConfd } from '../confd/client/ask.ts';
import { candidates } from '../confd/client/peers.ts';
import { nodeRoles, replyStatus } from '../confd/client/protocol.ts';
import { messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { Paths } from '../kit/paths.ts';
import { describeFailure, runProcess } from '../kit/process.ts';
import { programPath } from '../kit/programs.ts';
import { ownHostname } from '../kit/resolve.ts';

const deadlineMs = 600_000;

async function isWanted({ dataDir }: Pick<Paths, 'dataDir'>): Promise<boolean> {
  const text = await readFile(`${dataDir}/ssconf_maintain_node_health`, 'utf8').catch(() => '');
  return text.trim() === 'True';
}

/** What one candidate says of the node. */
export interface Word {
  readonly role: number;
  /** Of the configuration that it knows: one that was left behind, as this node itself may be, has a lower one. */
  readonly serial: number;
}

/** Most must have answered, and all with the newest configuration must call the node offline. */
export function shouldTakeDown(words: readonly (Word | undefined)[]): boolean {
  const said = words.filter((word) => word !== undefined);
  const newest = Math.max(...said.map(({ serial }) => serial));
  return (
    said.length > words.length / 2 &&
    said.every(({ role, serial }) => serial < newest || role === nodeRoles.offline)
  );
}

export async function maintainNode(paths: Paths, log: Log): Promise<void> {
  if (!(await isWanted(paths))) return;
  try {
    const asking = await candidates(paths);
    const words = await Promise.all(
      asking.peers.map(async (peer): Promise<Word | undefined> => {
        const reply = await askConfd({ ...asking, peers: [peer] }, 'nodeRoleByName', ownHostname()).catch(
          () => undefined,
        );
        return reply?.status === replyStatus.okay
          ? { role: Number(reply.answer), serial: reply.serial }
          : undefined;
      }),
    );
    log.debug(`Candidates say of this node: ${JSON.stringify(words)}`);
    if (!shouldTakeDown(words)) return;
    log.info('The cluster calls this node offline: what still runs here is taken down');
    const result = await runProcess([programPath('gantry-node-takedown')], { timeoutMs: deadlineMs });
    for (const line of `${result.stdout}${result.stderr}`.split('\n')) if (line !== '') log.info(line);
    if (result.code !== 0) log.error(`Not everything could be taken down: ${describeFailure(result)}`);
  } catch (error) {
    log.warning(`Can't find out what the cluster says of this node: ${messageOf(error)}`);
  }
}
