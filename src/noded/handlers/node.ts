/** Node calls about the node itself: who it is, what it has, what it can reach, and hooks. */
import { readFile } from 'node:fs/promises';
import { runHooks } from '../../hooks/runner.ts';
import { sleep } from '../../kit/clock.ts';
import type { Parameters } from '../../model/objects/common.ts';
import { extstorageDiagnose } from '../../noderpc/calls/extstorage.ts';
import * as calls from '../../noderpc/calls/node.ts';
import { answers, type NodeHandler } from '../../noderpc/handler.ts';
import { protocolVersion, releaseVersion } from '../../noderpc/versions.ts';
import { diagnoseProviders } from '../../storage/external-provider.ts';
import { type LogicalVolumeState, listLogicalVolumes, listVolumeGroups } from '../../storage/lvm.ts';
import { storageSpace } from '../../storage/space.ts';
import type { NodeContext } from '../context.ts';
import { missingLinks } from '../links.ts';
import { ownsAddress } from '../reachability.ts';
import { masterNodeOf } from '../ssconf.ts';

/** A volume as lv_list shows it (backend.GetVolumeList). Size in MiB. */
export function volumeOf(volume: LogicalVolumeState): calls.LogicalVolume {
  const [, , , , active, open] = volume.attributes;
  return {
    name: volume.name,
    vg: volume.vg,
    size: volume.sizeKiB / 1024,
    inactive: active === '-',
    online: open === 'o',
    tags: [...volume.tags],
    device: active === '-' ? null : `/dev/${volume.vg}/${volume.name}`,
  };
}

/** Volumes that are of no use to anybody else: snapshots' and mirrors' inner ones have names in brackets. */
export async function logicalVolumes(
  context: NodeContext,
  vgs: readonly string[],
): Promise<calls.LogicalVolume[]> {
  return (await listLogicalVolumes(context.host, vgs)).map(volumeOf);
}

export async function volumeGroups(
  context: NodeContext,
): Promise<Record<string, { size: number; free: number }>> {
  const groups = await listVolumeGroups(context.host);
  return Object.fromEntries(groups.map(({ name, size, free }) => [name, { size, free }]));
}

/** What a hypervisor says of this machine, in whole MiB. */
export async function hypervisorInfo(
  context: NodeContext,
  { name, hvparams }: { name: string; hvparams: Parameters },
): Promise<calls.HypervisorInfo> {
  const facts = await (await context.hypervisors.driver(name)).hostFacts(hvparams);
  const whole = (value: number) => Math.round(value);
  return {
    name,
    version: facts.version,
    memoryTotal: whole(facts.memoryTotal),
    memoryFree: whole(facts.memoryFree),
    memoryNode: whole(facts.memoryNode),
    cpuTotal: facts.cpuTotal,
    cpuNodes: facts.cpuNodes,
    cpuSockets: facts.cpuSockets,
    cpuNode: facts.cpuNode,
  };
}

async function mirroringDriver(context: NodeContext) {
  return context.storage.mirroring(context.storage.mirroringTemplate);
}

function resources(context: NodeContext): NodeHandler[] {
  return [
    answers(calls.nodeInfo, async ({ storage, hypervisors }) => {
      const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
      const spaces: calls.StorageSpace[] = [];
      for (const unit of storage) {
        spaces.push({ type: unit.type, name: unit.key, ...(await storageSpace(context.host, unit)) });
      }
      const facts: calls.HypervisorInfo[] = [];
      for (const hypervisor of hypervisors) facts.push(await hypervisorInfo(context, hypervisor));
      return { bootId, storage: spaces, hypervisors: facts };
    }),
    answers(calls.lvList, ({ vgs }) => logicalVolumes(context, vgs)),
    answers(calls.vgList, () => volumeGroups(context)),
    answers(calls.bridgesExist, async ({ links }) => ({ missing: await missingLinks(context.paths, links) })),
    answers(extstorageDiagnose, async () => {
      const found = await diagnoseProviders(context.paths.extStorageSearchPath);
      return found.map((provider) => ({ ...provider, parameters: [...provider.parameters] }));
    }),
    answers(calls.drbdMinors, async () => [...(await (await mirroringDriver(context)).usedMinors())]),
    answers(calls.drbdHelper, async () => (await mirroringDriver(context)).usermodeHelper()),
  ];
}

/** version, master_node_name, node_info, lv_list, vg_list, bridges_exist, hooks_runner and their like. */
export function nodeHandlers(context: NodeContext): NodeHandler[] {
  return [
    answers(calls.version, async () => ({ protocol: protocolVersion, release: releaseVersion })),
    answers(calls.masterNodeName, () => masterNodeOf(context.paths)),
    answers(calls.nodeHasIpAddress, ({ address }) => ownsAddress(address)),
    answers(calls.testDelay, async ({ duration }, { signal }) => {
      await sleep(duration * 1000, signal);
      return null;
    }),
    answers(calls.hooksRunner, async ({ hook, phase, env }) => [
      ...(await runHooks(context.paths, { hook, phase, env }, { daemonEnv: context.env })),
    ]),
    ...resources(context),
  ];
}
