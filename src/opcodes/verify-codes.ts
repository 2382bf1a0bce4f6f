/**
 * The error codes of `gnt-cluster verify` (constants.CV_*): what each is about and what it means. Programs
 * name codes to ignore (--ignore-errors) and parse them from its output, so the words never change.
 */

export interface VerifyCode {
  /** What kind of object the finding is reported for. */
  readonly object: 'cluster' | 'group' | 'instance' | 'node';
  readonly doc: string;
}

export const verifyCodeTable = {
  ECLUSTERCERT: {
    object: 'cluster',
    doc: 'A certificate of the cluster is unreadable, expired or about to.',
  },
  ECLUSTERCFG: { object: 'cluster', doc: 'The configuration contradicts itself.' },
  ECLUSTERCLIENTCERT: {
    object: 'cluster',
    doc: "A node's client certificate is missing or isn't the one known.",
  },
  ECLUSTERDANGLINGINST: { object: 'node', doc: 'Instances name a primary node that does not exist.' },
  ECLUSTERDANGLINGNODES: { object: 'node', doc: 'Nodes name a group that does not exist.' },
  ECLUSTERFILECHECK: {
    object: 'cluster',
    doc: 'A file of the cluster differs between nodes or stands where it must not.',
  },
  EEXTAGS: { object: 'node', doc: 'Instances that exclude each other by tag share a node.' },
  EGROUPDIFFERENTPVSIZE: {
    object: 'group',
    doc: 'Physical volumes of the group differ in size under exclusive storage.',
  },
  EINSTANCEBADNODE: {
    object: 'instance',
    doc: 'The instance lives on a node that is offline or takes no instances.',
  },
  EINSTANCEDOWN: { object: 'instance', doc: 'The instance should run and does not.' },
  EINSTANCEFAULTYDISK: { object: 'instance', doc: 'A disk is degraded, faulty, or could not be looked at.' },
  EINSTANCELAYOUT: { object: 'instance', doc: 'The instance has more than one secondary node.' },
  EINSTANCEMISSINGCFGPARAMETER: {
    object: 'instance',
    doc: 'A needed key is missing from its configuration.',
  },
  EINSTANCEMISSINGDISK: { object: 'instance', doc: 'A volume that it needs is not on the node.' },
  EINSTANCEPOLICY: { object: 'instance', doc: 'Its sizes violate the policy of its group.' },
  EINSTANCESPLITGROUPS: { object: 'instance', doc: 'Its nodes belong to different groups.' },
  EINSTANCEUNSUITABLENODE: { object: 'instance', doc: 'Its disks or parameters cannot work on its node.' },
  EINSTANCEWRONGNODE: { object: 'instance', doc: 'It runs on a node that is not its primary.' },
  ENODEDRBD: { object: 'node', doc: 'DRBD devices are unexpected, missing, cut off or unreadable.' },
  ENODEDRBDHELPER: { object: 'node', doc: "The DRBD helper of the kernel module is not the cluster's." },
  ENODEDRBDVERSION: { object: 'node', doc: 'Versions of DRBD differ within the group.' },
  ENODEFILECHECK: { object: 'node', doc: 'The node gave no checksums of files.' },
  ENODEFILESTORAGEPATHS: {
    object: 'node',
    doc: 'Its list of allowed file storage paths names forbidden ones.',
  },
  ENODEFILESTORAGEPATHUNUSABLE: { object: 'node', doc: 'The folder of file storage cannot be used.' },
  ENODEGLUSTERSTORAGEPATHUNUSABLE: { object: 'node', doc: 'The folder of Gluster mounts cannot be used.' },
  ENODEHOOKS: { object: 'node', doc: 'The hooks of the verification failed or could not be run.' },
  ENODEHV: { object: 'node', doc: 'A hypervisor does not work, or a parameter does not fit the machine.' },
  ENODELVM: { object: 'node', doc: 'Volume groups or volumes are missing or unreadable.' },
  ENODEN1: { object: 'node', doc: 'Memory would not suffice if one of its peers failed.' },
  ENODENET: { object: 'node', doc: 'Addresses, bridges or peers cannot be reached or are missing.' },
  ENODEOOBPATH: { object: 'node', doc: 'The program for power control is missing or not executable.' },
  ENODEORPHANINSTANCE: { object: 'node', doc: 'An instance runs that the cluster does not know.' },
  ENODEORPHANLV: { object: 'node', doc: 'A volume belongs to no instance and is not reserved.' },
  ENODEOS: {
    object: 'node',
    doc: 'OS definitions are missing, invalid or differ from those of other nodes.',
  },
  ENODERPC: { object: 'node', doc: 'The node daemon did not answer, or not in full.' },
  ENODESETUP: { object: 'node', doc: 'Something basic of the node is wrong.' },
  ENODESHAREDFILESTORAGEPATHUNUSABLE: {
    object: 'node',
    doc: 'The folder of shared file storage cannot be used.',
  },
  ENODESSH: { object: 'node', doc: 'SSH to other nodes or the key set-up does not work.' },
  ENODETIME: { object: 'node', doc: "Its clock is too far from the master's." },
  ENODEUSERSCRIPTS: { object: 'node', doc: 'A script that the cluster is set to use is missing.' },
  ENODEVERSION: { object: 'node', doc: "The node daemon's version is not the master's." },
} as const satisfies Readonly<Record<string, VerifyCode>>;

export type VerifyErrorCode = keyof typeof verifyCodeTable;
export const verifyCodes = Object.keys(verifyCodeTable) as VerifyErrorCode[];

/** Checks that can be left out by name (constants.VERIFY_OPTIONAL_CHECKS). */
export const optionalChecks = ['hvparam_assessment', 'nplusone_mem'] as const;
