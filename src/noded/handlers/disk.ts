/** Node calls about disks: finds the driver of the template and keeps the stable names of devices. */
import { unlink } from 'node:fs/promises';
import { diskLink, linkDisk } from '../../hypervisors/disk-links.ts';
import type { Disk } from '../../model/objects/disk.ts';
import * as calls from '../../noderpc/calls/disk.ts';
import type { DiskOnNode } from '../../noderpc/calls/shapes.ts';
import { answers, type NodeHandler } from '../../noderpc/handler.ts';
import type { DeviceState, MirroringDriver, StorageDriver } from '../../storage/contract.ts';
import { deviceFailure } from '../../storage/host.ts';
import type { NodeContext } from '../context.ts';
import { imageSize, writeImage } from '../image.ts';
import { createTurns } from '../in-turn.ts';
import { writeZeros } from '../wipe.ts';

type DiskStatus = calls.DiskStatus;

/** The request that a lower volume of a disk is looked at with. */
function lowerRequest(request: DiskOnNode, child: Disk): DiskOnNode {
  return { ...request, disk: child, params: child.params ?? {} };
}

function statusOf(state: DeviceState, children: readonly (DiskStatus | null)[] = []): DiskStatus {
  return { ...state, details: { ...state.details }, children: [...children] };
}

interface Desk {
  readonly context: NodeContext;
  driver(request: DiskOnNode): Promise<StorageDriver>;
  mirroring(request: DiskOnNode): Promise<MirroringDriver>;
  /** Changes of one disk in turn. */
  change(request: DiskOnNode, work: () => Promise<void>): Promise<null>;
  /** The same for several disks, one after the other: all are tried, the first failure is told. */
  changeAll(requests: readonly DiskOnNode[], work: (request: DiskOnNode) => Promise<void>): Promise<null>;
  status(request: DiskOnNode, withLower: boolean): Promise<DiskStatus | null>;
}

function createDesk(context: NodeContext): Desk {
  const inTurn = createTurns();
  const driver = (request: DiskOnNode) => context.storage.driver(request.disk.dev_type);
  const change: Desk['change'] = (request, work) =>
    inTurn(request.disk.uuid, async () => {
      await work();
      return null;
    });
  return {
    context,
    driver,
    mirroring: (request) => context.storage.mirroring(request.disk.dev_type),
    change,
    async changeAll(requests, work) {
      const failures: unknown[] = [];
      for (const request of requests) {
        await change(request, () => work(request)).catch((error: unknown) => failures.push(error));
      }
      if (failures.length > 0) throw failures[0];
      return null;
    },
    async status(request, withLower) {
      const state = await (await driver(request)).find(request);
      if (state === null) return null;
      const lower = withLower ? (request.disk.children ?? []) : [];
      const children: (DiskStatus | null)[] = [];
      for (const child of lower) {
        const childRequest = lowerRequest(request, child);
        const found = await (await driver(childRequest)).find(childRequest);
        children.push(found === null ? null : statusOf(found));
      }
      return statusOf(state, children);
    },
  };
}

async function assemble(desk: Desk, request: DiskOnNode, asPrimary: boolean) {
  const { paths } = desk.context;
  const device = await (await desk.driver(request)).assemble(request, asPrimary);
  const link =
    asPrimary && device.path !== '' ? await linkDisk(paths, request.owner, request.index, device.path) : null;
  return { path: device.path, link, uri: device.uri };
}

function lifetime(desk: Desk): NodeHandler[] {
  const { paths } = desk.context;
  const unlinkDevice = async (request: DiskOnNode) => {
    await unlink(diskLink(paths, request.owner, request.index)).catch(() => {});
  };
  return [
    answers(calls.blockdevCreate, ({ disk, ...options }) =>
      desk.change(disk, async () => (await desk.driver(disk)).create(disk, options)),
    ),
    answers(calls.blockdevRemove, ({ disk }) =>
      desk.change(disk, async () => {
        await (await desk.driver(disk)).remove(disk);
        await unlinkDevice(disk);
      }),
    ),
    answers(calls.blockdevAssemble, async ({ disk, asPrimary }) => {
      let device: Awaited<ReturnType<typeof assemble>> | undefined;
      await desk.change(disk, async () => {
        device = await assemble(desk, disk, asPrimary);
      });
      return device!;
    }),
    answers(calls.blockdevShutdown, ({ disk }) =>
      desk.change(disk, async () => {
        await (await desk.driver(disk)).shutdown(disk);
        await unlinkDevice(disk);
      }),
    ),
    answers(calls.blockdevOpen, ({ disks, exclusive }) =>
      desk.changeAll(disks, async (disk) => {
        await (await desk.driver(disk)).open(disk, exclusive);
        const state = await (await desk.driver(disk)).find(disk);
        if (state !== null) await linkDisk(paths, disk.owner, disk.index, state.path);
      }),
    ),
    answers(calls.blockdevClose, ({ disks }) =>
      desk.changeAll(disks, async (disk) => {
        await (await desk.driver(disk)).close(disk);
        await unlinkDevice(disk);
      }),
    ),
  ];
}

function mirroring(desk: Desk): NodeHandler[] {
  return [
    answers(calls.drbdDisconnectNet, ({ disks }) =>
      desk.changeAll(disks, async (disk) => (await desk.mirroring(disk)).disconnectNet(disk)),
    ),
    answers(calls.drbdAttachNet, ({ disks, multiMaster }, { signal }) =>
      desk.changeAll(disks, async (disk) =>
        (await desk.mirroring(disk)).attachNet(disk, multiMaster, signal),
      ),
    ),
    answers(calls.drbdWaitSync, async ({ disks }) => {
      let done = true;
      let least: number | null = null;
      for (const disk of disks) {
        const state = await (await desk.driver(disk)).find(disk);
        if (state === null) throw deviceFailure(`disk ${disk.disk.iv_name} of ${disk.owner} is not active`);
        // Two sides that refuse each other will not come together by waiting.
        if (typeof state.details.trouble === 'string') throw deviceFailure(state.details.trouble);
        if (state.details.connected !== true || state.syncPercent !== null) done = false;
        if (state.syncPercent !== null) least = Math.min(least ?? 100, state.syncPercent);
      }
      return { done, syncPercent: least };
    }),
    answers(calls.blockdevPauseResumeSync, ({ disks, pause }) =>
      desk.changeAll(disks, async (disk) => (await desk.mirroring(disk)).pauseResumeSync(disk, pause)),
    ),
    answers(calls.blockdevAddChildren, ({ disk, children }) =>
      desk.change(disk, async () => (await desk.mirroring(disk)).addChildren(disk, children)),
    ),
    answers(calls.blockdevRemoveChildren, ({ disk, children }) =>
      desk.change(disk, async () => (await desk.mirroring(disk)).removeChildren(disk, children)),
    ),
  ];
}

function looking(desk: Desk): NodeHandler[] {
  return [
    answers(calls.blockdevStatus, ({ disks }) => Promise.all(disks.map((disk) => desk.status(disk, false)))),
    answers(calls.blockdevFind, ({ disk }) => desk.status(disk, true)),
    answers(calls.imageSize, ({ image }, { signal }) => imageSize(desk.context.paths, image, signal)),
    answers(calls.blockdevGetDimensions, ({ disks }) =>
      Promise.all(disks.map(async (disk) => (await desk.driver(disk)).dimensions(disk).catch(() => null))),
    ),
  ];
}

function changing(desk: Desk): NodeHandler[] {
  return [
    answers(calls.blockdevGrow, ({ disk, amount, dryRun, backingStore }) =>
      desk.change(disk, async () => (await desk.driver(disk)).grow(disk, amount, { dryRun, backingStore })),
    ),
    answers(calls.blockdevWipe, ({ disk, offset, size }, { signal }) =>
      desk.change(disk, async () => {
        const state = await (await desk.driver(disk)).find(disk);
        if (state === null)
          throw deviceFailure(`Cannot execute wipe for device ${disk.disk.iv_name}: device not found`);
        if (offset < 0 || size < 0) throw deviceFailure('Negative offset or size');
        if (offset + size > disk.disk.size) throw deviceFailure('Wipe goes beyond the end of the device');
        await writeZeros(state.path, offset, size, signal);
      }),
    ),
    answers(calls.blockdevImage, ({ disk, image }, { signal }) =>
      desk.change(disk, async () => {
        const state = await (await desk.driver(disk)).find(disk);
        if (state === null) throw deviceFailure(`Cannot image device ${disk.disk.iv_name}: device not found`);
        const request = { image, device: state.path, sizeMiB: disk.disk.size };
        await writeImage(desk.context.paths, request, signal);
      }),
    ),
    answers(calls.blockdevSetInfo, ({ disk, info }) =>
      desk.change(disk, async () => (await desk.driver(disk)).setInfo(disk, info)),
    ),
    answers(calls.blockdevRename, async ({ renames }) => {
      for (const { disk, logicalId } of renames) {
        await desk.change(disk, async () => (await desk.driver(disk)).rename(disk, logicalId));
      }
      return null;
    }),
    answers(calls.blockdevSnapshot, async ({ disk, snapshotName, snapshotSize }) => {
      let made: readonly (string | number | null)[] = [];
      await desk.change(disk, async () => {
        made = await (await desk.driver(disk)).snapshot(disk, snapshotName, snapshotSize);
      });
      return [...made];
    }),
  ];
}

/** Handlers of every call in calls/disk.ts. */
export function diskHandlers(context: NodeContext): NodeHandler[] {
  const desk = createDesk(context);
  return [...lifetime(desk), ...mirroring(desk), ...looking(desk), ...changing(desk)];
}
