/**
 * What mends a finding of `gnt-cluster verify`: one command, as an administrator would type it, with the name that the
 * finding is about. Where it depends on more than the code, the check itself says it. Shown to people only: with
 * --error-codes, which programs read, the report is exactly Ganeti's.
 */
import type { VerifyCodeName } from './verify-report.ts';

type Hint = (item: string) => string;

export const verifyHints: Readonly<Record<VerifyCodeName, Hint>> = {
  ECLUSTERCERT: () => 'gnt-cluster renew-crypto --new-cluster-certificate --new-rapi-certificate',
  ECLUSTERCFG: () => 'gnt-cluster info; then gnt-cluster modify, gnt-node modify or gnt-instance modify',
  ECLUSTERCLIENTCERT: () => 'gnt-cluster renew-crypto --new-node-certificates',
  ECLUSTERDANGLINGINST: () => 'gnt-cluster master-failover to a candidate with a whole configuration',
  ECLUSTERDANGLINGNODES: () => 'gnt-group assign-nodes GROUP NODE',
  ECLUSTERFILECHECK: () => 'gnt-cluster redist-conf',
  EEXTAGS: () => 'hbal -L -X',
  EGROUPDIFFERENTPVSIZE: () => 'gnt-group assign-nodes, so that nodes with volumes of one size are together',
  EINSTANCEBADNODE: (name) => `gnt-instance failover ${name}, or gnt-instance replace-disks --auto ${name}`,
  EINSTANCEDOWN: (name) => `gnt-instance startup ${name}`,
  EINSTANCEFAULTYDISK: (name) => `gnt-instance activate-disks ${name}`,
  EINSTANCELAYOUT: (name) => `gnt-instance replace-disks --auto ${name}`,
  EINSTANCEMISSINGCFGPARAMETER: (name) => `gnt-cluster repair-disk-sizes ${name}`,
  EINSTANCEMISSINGDISK: (name) =>
    `gnt-instance replace-disks --auto ${name}, or without a mirror gnt-instance recreate-disks ${name}`,
  EINSTANCEPOLICY: (name) => `gnt-instance modify ${name}, or gnt-group modify --ipolicy-bounds-specs`,
  EINSTANCESPLITGROUPS: (name) => `gnt-instance change-group ${name}`,
  EINSTANCEUNSUITABLENODE: (name) => `gnt-instance modify --disk-template plain ${name}`,
  EINSTANCEWRONGNODE: (name) => `gnt-instance migrate --cleanup ${name}`,
  ENODEDRBD: () => 'gnt-cluster verify-disks',
  ENODEDRBDHELPER: (name) =>
    `gnt-cluster modify --drbd-usermode-helper=PATH, or on ${name}: modprobe drbd usermode_helper=PATH`,
  ENODEDRBDVERSION: (name) => `upgrade the kernel module of DRBD on ${name}`,
  ENODEFILECHECK: (name) => `on ${name}: daemon-util start ganeti-noded`,
  ENODEFILESTORAGEPATHS: () =>
    'take the paths out of /etc/ganeti/file-storage-paths; gnt-cluster copyfile it',
  ENODEFILESTORAGEPATHUNUSABLE: (name) => `gnt-cluster command -n ${name} mkdir -p FOLDER`,
  ENODEGLUSTERSTORAGEPATHUNUSABLE: (name) => `gnt-cluster command -n ${name} mkdir -p FOLDER`,
  ENODEHOOKS: (name) => `see the script in /etc/ganeti/hooks/cluster-verify-post.d on ${name}`,
  ENODEHV: (name) => `gnt-cluster modify --hypervisor-parameters, or install what is missing on ${name}`,
  ENODELVM: (name) => `gnt-node volumes ${name}; gnt-node repair-storage ${name} lvm-vg GROUP`,
  ENODEN1: () => 'hbal -L -X',
  ENODENET: (name) => `gnt-node list -o name,pip,sip ${name}; see cables, addresses and bridges there`,
  ENODEOOBPATH: () => 'gnt-cluster copyfile PROGRAM, or gnt-node modify --node-parameters oob_program=PATH',
  ENODEORPHANINSTANCE: (name) => `gnt-cluster command -n ${name} to end it, once you know whose it is`,
  ENODEORPHANLV: () =>
    'gnt-cluster repair, or gnt-cluster modify --reserved-lvs for what belongs to no instance',
  ENODEOS: () => 'gnt-os diagnose; gnt-cluster copyfile the files of the definition',
  ENODERPC: (name) => `gnt-node health ${name}; when it is gone: gnt-node modify --offline=yes ${name}`,
  ENODESETUP: (name) => `gnt-node add --readd ${name}`,
  ENODESHAREDFILESTORAGEPATHUNUSABLE: (name) => `on ${name}: mount the shared folder`,
  ENODESSH: () => 'gnt-cluster renew-crypto --new-ssh-keys',
  ENODETIME: (name) => `gnt-cluster command -n ${name} chronyc makestep`,
  ENODEUSERSCRIPTS: () => 'gnt-cluster copyfile the script',
  ENODEVERSION: () => 'gnt-cluster upgrade',
};
