/**
 * What burnin does, in which order, as jobs (tools/burnin.py): options and facts of the cluster in, steps out. Pure,
 * so that it can be shown before anything is touched.
 */

import { BackupExport, BackupRemove } from '../../opcodes/backup.ts';
import * as i from '../../opcodes/instance.ts';
import { opcodeOf } from '../jobs/opcode.ts';
import type { Opcode } from '../jobs/submit.ts';
import type { BurninOptions } from './options.ts';

/** What is known of the cluster before the first step. */
export interface Facts {
  readonly nodes: readonly string[];
  readonly hypervisor: string;
  readonly hvparams: Readonly<Record<string, unknown>>;
  readonly canMigrate: boolean;
  /** Has the template of the disks a mirror on a second node? */
  readonly isMirrored: boolean;
  /** Do all nodes see the disks? */
  readonly isShared: boolean;
  readonly isBridged: boolean;
  /** MiB, one a disk. */
  readonly diskSizes: readonly number[];
  readonly diskGrowth: readonly number[];
  /** MiB. */
  readonly memory: { readonly min: number; readonly max: number };
}

export interface Task {
  readonly instance: string;
  /** Said while it is done. */
  readonly notes: readonly string[];
  readonly opcodes: readonly Opcode[];
}

export interface Step {
  readonly title: string;
  readonly tasks: readonly Task[];
  /** Look afterwards whether the instances answer. */
  readonly check: boolean;
  /** Can be done again when it failed. */
  readonly retry: boolean;
}

/** The node `offset` places after the one on which the instance of that number begins. */
const nodeOf = ({ nodes }: Facts, index: number, offset = 0) => nodes[(index + offset) % nodes.length]!;

type Make = (instance: string, index: number) => Omit<Task, 'instance'>;

function step(title: string, instances: readonly string[], make: Make, more: Partial<Step> = {}): Step {
  const tasks = instances.map((instance, index) => ({ instance, ...make(instance, index) }));
  return { title, tasks, check: true, retry: false, ...more };
}

const stop = (instance: string) => opcodeOf(i.InstanceShutdown, { instance_name: instance });
const start = (instance: string) => opcodeOf(i.InstanceStartup, { instance_name: instance, force: false });

export function creation(options: BurninOptions, facts: Facts, instances: readonly string[]): Step {
  return step(
    'Creating instances',
    instances,
    (instance, index) => {
      const pnode = options.iallocator === null ? nodeOf(facts, index) : null;
      const snode = facts.isMirrored && pnode !== null ? nodeOf(facts, index, 1) : null;
      const where =
        pnode === null
          ? `via iallocator '${options.iallocator}'`
          : snode === null
            ? `on ${pnode}`
            : `on ${pnode}, ${snode}`;
      const opcode = opcodeOf(i.InstanceCreate, {
        instance_name: instance,
        disks: facts.diskSizes.map((size) => ({ size })) as never,
        disk_template: options.disk_template as never,
        nics: (options.has_nics === false ? [] : [{}]) as never,
        mode: 'create',
        os_type: options.os,
        pnode,
        snode,
        start: true,
        ip_check: options.ip_check,
        name_check: options.name_check,
        wait_for_sync: true,
        file_driver: options.disk_template === 'file' ? 'loop' : null,
        iallocator: options.iallocator,
        beparams: {
          minmem: facts.memory.min,
          maxmem: facts.memory.max,
          vcpus: options.vcpu_count,
        } as never,
        hvparams: facts.hvparams as never,
        hypervisor: facts.hypervisor as never,
        osparams: (options.osparams ?? {}) as never,
      });
      return { notes: [where], opcodes: [opcode] };
    },
    { check: true },
  );
}

function diskSteps(options: BurninOptions, facts: Facts, instances: readonly string[]): Step[] {
  const steps: Step[] = [];
  if (facts.diskSizes.length > 0 && facts.diskGrowth.some((amount) => amount > 0)) {
    steps.push(
      step('Growing disks', instances, (instance) => {
        const grown = facts.diskGrowth.flatMap((amount, disk) => (amount > 0 ? [{ amount, disk }] : []));
        return {
          notes: grown.map(({ amount, disk }) => `increase disk/${disk} by ${amount} MB`),
          opcodes: grown.map(({ amount, disk }) =>
            opcodeOf(i.InstanceGrowDisk, {
              instance_name: instance,
              disk,
              amount,
              wait_for_sync: true,
              ignore_ipolicy: true,
            }),
          ),
        };
      }),
    );
  }
  const replace = (instance: string, mode: string, remote_node: string | null) =>
    opcodeOf(i.InstanceReplaceDisks, {
      instance_name: instance,
      mode: mode as never,
      disks: facts.diskSizes.map((_, index) => index),
      early_release: options.early_release,
      remote_node,
    });
  if (facts.isMirrored && options.do_replace1) {
    const modes = ['replace_on_secondary', 'replace_on_primary'];
    steps.push(
      step(
        'Replacing disks on the same nodes',
        instances,
        (instance) => ({
          notes: modes.map((mode) => `run ${mode}`),
          opcodes: modes.map((mode) => replace(instance, mode, null)),
        }),
        { retry: true },
      ),
    );
  }
  if (facts.isMirrored && options.do_replace2 && facts.nodes.length > 2) {
    steps.push(
      step('Changing the secondary node', instances, (instance, index) => {
        const target = options.iallocator === null ? nodeOf(facts, index, 2) : null;
        const opcode = {
          ...replace(instance, 'replace_new_secondary', target),
          iallocator: options.iallocator,
          disks: [],
        };
        return {
          notes: [
            `run replace_new_secondary ${target === null ? `with iallocator ${options.iallocator}` : `with new secondary ${target}`}`,
          ],
          opcodes: [opcode],
        };
      }),
    );
  }
  return steps;
}

function movingSteps(options: BurninOptions, facts: Facts, instances: readonly string[]): Step[] {
  const steps: Step[] = [];
  const canSwitch = facts.isMirrored || facts.isShared;
  const target = (index: number) =>
    facts.isShared && options.iallocator === null ? nodeOf(facts, index, 1) : null;
  if (canSwitch && options.do_failover && facts.nodes.length > 1) {
    steps.push(
      step(
        'Failing over instances',
        instances,
        (instance, index) => ({
          notes: [],
          opcodes: [
            opcodeOf(i.InstanceFailover, {
              instance_name: instance,
              ignore_consistency: false,
              target_node: target(index),
              iallocator: facts.isShared ? options.iallocator : null,
            }),
          ],
        }),
        { retry: true },
      ),
    );
  }
  if (canSwitch && options.do_migrate && facts.canMigrate && facts.nodes.length > 1) {
    const migrate = (instance: string, index: number, cleanup: boolean) =>
      opcodeOf(i.InstanceMigrate, {
        instance_name: instance,
        mode: null,
        cleanup,
        target_node: cleanup || target(index) === null ? null : nodeOf(facts, index, 2),
        iallocator: facts.isShared && !cleanup ? options.iallocator : null,
      });
    steps.push(
      step('Migrating instances', instances, (instance, index) => ({
        notes: ['migration and migration cleanup'],
        opcodes: [migrate(instance, index, false), migrate(instance, index, true)],
      })),
    );
  }
  if (!facts.isMirrored && !facts.isShared && options.do_move && facts.nodes.length > 1) {
    steps.push(
      step('Moving instances', instances, (instance, index) => ({
        notes: [`move to ${nodeOf(facts, index, 1)}`],
        opcodes: [
          opcodeOf(i.InstanceMove, { instance_name: instance, target_node: nodeOf(facts, index, 1) }),
        ],
      })),
    );
  }
  if (options.do_importexport && !facts.isShared && facts.diskSizes.length > 0) {
    steps.push(
      step('Exporting and re-importing instances', instances, (instance, index) => {
        const { opcodes } = creation(options, facts, [instance]).tasks[0]!;
        const exportNode = nodeOf(facts, index, 2);
        return {
          notes: [`export to node ${exportNode}`, 'remove instance', 'import', 'remove export'],
          opcodes: [
            opcodeOf(BackupExport, {
              instance_name: instance,
              mode: 'local',
              target_node: exportNode as never,
              shutdown: true,
              // Disks that can't be snapshotted are exported while the instance is down.
              long_sleep: true,
            }),
            opcodeOf(i.InstanceRemove, { instance_name: instance, ignore_failures: true }),
            {
              ...opcodes[0]!,
              mode: 'import',
              os_type: null,
              src_node: exportNode,
              src_path: `/srv/ganeti/export/${instance}`,
              pnode: options.iallocator === null ? nodeOf(facts, index) : null,
              snode: options.iallocator === null && facts.isMirrored ? nodeOf(facts, index, 1) : null,
            },
            opcodeOf(BackupRemove, { instance_name: instance }),
          ],
        };
      }),
    );
  }
  return steps;
}

function stateSteps(options: BurninOptions, instances: readonly string[]): Step[] {
  const steps: Step[] = [];
  if (options.do_reinstall && options.os !== null) {
    steps.push(
      step('Reinstalling instances', instances, (instance) => ({
        notes: ['reinstall without passing the OS', 'reinstall specifying the OS'],
        opcodes: [
          stop(instance),
          opcodeOf(i.InstanceReinstall, { instance_name: instance }),
          opcodeOf(i.InstanceReinstall, { instance_name: instance, os_type: options.os }),
          start(instance),
        ],
      })),
    );
  }
  const kinds = options.reboot_types?.split(',') ?? ['soft', 'hard', 'full'];
  if (options.do_reboot) {
    steps.push(
      step('Rebooting instances', instances, (instance) => ({
        notes: kinds.map((kind) => `reboot with type '${kind}'`),
        opcodes: kinds.map((kind) =>
          opcodeOf(i.InstanceReboot, { instance_name: instance, reboot_type: kind as never }),
        ),
      })),
    );
  }
  const renamed = (from: string, to: string) =>
    opcodeOf(i.InstanceRename, {
      instance_name: from,
      new_name: to,
      name_check: options.name_check,
      ip_check: options.ip_check,
    });
  if (options.do_renamesame) {
    steps.push(
      step('Renaming the instances to their own name', instances, (instance) => ({
        notes: ['rename to the same name'],
        opcodes: [stop(instance), renamed(instance, instance), start(instance)],
      })),
    );
  }
  if (options.do_startstop) {
    steps.push(
      step('Stopping and starting instances', instances, (instance) => ({
        notes: [],
        opcodes: [stop(instance), start(instance)],
      })),
    );
  }
  const { rename } = options;
  if (rename !== null) {
    steps.push(
      step('Renaming instances', instances, (instance) => ({
        notes: [`rename to ${rename} and back`],
        opcodes: [
          stop(instance),
          renamed(instance, rename),
          start(rename),
          stop(rename),
          renamed(rename, instance),
          start(instance),
        ],
      })),
    );
  }
  return steps;
}

function deviceSteps(options: BurninOptions, facts: Facts, instances: readonly string[]): Step[] {
  const steps: Step[] = [];
  const change = (instance: string, changes: object) =>
    opcodeOf(i.InstanceSetParams, { instance_name: instance, ...changes } as never);
  if (options.do_addremove_disks && facts.diskSizes.length > 0) {
    const [size = 1024] = facts.diskSizes;
    steps.push(
      step('Adding and removing disks', instances, (instance) => ({
        notes: ['adding a disk', 'removing last disk'],
        opcodes: [
          stop(instance),
          change(instance, { disks: [['add', -1, { size }]] }),
          change(instance, { disks: [['remove', -1, {}]] }),
          start(instance),
        ],
      })),
    );
  }
  if (options.do_addremove_nics && options.has_nics !== false && facts.isBridged) {
    steps.push(
      step('Adding and removing NICs', instances, (instance) => ({
        notes: ['adding a NIC', 'changing a NIC', 'removing last NIC'],
        opcodes: [
          stop(instance),
          change(instance, { nics: [['add', -1, {}]] }),
          change(instance, { nics: [['modify', -1, { mac: 'generate' }]] }),
          change(instance, { nics: [['remove', -1, {}]] }),
          start(instance),
        ],
      })),
    );
  }
  if (options.do_activate_disks && facts.diskSizes.length > 0) {
    const activate = (instance: string) => opcodeOf(i.InstanceActivateDisks, { instance_name: instance });
    steps.push(
      step('Activating/deactivating disks', instances, (instance) => ({
        notes: [
          'activate disks when online',
          'activate disks when offline',
          'deactivate disks (when offline)',
        ],
        opcodes: [
          activate(instance),
          stop(instance),
          activate(instance),
          opcodeOf(i.InstanceDeactivateDisks, { instance_name: instance }),
          start(instance),
        ],
      })),
    );
  }
  return steps;
}

/** Everything after the instances have been made. */
export function stepsOf(options: BurninOptions, facts: Facts, instances: readonly string[]): Step[] {
  return [
    ...diskSteps(options, facts, instances),
    ...movingSteps(options, facts, instances),
    ...stateSteps(options, instances),
    ...deviceSteps(options, facts, instances),
  ];
}

export function removal(instances: readonly string[]): Step {
  return step(
    'Removing instances',
    instances,
    (instance) => ({
      notes: [],
      opcodes: [opcodeOf(i.InstanceRemove, { instance_name: instance, ignore_failures: true })],
    }),
    { check: false, retry: true },
  );
}
