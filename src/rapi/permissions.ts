/**
 * What a user of the remote API may do: the permissions and roles that Ganeti's users file has since the change
 * "role-based access control" (rapi/__init__.py, http/auth.py), beside the older `read` and `write`.
 *
 * A line with older words alone means what it means in Ganeti 3.1: whoever is known may read, `read` opens what
 * may be sensitive, `write` opens everything. One word of the newer form makes the whole line newer: the user may
 * do what the permissions say and nothing else.
 */

/** By noun; routes name one each. */
export const permissions = [
  ...['jobs.list', 'jobs.query', 'jobs.cancel', 'jobs.wait'],
  ...['instances.multi_alloc', 'instances.list', 'instances.create', 'instances.grow_disk'],
  ...['instances.modify', 'instances.remove', 'instances.query', 'instances.info', 'instances.reboot'],
  ...['instances.startup', 'instances.shutdown', 'instances.migrate', 'instances.failover'],
  ...['instances.rename', 'instances.reinstall', 'instances.replace_disks', 'instances.recreate_disks'],
  ...['instances.activate_disks', 'instances.deactivate_disks', 'instances.export.prepare'],
  ...['instances.export.create', 'instances.export.remove', 'instances.query.console'],
  'os.list',
  ...['filter.list', 'filter.create', 'filter.query', 'filter.modify', 'filter.remove'],
  ...['nodes.list', 'nodes.query', 'nodes.powercycle', 'nodes.role.query', 'nodes.role.modify'],
  ...['nodes.evacuate', 'nodes.migrate', 'nodes.modify', 'nodes.storage.query', 'nodes.storage.modify'],
  'nodes.storage.repair',
  ...['networks.list', 'networks.query', 'networks.create', 'networks.remove', 'networks.connect'],
  ...['networks.disconnect', 'networks.modify', 'networks.rename'],
  ...['groups.list', 'groups.create', 'groups.query', 'groups.delete', 'groups.modify', 'groups.rename'],
  'groups.assign_nodes',
  'query.all',
  ...['cluster.info', 'cluster.modify', 'cluster.redistribute_config'],
  ...['tags.get', 'tags.set', 'tags.delete'],
] as const;

export type Permission = (typeof permissions)[number];

const known: ReadonlySet<string> = new Set(permissions);

const readOnly: readonly Permission[] = [
  ...(['jobs.list', 'jobs.query'] as const),
  ...(['instances.list', 'instances.query', 'instances.info'] as const),
  ...(['nodes.list', 'nodes.query', 'nodes.role.query'] as const),
  ...(['networks.list', 'networks.query', 'groups.list', 'groups.query'] as const),
  ...(['filter.list', 'filter.query', 'cluster.info', 'tags.get', 'query.all', 'os.list'] as const),
];

/** What an operator on call does: nothing of it changes what an instance, a node or the cluster is. */
const operations: readonly Permission[] = [
  ...(['instances.startup', 'instances.shutdown', 'instances.reboot', 'instances.migrate'] as const),
  ...(['instances.failover', 'instances.replace_disks', 'instances.query.console'] as const),
  ...(['instances.export.prepare', 'instances.export.create', 'instances.export.remove'] as const),
];

export const roles: Readonly<Record<string, readonly Permission[]>> = {
  admin: permissions,
  readonly: readOnly,
  operator: [...readOnly, ...operations],
};

/** Older words as roles, in a line that has newer words too. */
const olderWords: Readonly<Record<string, string>> = { read: 'readonly', write: 'admin', all: 'admin' };

/** What the options of a user come to. */
export interface Rights {
  /** None: a line of the older form, where the options themselves count. */
  readonly permissions: ReadonlySet<string> | undefined;
  /** Sentences for the log about words that say nothing. */
  readonly faults: readonly string[];
}

const isNewer = (option: string) => /^[@+-]|\./.test(option) || option === 'all';

/**
 * Roles first, then single permissions, then what is taken away, wherever in the line they stand, so that
 * `-jobs.cancel,@admin` gives no more than `@admin,-jobs.cancel`.
 */
export function rightsOf(options: readonly string[]): Rights {
  if (!options.some(isNewer)) return { permissions: undefined, faults: [] };
  const granted = new Set<string>();
  const faults: string[] = [];
  const removed: string[] = [];
  for (const option of options) {
    const role = option.startsWith('@') ? option.slice(1) : olderWords[option];
    if (role !== undefined) {
      if (!Object.hasOwn(roles, role)) faults.push(`unknown role '@${role}'`);
      else for (const permission of roles[role]!) granted.add(permission);
      continue;
    }
    const permission = option.replace(/^[+-]/, '');
    if (!known.has(permission)) faults.push(`unknown permission '${permission}'`);
    else if (option.startsWith('-')) removed.push(permission);
    else granted.add(permission);
  }
  for (const permission of removed) granted.delete(permission);
  return { permissions: granted, faults };
}
