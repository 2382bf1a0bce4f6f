/** gnt-debug delay, iallocator, locks and test-osparams. */
import { sleep } from '../../../kit/clock.ts';
import { messageOf } from '../../../kit/failure.ts';
import { parseUnit } from '../../../kit/units.ts';
import { TestAllocator, TestDelay, TestOsParams } from '../../../opcodes/test.ts';
import { command, many, one } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { opcodeOf } from '../../jobs/opcode.ts';
import { submit, submitAndWait } from '../../jobs/submit.ts';
import * as o from '../../options/index.ts';
import { pythonText } from '../../output/python-text.ts';
import { plain } from '../../output/query-table.ts';
import { invalid } from '../../shared/devices.ts';
import { list, selectedFields } from '../../shared/listing.ts';

export const delay = command({
  arguments: [one('unknown')],
  options: [
    o.delayNoMaster,
    o.delayNodes,
    o.delayRepeat,
    o.delayInterruptible,
    o.delayNoLocks,
    o.dryRun,
    o.priority,
    o.submit,
    o.printJobId,
  ],
  usage: '[<opts>...] <duration>',
  description: 'Executes a TestDelay OpCode',
  run: async (session, options, args) => {
    const duration = Number(args[0]);
    if (args[0]!.trim() === '' || Number.isNaN(duration)) {
      throw invalid(`Invalid duration '${args[0]}'`);
    }
    const opcode = opcodeOf(TestDelay, {
      duration,
      on_master: options.on_master,
      on_nodes: options.on_nodes,
      repeat: options.repeat,
      interruptible: options.interruptible,
      no_locks: options.no_locks,
    });
    await submit(session, opcode, options);
    return ExitCode.success;
  },
});

/** "mac/ip/bridge" with empty parts as null. */
function nicOf(text: string) {
  const [mac, ip, bridge] = text.split('/').map((part) => (part === '' ? null : part));
  return { mac: mac ?? null, ip: ip ?? null, bridge: bridge ?? null };
}

export const iallocator = command({
  arguments: [many('unknown', 1)],
  options: [
    o.iallocatorDir,
    o.iallocator,
    o.iallocatorMode,
    o.iallocatorMemory,
    o.iallocatorDisks,
    o.diskTemplate,
    o.iallocatorNics,
    o.osType,
    o.iallocatorVcpus,
    o.iallocatorTags,
    o.iallocatorEvacMode,
    o.iallocatorTargetGroups,
    o.iallocatorSpindleUse,
    o.iallocatorCount,
    o.dryRun,
    o.priority,
  ],
  usage: '{<opts>...} <instance-name>',
  description: 'Executes a TestAllocator OpCode',
  run: async (session, options, args) => {
    let disks: { size: number; mode: string }[];
    try {
      disks = (options.disks ?? '').split(',').map((text) => ({ size: parseUnit(text), mode: 'rw' }));
    } catch (error) {
      session.warn(`Invalid disks parameter '${options.disks}': ${messageOf(error)}`);
      return ExitCode.failure;
    }
    const opcode = opcodeOf(TestAllocator, {
      mode: options.mode as never,
      name: args[0]!,
      instances: args,
      memory: options.memory,
      disks,
      disk_template: options.disk_template as never,
      nics: (options.nics ?? '').split(',').map(nicOf),
      os: options.os,
      vcpus: options.vcpus,
      tags: options.tags === null ? [] : options.tags.split(','),
      direction: options.direction as never,
      iallocator: options.iallocator,
      evac_mode: options.evac_mode as never,
      target_groups: options.target_groups,
      spindle_use: options.spindle_use,
      count: options.count,
    });
    session.print(pythonText(await submitAndWait(session, opcode, options)));
    return ExitCode.success;
  },
});

export const testOsparams = command({
  arguments: [],
  options: [o.osParametersSecret, o.submit, o.printJobId],
  usage: '[--os-parameters-secret <params>]',
  description: 'Test secret os parameter transmission',
  run: async (session, options) => {
    await submit(session, opcodeOf(TestOsParams, { osparams_secret: options.osparams_secret }), options);
    return ExitCode.success;
  },
});

const orDash = (text: (value: unknown) => string) =>
  plain((value) => (value && (value as unknown[]).length !== 0 ? text(value) : '-'));

const lockFormats = {
  mode: orDash(pythonText),
  owner: orDash((value) => (value as string[]).join(',')),
  pending: orDash((value) =>
    (value as [string, unknown[]][])
      .map(([mode, owners]) => `${mode}:${owners.map(pythonText).join(',')}`)
      .join(', '),
  ),
};

const millisecondsPerSecond = 1000;

export const locks = command({
  arguments: [],
  options: [o.noHeaders, o.separator, o.output, o.interval, o.verbose],
  usage: '[--interval N]',
  description: 'Show a list of locks in the master daemon',
  run: async (session, options) => {
    const fields = selectedFields(options.output, ['name', 'mode', 'owner', 'pending']);
    const listing = { resource: 'lock', fields, formats: lockFormats };
    for (;;) {
      const code = await list(session, listing, options, []);
      if (code !== ExitCode.success || !options.interval) return code;
      session.print('');
      await sleep(options.interval * millisecondsPerSecond);
    }
  },
});
