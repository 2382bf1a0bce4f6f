/** What each program is for: the first words of its manual page. */

export interface Introduction {
  /** Behind "gnt-x - ". */
  readonly purpose: string;
  readonly paragraphs: readonly string[];
  /** The resource whose fields its `list` shows. */
  readonly fieldsOf?: string;
}

const selection =
  'Where several instances may be named, options select them instead: by node, by primary or secondary node, by tags, or all. More than one is acted on only after a question, or with the option that forces it.';

export const introductions: Readonly<Record<string, Introduction>> = {
  'gnt-backup': {
    purpose: 'export and import instances',
    paragraphs: [
      "An export is a folder on a node with the instance's settings and what its OS definition says of its disks. An import makes an instance from it, on this cluster or another.",
    ],
    fieldsOf: 'export',
  },
  'gnt-cluster': {
    purpose: 'administer the cluster as a whole',
    paragraphs: [
      "Makes a cluster of one node, shows and changes its settings, verifies that nodes and instances are as the configuration says, and moves the master's role to another node.",
      'Commands run on the master node, apart from those that find it (getmaster, version) and master-failover, which runs on the node that takes over.',
    ],
  },
  'gnt-debug': {
    purpose: 'look into the cluster',
    paragraphs: [
      'Shows who holds and waits for which lock, asks allocators without acting on their answers, submits jobs from files and lets jobs wait, to try out the queue.',
    ],
    fieldsOf: 'lock',
  },
  'gnt-filter': {
    purpose: 'rules for the job queue',
    paragraphs: [
      'A rule accepts, pauses, rejects or limits the rate of the jobs that all its predicates match. Rules are looked at by priority, the smallest number first; the first that accepts, pauses or rejects decides.',
    ],
    fieldsOf: 'filter',
  },
  'gnt-group': {
    purpose: 'administer node groups',
    paragraphs: [
      'Instances and their mirrors stay inside a group. A group has parameters of its own for nodes and disks, limits for its instances, and networks that it is connected to.',
    ],
    fieldsOf: 'group',
  },
  'gnt-instance': {
    purpose: 'administer instances',
    paragraphs: [
      'Creates, starts, stops, changes, moves and removes the virtual machines of the cluster.',
      selection,
    ],
    fieldsOf: 'instance',
  },
  'gnt-job': {
    purpose: 'look at jobs and cancel them',
    paragraphs: [
      'Every change of the cluster is a job. Jobs wait for their locks, run, and are kept until they are archived. A job that is cut off, by cancellation or because the master died, takes back what it had half done.',
    ],
    fieldsOf: 'job',
  },
  'gnt-network': {
    purpose: 'administer networks',
    paragraphs: [
      'A network has a pool of addresses that instances get theirs from, each given once. It is connected to node groups with the mode and link of the interfaces there.',
    ],
    fieldsOf: 'network',
  },
  'gnt-node': {
    purpose: 'administer nodes',
    paragraphs: [
      'Adds hosts to the cluster and removes them, changes their roles (master candidate, drained, offline), moves instances away from them and shows their storage.',
    ],
    fieldsOf: 'node',
  },
  'gnt-os': {
    purpose: 'look at OS definitions',
    paragraphs: [
      'Lists the operating system definitions that nodes offer, says which are whole, and changes their settings.',
    ],
  },
  'gnt-storage': {
    purpose: 'look at external storage',
    paragraphs: ['Lists the providers of the ext disk template that nodes offer, and says which are whole.'],
  },
};
