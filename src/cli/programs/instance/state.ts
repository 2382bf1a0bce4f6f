/** gnt-instance startup, shutdown, reboot and reinstall. */

import { ErrorCode, prerequisiteFailure } from '../../../kit/failure.ts';
import {
  InstanceReboot,
  InstanceReinstall,
  InstanceShutdown,
  InstanceStartup,
} from '../../../opcodes/instance.ts';
import { OsDiagnose } from '../../../opcodes/os.ts';
import { command, many } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { exitCodeOf, JobExecutor } from '../../jobs/executor.ts';
import { opcodeOf } from '../../jobs/opcode.ts';
import { type JobOptions, submitAndWait } from '../../jobs/submit.ts';
import * as o from '../../options/index.ts';
import { askChoice } from '../../output/ask.ts';
import type { Session } from '../../session.ts';
import { osNames } from '../../shared/os-names.ts';
import { typedBackend, typedHypervisor } from '../../shared/parameters.ts';
import { forEachInstance, select } from './selection.ts';

export const startup = command({
  arguments: [many('instance')],
  options: [
    o.force,
    o.forceMultiple,
    o.byNode,
    o.byPrimary,
    o.bySecondary,
    o.byNodeTags,
    o.byPriNodeTags,
    o.bySecNodeTags,
    o.byTags,
    o.byAll,
    o.byInstance,
    o.submit,
    o.printJobId,
    o.hypervisorParameters,
    o.backendParameters,
    o.dryRun,
    o.priority,
    o.ignoreOffline,
    o.noRemember,
    o.paused,
  ],
  usage: '<instance-name>...',
  description: 'Starts one or more instances',
  run: forEachInstance('startup', async (name, options) =>
    opcodeOf(InstanceStartup, {
      instance_name: name,
      force: options.force,
      ignore_offline_nodes: options.ignore_offline,
      no_remember: options.no_remember,
      startup_paused: options.startup_paused,
      hvparams:
        Object.keys(options.hvparams).length > 0 ? await typedHypervisor(options.hvparams) : undefined,
      beparams: Object.keys(options.beparams).length > 0 ? typedBackend(options.beparams) : undefined,
    }),
  ),
});

export const shutdown = command({
  arguments: [many('instance')],
  options: [
    o.force,
    o.byNode,
    o.byPrimary,
    o.bySecondary,
    o.byAll,
    o.byNodeTags,
    o.byPriNodeTags,
    o.bySecNodeTags,
    o.byTags,
    o.byInstance,
    o.forceMultiple,
    o.timeout,
    o.submit,
    o.printJobId,
    o.dryRun,
    o.priority,
    o.ignoreOffline,
    o.noRemember,
  ],
  usage: '<instance-name>...',
  description: 'Stops one or more instances',
  run: forEachInstance('shutdown', (name, options) =>
    opcodeOf(InstanceShutdown, {
      instance_name: name,
      force: options.force,
      timeout: options.timeout,
      ignore_offline_nodes: options.ignore_offline,
      no_remember: options.no_remember,
    }),
  ),
});

export const reboot = command({
  arguments: [many('instance')],
  options: [
    o.forceMultiple,
    o.rebootType,
    o.ignoreSecondaries,
    o.byNode,
    o.byPrimary,
    o.bySecondary,
    o.byAll,
    o.byInstance,
    o.submit,
    o.printJobId,
    o.byNodeTags,
    o.byPriNodeTags,
    o.bySecNodeTags,
    o.byTags,
    o.shutdownTimeout,
    o.dryRun,
    o.priority,
  ],
  usage: '<instance-name>...',
  description: 'Reboots one or more instances',
  run: forEachInstance('reboot', (name, options) =>
    opcodeOf(InstanceReboot, {
      instance_name: name,
      reboot_type: options.reboot_type as never,
      ignore_secondaries: options.ignore_secondaries,
      shutdown_timeout: options.shutdown_timeout,
    }),
  ),
});

/** Lets the user choose one of the operating systems; undefined when they would rather not. */
async function chooseOs(session: Session, options: JobOptions): Promise<string | undefined> {
  const opcode = opcodeOf(OsDiagnose, { output_fields: ['name', 'variants'], names: [] });
  const systems = (await submitAndWait(session, opcode, options)) as [string, string[]][] | null;
  const names = (systems ?? []).flatMap(([name, variants]) => osNames(name, variants));
  if (names.length === 0) {
    session.print("Can't get the OS list");
    return undefined;
  }
  session.print('Available OS templates:');
  session.printLines(names.map((name, number) => `${String(number).padStart(3)}: ${name}`));
  const choices = names.map((name, number) => ({
    key: String(number),
    value: name as string | undefined,
    description: name,
  }));
  const exit = { key: 'x', value: undefined, description: 'Exit gnt-instance reinstall' };
  const chosen = askChoice(session.terminal, 'Enter OS template number (or x to abort):', [...choices, exit]);
  if (chosen === undefined) session.warn('User aborted reinstall, exiting');
  return chosen;
}

/** Whether the user means it; several instances at once need the stronger --force-multiple. */
function confirmReinstall(
  session: Session,
  options: { readonly force: boolean; readonly force_multi: boolean },
  names: readonly string[],
  isMany: boolean,
  change: string,
): boolean {
  if (isMany) {
    const warning = `Note: this will remove *all* data for the below instances! It will ${change}.\n`;
    return options.force_multi || session.confirm(names, 'instances', 'reinstall', warning);
  }
  if (options.force || options.force_multi) return true;
  return session.ask(
    `This will reinstall the instance '${names[0]}' (and ${change}) which removes all data. Continue?`,
  );
}

export const reinstall = command({
  arguments: [many('instance')],
  options: [
    o.force,
    o.osType,
    o.forceVariant,
    o.forceMultiple,
    o.byNode,
    o.byPrimary,
    o.bySecondary,
    o.byAll,
    o.byInstance,
    o.byNodeTags,
    o.byPriNodeTags,
    o.bySecNodeTags,
    o.byTags,
    o.selectOs,
    o.submit,
    o.printJobId,
    o.dryRun,
    o.priority,
    o.osParameters,
    o.osParametersPrivate,
    o.osParametersSecret,
  ],
  usage: '[-f] <instance-name>',
  description: 'Reinstall a stopped instance',
  run: async (session, options, args) => {
    const selection = await select(session, options, args);
    if (selection === undefined) {
      throw prerequisiteFailure('Selection filter does not match any instances', ErrorCode.invalid);
    }
    const { names, isMany } = selection;
    const os = options.select_os ? await chooseOs(session, options) : options.os;
    if (os === undefined) return ExitCode.failure;
    const change = os === null ? 'keep the same OS' : `change the OS to '${os}'`;
    if (!confirmReinstall(session, options, names, isMany, change)) return ExitCode.failure;
    const executor = new JobExecutor(session, options, isMany);
    for (const name of names) {
      const opcode = opcodeOf(InstanceReinstall, {
        instance_name: name,
        os_type: os,
        force_variant: options.force_variant,
        osparams: options.osparams,
        osparams_private: options.osparams_private,
        osparams_secret: options.osparams_secret,
      });
      executor.queue(name, opcode);
    }
    return exitCodeOf(await executor.waitOrShow(!options.submit_only));
  },
});
