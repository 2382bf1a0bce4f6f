/** Fills the disks of a new instance from an export or from another cluster. */

import { executionFailure } from '../../../kit/failure.ts';
import type { DiskOnNode } from '../../../noderpc/calls/shapes.ts';
import type { TransferEnd, TransferIo } from '../../../noderpc/calls/transfer.ts';
import { reasonOf } from '../../../noderpc/reply.ts';
import { storageAbout } from '../../../storage/catalog.ts';
import { keyValiditySeconds } from '../../backup/prepare.ts';
import { disksOnNode, instanceOnNode } from '../../on-node.ts';
import type { JobHandle } from '../../operation.ts';
import { runRenameScript } from '../../steps/instance.ts';
import { createKey, endTransfer, removeKey, startImport } from '../../steps/transfer.ts';
import {
  isIpv6,
  magicOf,
  randomHex,
  signCertificate,
  signDiskTarget,
  uniqueName,
} from '../../transfer/authority.ts';
import { type EndResult, TransferLoop } from '../../transfer/follow.ts';
import { transferDisks, transferSteps } from '../../transfer/within.ts';
import type { ClusterOrigin } from './from-cluster.ts';
import type { ExportOrigin } from './from-export.ts';
import type { CreatePlan } from './plan.ts';

export type Origin = ExportOrigin | ClusterOrigin;

/** The log entry that programs wait for which carry an instance over (constants.ELOG_REMOTE_IMPORT). */
const remoteImport = 'remote-import';

function targetOf(plan: CreatePlan, disk: DiskOnNode): TransferIo {
  const { configuration, instance, disks, nodes } = plan;
  const isEmpty = storageAbout(disk.disk.dev_type).fileBased;
  if (instance.os === '') return { kind: 'disk', disk, isEmpty };
  const told = instanceOnNode(configuration, instance, nodes[0]!.uuid, { disks });
  return { kind: 'script', disk, index: disk.index, instance: told };
}

const requestsOf = ({ configuration, instance, disks, nodes }: CreatePlan) =>
  disksOnNode(configuration, instance, nodes[0]!.uuid, disks);

const incomplete = ({ instance, nodes }: CreatePlan) =>
  `Some disks for instance ${instance.name} on node ${nodes[0]!.name} were not imported successfully`;

async function fromExport(plan: CreatePlan, origin: ExportOrigin, job: JobHandle): Promise<void> {
  const { configuration, instance, nodes, compress, debug } = plan;
  job.say('* running the instance OS import scripts...');
  const requests = requestsOf(plan);
  const results = await transferDisks(
    {
      ...{ configuration, instance, compress, debug, secretParameters: plan.secretParameters },
      ...{ source: origin.node.uuid, target: nodes[0]!.uuid },
      disks: origin.images.map((image, index) =>
        image === undefined || requests[index] === undefined
          ? undefined
          : {
              label: `disk/${index}`,
              from: { kind: 'file', path: image },
              to: targetOf(plan, requests[index]),
            },
      ),
    },
    job,
  );
  if (results.some((good, index) => !good && origin.images[index] !== undefined))
    throw executionFailure(incomplete(plan));
}

/** One disk on its way in. */
interface Arrival {
  port: number | undefined;
  result: EndResult | undefined;
}

/**
 * Is it all there, as far as the sender can know? It may have removed its own when it does not wait for a
 * confirmation, so what has come is kept then.
 */
function isSenderDone({ status }: EndResult): boolean {
  return status?.received === true && status.confirms === false;
}

class RemoteImport {
  readonly #plan: CreatePlan;
  readonly #origin: ClusterOrigin;
  readonly #job: JobHandle;
  readonly #arrivals: Arrival[];
  readonly #magic: readonly string[];

  constructor(plan: CreatePlan, origin: ClusterOrigin, job: JobHandle) {
    const base = randomHex(6);
    this.#plan = plan;
    this.#origin = origin;
    this.#job = job;
    this.#arrivals = plan.disks.map(() => ({ port: undefined, result: undefined }));
    this.#magic = plan.disks.map((_, index) => magicOf(base, plan.instance.name, index));
  }

  /** Tells whoever watches the job where the sender may come, once every disk is waited for. */
  #tell(certificate: string): void {
    const { secret } = this.#origin;
    const { primary_ip: host } = this.#plan.nodes[0]!;
    if (this.#arrivals.some(({ port }) => port === undefined)) return;
    const salt = randomHex(8);
    this.#job.tell(remoteImport, {
      disks: this.#arrivals.map(({ port }, index) =>
        signDiskTarget(secret, index, { host, port: port!, magic: this.#magic[index]! }, salt),
      ),
      x509_ca: signCertificate(secret, certificate),
    });
  }

  #end(disk: DiskOnNode, index: number): Omit<TransferEnd, 'secretParameters'> {
    const { instance, nodes, compress, debug } = this.#plan;
    const { certificate, key, connectTimeout } = this.#origin;
    const component = `disk${index}`;
    return {
      name: uniqueName(`import-${component}`, this.#job.world.now()),
      ...{ component, instanceName: instance.name, os: instance.os, io: targetOf(this.#plan, disk) },
      ...{ keyName: key, peerCertificate: certificate, compress, magic: this.#magic[index]! },
      ...{ ipv6: isIpv6(nodes[0]!.primary_ip), connectTimeout, debug },
    };
  }

  async run(): Promise<void> {
    const job = this.#job;
    const { uuid: node, name: nodeName } = this.#plan.nodes[0]!;
    const { key, connectTimeout } = this.#origin;
    job.say('* preparing remote import...');
    const certificate = await job.do(createKey, { node, name: key, validitySeconds: keyValiditySeconds });
    const loop = new TransferLoop(job);
    for (const [index, disk] of requestsOf(this.#plan).entries()) {
      const end = this.#end(disk, index);
      const arrival = this.#arrivals[index]!;
      loop.add({
        ...{ mode: 'import', name: end.name, node, nodeName, connectTimeout },
        start: () => job.do(startImport(this.#plan.secretParameters), { node, end }),
        listening: (port) => {
          job.say(`Disk ${index} is now listening`);
          arrival.port = port;
          this.#tell(certificate);
        },
        connected: () => job.say(`Disk ${index} is now receiving data`),
        finished: async (result) => {
          const { success, message, recent } = result;
          arrival.result = result;
          job.say(
            success
              ? `Disk ${index} finished receiving data`
              : `Disk ${index} failed to receive data: ${message} (recent output: ${recent})`,
          );
        },
      });
    }
    await loop.run();
    const failed = this.#arrivals.flatMap(({ result }) => (result?.success ? [] : [result]));
    if (failed.length > 0) {
      const mayBeTheLast = failed.every((result) => result !== undefined && isSenderDone(result));
      if (!mayBeTheLast) throw executionFailure(incomplete(this.#plan));
      job.warn(`${incomplete(this.#plan)}; the sender does not know of it`);
    }
    await job.do(removeKey, { node, name: key });
  }
}

/** The OS definition's rename script, because the guest may have a new name. */
async function rename(plan: CreatePlan, oldName: string, job: JobHandle): Promise<void> {
  const { configuration, instance, disks, nodes } = plan;
  const { uuid: node, name: nodeName } = nodes[0]!;
  if (instance.os === '') return;
  job.say(`Running rename script for ${instance.name}`);
  try {
    await job.do(runRenameScript, {
      node,
      instance: instanceOnNode(configuration, instance, node, { disks }),
      oldName,
      debug: plan.debug,
    });
  } catch (error) {
    job.signal.throwIfAborted();
    job.warn(`Failed to run rename script for ${instance.name} on node ${nodeName}: ${reasonOf(error)}`);
  }
}

/** @throws Failure OpExecError when not all of it has come */
export async function importDisks(plan: CreatePlan, origin: Origin, job: JobHandle): Promise<void> {
  if (origin.kind === 'export') await fromExport(plan, origin, job);
  else await new RemoteImport(plan, origin, job).run();
  await rename(plan, origin.oldName, job);
}

export const importSteps = [...transferSteps, endTransfer, createKey, removeKey, runRenameScript] as const;
