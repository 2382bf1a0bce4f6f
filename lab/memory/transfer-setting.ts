/** Clusters that know the secret of both, with the instances on which exports, imports and moves are tried. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { backupExport } from '../../src/operations/backup/export.ts';
import type { AnyOperation } from '../../src/operations/operation.ts';
import type { ProofWorld } from '../../src/operations/proves-undo.ts';
import { signCertificate, signDiskTarget, signKeyName } from '../../src/operations/transfer/authority.ts';
import { memoryCertificate } from './certificate.ts';
import {
  createMemoryCluster,
  type MemoryCluster,
  type MemoryOptions,
  memoryInstance,
  nodeName,
  nodeUuid,
} from './cluster.ts';
import { type Request, runOperation } from './run.ts';

export const secret = 'the secret of both clusters';
const folder = mkdtempSync(join(tmpdir(), 'gantry-backup-'));
const secretFile = join(folder, 'secret');
writeFileSync(secretFile, `${secret}\n`);
after(() => rmSync(folder, { recursive: true }));

/** A cluster with the secret, after some operations and changes of its nodes. */
export async function clusterWith(
  options: MemoryOptions,
  prepare: readonly (readonly [AnyOperation, Request])[] = [],
  change: (cluster: MemoryCluster) => void = () => {},
): Promise<MemoryCluster> {
  const cluster = createMemoryCluster(options);
  const world = { ...cluster.world, paths: { ...cluster.world.paths, clusterDomainSecret: secretFile } };
  const whole = { ...cluster, world };
  for (const [operation, request] of prepare) await runOperation(whole, operation, request);
  change(whole);
  return whole;
}

export const worldOf = (...made: Parameters<typeof clusterWith>): ProofWorld => ({
  fresh: () => clusterWith(...made),
});

export const web1 = { instance_name: 'web1.memory.example' };
export const name = web1.instance_name;
export const running = { instances: [memoryInstance(name)] };
export const stopped = { instances: [memoryInstance(name, { state: 'down' })] };
export const plain = memoryInstance(name, { template: 'plain' });
export const onFile = memoryInstance(name, { template: 'file' });
export const onFileDown = { instances: [memoryInstance(name, { state: 'down', template: 'file' })] };
export const toNode3 = { ...web1, target_node: nodeName(3) };
export const exported = [backupExport, toNode3] as const;
export const failing = (cluster: MemoryCluster) => {
  for (const machine of cluster.nodes.machines.values()) machine.transfers.failure = 'the script broke';
};

export const target = signDiskTarget(secret, 0, { host: '192.0.9.1', port: 4000, magic: 'magic' });
export const toCluster = {
  ...web1,
  mode: 'remote',
  target_node: [target],
  x509_key_name: signKeyName(secret, 'x509-key'),
  destination_x509_ca: signCertificate(secret, memoryCertificate),
};
export const withKey = (cluster: MemoryCluster) =>
  void cluster.nodes.machine(nodeUuid(1)).transfers.keys.add('x509-key');

export const zeroingImage = '/helpers/zero.raw';
export const zeroing = { ...toNode3, zero_free_space: true };
export const zeroingOf = (instance: MemoryOptions, image = zeroingImage): MemoryOptions => ({
  ...instance,
  cluster: { zeroing_image: image },
});
