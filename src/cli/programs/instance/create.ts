/** gnt-instance add and batch-create. */

import { readFileSync } from 'node:fs';
import { ErrorCode, prerequisiteFailure } from '../../../kit/failure.ts';
import { InstanceCreate, InstanceMultiAlloc } from '../../../opcodes/instance.ts';
import { commonParameters } from '../../../opcodes/opcode.ts';
import { command, one } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { followJobsOf } from '../../jobs/executor.ts';
import { opcodeOf } from '../../jobs/opcode.ts';
import { submit } from '../../jobs/submit.ts';
import * as o from '../../options/index.ts';
import { systemErrorText } from '../../output/system-errors.ts';
import type { Session } from '../../session.ts';
import { commonCreateOptions, createInstance } from '../../shared/instance-create.ts';

export const add = command({
  arguments: [one('host')],
  options: [
    ...commonCreateOptions,
    o.forthcoming,
    o.commit,
    o.noStart,
    o.osType,
    o.forceVariant,
    o.noInstall,
    o.ignoreIpolicy,
    o.communication,
    o.helperStartupTimeout,
    o.helperShutdownTimeout,
  ],
  usage: '[...] -t disk-type -n node[:secondary-node] -o os-type <instance-name>',
  description: 'Creates and adds a new instance to the cluster',
  run: async (session, options, args) => {
    if (options.forthcoming && options.commit) {
      throw prerequisiteFailure(
        'Creating an instance only forthcoming and commiting it are mutally exclusive',
        ErrorCode.invalid,
      );
    }
    return await createInstance(session, options, args[0]!, {
      mode: 'create',
      forthcoming: options.forthcoming,
      commit: options.commit,
      start: options.start,
      os_type: options.os,
      force_variant: options.force_variant,
      no_install: options.no_install,
      instance_communication: options.instance_communication ?? false,
    });
  },
});

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The definitions of a file, or undefined after saying what is wrong with it. */
function readDefinitions(session: Session, path: string): Record<string, unknown>[] | undefined {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    session.warn(`Can't parse the instance definition file: ${systemErrorText(error)}`);
    return undefined;
  }
  if (Array.isArray(content) && content.every(isObject)) return content;
  session.warn('The instance definition file is not (List of Dictionary)');
  return undefined;
}

export const batchCreate = command({
  arguments: [one('file')],
  options: [o.dryRun, o.priority, o.iallocator, o.submit, o.printJobId],
  usage: '<instances.json>',
  description: 'Create a bunch of instances based on specs in the file.',
  run: async (session, options, args) => {
    const definitions = readDefinitions(session, args[0]!);
    if (definitions === undefined) return ExitCode.failure;
    const known = new Set(['OP_ID', ...Object.keys(InstanceCreate.params), ...Object.keys(commonParameters)]);
    const instances = definitions.map((definition, index) => {
      const unknown = Object.keys(definition).filter((name) => !known.has(name));
      if (unknown.length > 0) {
        throw prerequisiteFailure(
          `Unknown fields in definition ${index}: ${unknown.join(', ')}`,
          ErrorCode.invalid,
        );
      }
      return { ...definition, OP_ID: InstanceCreate.id };
    });
    const opcode = opcodeOf(InstanceMultiAlloc, { iallocator: options.iallocator, instances });
    const outcomes = await followJobsOf(session, await submit(session, opcode, options), options);
    const failed = outcomes.filter(({ success }) => !success).length;
    session.print(
      failed === 0
        ? 'All instances created successfully.'
        : `There were ${failed} errors during the creation.`,
    );
    return failed === 0 ? ExitCode.success : ExitCode.failure;
  },
});
