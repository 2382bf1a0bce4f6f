/** Hooks of instances. */
import { backupExport } from '../../../src/operations/backup/export.ts';
import { instanceCreate } from '../../../src/operations/instance/create.ts';
import { instanceGrowDisk } from '../../../src/operations/instance/disks/grow.ts';
import { instanceRecreateDisks } from '../../../src/operations/instance/disks/recreate.ts';
import { instanceFailover } from '../../../src/operations/instance/failover.ts';
import { instanceMigrate } from '../../../src/operations/instance/migrate.ts';
import { instanceSetParams } from '../../../src/operations/instance/modify/set-params.ts';
import { instanceMove } from '../../../src/operations/instance/move.ts';
import { instanceReboot } from '../../../src/operations/instance/reboot.ts';
import { instanceReinstall } from '../../../src/operations/instance/reinstall.ts';
import { instanceRemove } from '../../../src/operations/instance/remove.ts';
import { instanceRename } from '../../../src/operations/instance/rename.ts';
import { instanceReplaceDisks } from '../../../src/operations/instance/replace/replace-disks.ts';
import { instanceShutdown } from '../../../src/operations/instance/shutdown.ts';
import { instanceStartup } from '../../../src/operations/instance/startup.ts';
import { nodeName, nodeUuid } from '../cluster.ts';
import { type Case, home, name, plain, running, stopped, web1 } from './case.ts';

const moved = {
  OLD_PRIMARY: nodeName(2),
  OLD_SECONDARY: nodeName(3),
  NEW_PRIMARY: nodeName(3),
  NEW_SECONDARY: nodeName(2),
};
const instance = { type: 'INSTANCE', options: running, pre: home, post: home, request: web1 };
const exporting = {
  EXPORT_MODE: 'local',
  EXPORT_NODE: nodeName(4),
  EXPORT_DO_SHUTDOWN: 'True',
  REMOVE_INSTANCE: 'False',
  SHUTDOWN_TIMEOUT: '120',
};

export const instanceCases: readonly Case[] = [
  {
    ...instance,
    hook: 'instance-add',
    operation: instanceCreate,
    options: { nodes: 4 },
    request: {
      ...web1,
      mode: 'create',
      os_type: 'noop',
      pnode: nodeName(2),
      snode: nodeName(3),
      disk_template: 'drbd',
      disks: [{ size: 64 }],
      nics: [{}],
    },
    env: { ADD_MODE: 'create' },
  },
  {
    ...instance,
    hook: 'instance-remove',
    operation: instanceRemove,
    pre: [1],
    env: { SHUTDOWN_TIMEOUT: '120' },
  },
  {
    ...instance,
    hook: 'instance-rename',
    operation: instanceRename,
    options: stopped,
    request: { ...web1, new_name: 'shop1.memory.example' },
    env: { INSTANCE_NEW_NAME: 'shop1.memory.example' },
  },
  {
    ...instance,
    hook: 'instance-start',
    operation: instanceStartup,
    options: stopped,
    env: { FORCE: 'False' },
  },
  { ...instance, hook: 'instance-stop', operation: instanceShutdown, env: { TIMEOUT: '120' } },
  {
    ...instance,
    hook: 'instance-reboot',
    operation: instanceReboot,
    request: { ...web1, reboot_type: 'hard' },
    env: { IGNORE_SECONDARIES: 'False', REBOOT_TYPE: 'hard', SHUTDOWN_TIMEOUT: '120' },
  },
  { ...instance, hook: 'instance-reinstall', operation: instanceReinstall, options: stopped, env: {} },
  {
    ...instance,
    hook: 'instance-modify',
    operation: instanceSetParams,
    request: { ...web1, beparams: { vcpus: 2 } },
    env: { INSTANCE_VCPUS: '2' },
  },
  {
    ...instance,
    hook: 'instance-failover',
    operation: instanceFailover,
    pre: [1, 3],
    env: { ...moved, IGNORE_CONSISTENCY: 'False', SHUTDOWN_TIMEOUT: '120', FAILOVER_CLEANUP: 'False' },
  },
  {
    ...instance,
    hook: 'instance-migrate',
    operation: instanceMigrate,
    env: { ...moved, MIGRATE_LIVE: 'True', MIGRATE_CLEANUP: 'False', ALLOW_RUNTIME_CHANGES: 'True' },
  },
  {
    ...instance,
    hook: 'instance-move',
    operation: instanceMove,
    options: plain,
    request: { ...web1, target_node: nodeName(4) },
    pre: [1, 2, 4],
    post: [1, 2, 4],
    env: { TARGET_NODE: nodeName(4), SHUTDOWN_TIMEOUT: '120' },
  },
  {
    ...instance,
    hook: 'instance-export',
    operation: backupExport,
    request: { ...web1, mode: 'local', target_node: nodeName(4) },
    pre: [1, 2, 4],
    post: [1, 2, 4],
    env: exporting,
  },
  {
    ...instance,
    hook: 'instance-export',
    what: ' that removes the instance',
    operation: backupExport,
    request: { ...web1, mode: 'local', target_node: nodeName(4), remove_instance: true },
    pre: [1, 2, 4],
    post: [1, 2, 4],
    env: { ...exporting, REMOVE_INSTANCE: 'True' },
  },
  {
    ...instance,
    hook: 'instance-add',
    what: ' of an export',
    operation: instanceCreate,
    before: [
      [backupExport, { ...web1, mode: 'local', target_node: nodeName(4) }],
      [instanceRemove, web1],
    ],
    request: {
      ...web1,
      mode: 'import',
      pnode: nodeName(2),
      snode: nodeName(3),
      disk_template: 'drbd',
      disks: [],
      nics: [],
    },
    env: {
      ADD_MODE: 'import',
      SRC_NODE: nodeName(4),
      SRC_PATH: `/var/lib/ganeti/export/${name}`,
      SRC_IMAGES: /^\['\/var\/lib\/ganeti\/export\/web1\.memory\.example\/[^']+'\]$/,
    },
  },
  {
    ...instance,
    hook: 'instance-recreate-disks',
    operation: instanceRecreateDisks,
    options: stopped,
    env: {},
    change: ({ nodes }) => {
      for (const number of [2, 3]) {
        const { volumes, info, open } = nodes.machine(nodeUuid(number));
        for (const lost of [volumes, info, open]) lost.clear();
      }
    },
  },
  {
    ...instance,
    hook: 'disk-grow',
    operation: instanceGrowDisk,
    options: stopped,
    request: { ...web1, disk: 0, amount: 512 },
    env: { DISK: '0', AMOUNT: '512', ABSOLUTE: 'False' },
  },
  {
    ...instance,
    hook: 'mirrors-replace',
    operation: instanceReplaceDisks,
    request: { ...web1, mode: 'replace_new_secondary', remote_node: nodeName(4) },
    pre: [1, 2, 4],
    post: [1, 2, 4],
    env: { MODE: 'replace_new_secondary', NEW_SECONDARY: nodeName(4), OLD_SECONDARY: nodeName(3) },
  },
];
