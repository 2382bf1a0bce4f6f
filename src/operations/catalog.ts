/** Every operation, one line each. What isn't here is answered with "not supported yet" by the runner. */

import { backupExport } from './backup/export.ts';
import { backupPrepare } from './backup/prepare.ts';
import { backupRemove } from './backup/remove.ts';
import { clusterConfigQuery } from './cluster/config-query.ts';
import { clusterDestroy, clusterPostInit } from './cluster/lifecycle.ts';
import { clusterActivateMasterIp, clusterDeactivateMasterIp } from './cluster/master-ip.ts';
import { clusterQuery } from './cluster/query.ts';
import { clusterRedistConf } from './cluster/redist-conf.ts';
import { clusterRename } from './cluster/rename.ts';
import { clusterRenewCrypto } from './cluster/renew-crypto.ts';
import { clusterRepair } from './cluster/repair.ts';
import { clusterRepairDiskSizes } from './cluster/repair-disk-sizes.ts';
import { clusterSetParams } from './cluster/set-params.ts';
import { clusterVerify } from './cluster/verify.ts';
import { clusterVerifyConfig } from './cluster/verify-config.ts';
import { clusterVerifyDisks } from './cluster/verify-disks.ts';
import { clusterVerifyGroup } from './cluster/verify-group.ts';
import { groupAdd } from './group/add.ts';
import { groupAssignNodes } from './group/assign-nodes.ts';
import { groupEvacuate } from './group/evacuate.ts';
import { groupRemove } from './group/remove.ts';
import { groupRename } from './group/rename.ts';
import { groupSetParams } from './group/set-params.ts';
import { groupVerifyDisks } from './group/verify-disks.ts';
import { instanceChangeGroup } from './instance/change-group.ts';
import { instanceConsole } from './instance/console.ts';
import { instanceCreate } from './instance/create.ts';
import { instanceActivateDisks } from './instance/disks/activate.ts';
import { instanceDeactivateDisks } from './instance/disks/deactivate.ts';
import { instanceGrowDisk } from './instance/disks/grow.ts';
import { instanceRecreateDisks } from './instance/disks/recreate.ts';
import { instanceFailover } from './instance/failover.ts';
import { instanceMigrate } from './instance/migrate.ts';
import { instanceSetParams } from './instance/modify/set-params.ts';
import { instanceMove } from './instance/move.ts';
import { instanceMultiAlloc } from './instance/multi-alloc.ts';
import { instanceQueryData } from './instance/query-data.ts';
import { instanceReboot } from './instance/reboot.ts';
import { instanceReinstall } from './instance/reinstall.ts';
import { instanceRemove } from './instance/remove.ts';
import { instanceRename } from './instance/rename.ts';
import { instanceReplaceDisks } from './instance/replace/replace-disks.ts';
import { instanceShutdown } from './instance/shutdown.ts';
import { instanceStartup } from './instance/startup.ts';
import { networkAdd } from './network/add.ts';
import { networkConnect, networkDisconnect } from './network/connect.ts';
import { networkRemove } from './network/remove.ts';
import { networkRename } from './network/rename.ts';
import { networkSetParams } from './network/set-params.ts';
import { nodeAdd } from './node/add.ts';
import { nodeEvacuate } from './node/evacuate.ts';
import { nodeMigrate } from './node/migrate.ts';
import { nodeModifyStorage } from './node/modify-storage.ts';
import { oobCommand } from './node/oob-command.ts';
import { nodePowercycle } from './node/powercycle.ts';
import { nodeQueryStorage } from './node/query-storage.ts';
import { nodeQueryVolumes } from './node/query-volumes.ts';
import { nodeRemove } from './node/remove.ts';
import { repairNodeStorage } from './node/repair-storage.ts';
import { restrictedCommand } from './node/restricted-command.ts';
import { nodeSetParams } from './node/set-params.ts';
import type { AnyOperation } from './operation.ts';
import { extStorageDiagnose, osDiagnose } from './os/diagnose.ts';
import { query, queryFieldsOperation } from './query/query.ts';
import { tagsDel, tagsSet } from './tags/change.ts';
import { tagsGet, tagsSearch } from './tags/query.ts';
import { testAllocator } from './test/allocator.ts';
import { testDelay } from './test/delay.ts';
import { testDummy } from './test/dummy.ts';
import { testJqueue } from './test/jqueue.ts';
import { testOsParams } from './test/os-params.ts';

const all: readonly AnyOperation[] = [
  backupExport,
  backupPrepare,
  backupRemove,
  clusterActivateMasterIp,
  clusterConfigQuery,
  clusterDeactivateMasterIp,
  clusterDestroy,
  clusterPostInit,
  clusterQuery,
  clusterRedistConf,
  clusterRename,
  clusterRenewCrypto,
  clusterRepair,
  clusterRepairDiskSizes,
  clusterSetParams,
  clusterVerify,
  clusterVerifyConfig,
  clusterVerifyDisks,
  clusterVerifyGroup,
  extStorageDiagnose,
  groupAdd,
  groupAssignNodes,
  groupEvacuate,
  groupRemove,
  groupRename,
  groupSetParams,
  groupVerifyDisks,
  instanceActivateDisks,
  instanceChangeGroup,
  instanceConsole,
  instanceCreate,
  instanceDeactivateDisks,
  instanceFailover,
  instanceGrowDisk,
  instanceMigrate,
  instanceMove,
  instanceMultiAlloc,
  instanceQueryData,
  instanceReboot,
  instanceRecreateDisks,
  instanceReinstall,
  instanceRemove,
  instanceRename,
  instanceReplaceDisks,
  instanceSetParams,
  instanceShutdown,
  instanceStartup,
  networkAdd,
  networkConnect,
  networkDisconnect,
  networkRemove,
  networkRename,
  networkSetParams,
  nodeAdd,
  nodeEvacuate,
  nodeMigrate,
  nodeModifyStorage,
  nodePowercycle,
  nodeQueryStorage,
  nodeQueryVolumes,
  nodeRemove,
  nodeSetParams,
  oobCommand,
  osDiagnose,
  query,
  queryFieldsOperation,
  repairNodeStorage,
  restrictedCommand,
  tagsDel,
  tagsGet,
  tagsSearch,
  tagsSet,
  testAllocator,
  testDelay,
  testDummy,
  testJqueue,
  testOsParams,
];

/** Opcode id to operation. */
export const operations: ReadonlyMap<string, AnyOperation> = new Map(
  all.map((each) => [each.opcode.id, each]),
);
