/**
 * Who may use the remote API: /var/lib/ganeti/rapi/users, one user a line (`name password options`), read again
 * when the file has changed. Options are rights, see permissions.ts. A password is clear text, `{CLEARTEXT}…`, or `{HA1}` and the MD5 of
 * `name:realm:password` (RFC 2617).
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import { type Rights, rightsOf } from './permissions.ts';
import type { Route } from './route.ts';

export const realm = 'Ganeti Remote API';

export interface RapiUser {
  readonly name: string;
  /** As it stands in the file. */
  readonly password: string;
  /** `write`, `@operator`, `jobs.list`, `-jobs.cancel`: see permissions.ts. */
  readonly options: readonly string[];
  readonly rights: Rights;
}

/** Whether a known user may use a route. */
export function mayUse(
  { options, rights }: RapiUser,
  { access, permission }: Pick<Route, 'access' | 'permission'>,
): boolean {
  if (rights.permissions !== undefined) return permission === null || rights.permissions.has(permission);
  return access.length === 0 || access.some((right) => options.includes(right));
}

/** Lines with fewer than two words are no users; `#` begins a comment line (http.auth.ParsePasswordFile). */
export function parseUsers(contents: string): ReadonlyMap<string, RapiUser> {
  const users = new Map<string, RapiUser>();
  for (const line of contents.split('\n').map((raw) => raw.trim())) {
    const [, name, password, options] = /^([^\s#]\S*)\s+(\S+)(?:\s+(.*))?$/.exec(line) ?? [];
    if (name === undefined || password === undefined) continue;
    const words = (options ?? '').split(',').map((option) => option.trim());
    const given = words.filter((option) => option !== '');
    users.set(name, { name, password, options: given, rights: rightsOf(given) });
  }
  return users;
}

const md5 = (value: string) => createHash('md5').update(value).digest('hex');

function sameText(one: string, other: string): boolean {
  const digest = (value: string) => createHash('sha256').update(value).digest();
  return timingSafeEqual(digest(one), digest(other));
}

/** An unknown scheme fits no password. */
export function passwordFits(user: Pick<RapiUser, 'name' | 'password'>, password: string): boolean {
  const [, scheme = 'CLEARTEXT', expected = user.password] = /^\{([^}]+)\}(.*)$/.exec(user.password) ?? [];
  if (user.password.startsWith('{') && expected === user.password) return false;
  switch (scheme.toUpperCase()) {
    case 'CLEARTEXT':
      return sameText(password, expected);
    case 'HA1':
      return sameText(md5(`${user.name}:${realm}:${password}`), expected.toLowerCase());
    default:
      return false;
  }
}

export interface UserDirectory {
  user(name: string): RapiUser | undefined;
}

/** Without the file nobody is known; a file that can't be read is told in the log. */
export function watchUsers(path: string, log: Log): UserDirectory {
  let seen: string | undefined;
  let users: ReadonlyMap<string, RapiUser> = new Map();
  const reload = (version: string) => {
    seen = version;
    users = new Map();
    try {
      users = parseUsers(readFileSync(path, 'utf8'));
      log.info(`Users file ${path} read: ${users.size} users`);
      for (const { name, rights } of users.values())
        for (const fault of rights.faults)
          log.warning(`Users file ${path}: ${fault} of user ${name} ignored`);
    } catch (error) {
      log.warning(`Users file ${path} can't be read: ${messageOf(error)}`);
    }
  };
  return {
    user(name) {
      const found = statSync(path, { throwIfNoEntry: false });
      const version = found === undefined ? 'none' : `${found.ino} ${found.size} ${found.mtimeMs}`;
      if (version === 'none') {
        if (seen !== 'none') log.warning(`No users file at ${path}`);
        seen = version;
        return undefined;
      }
      if (version !== seen) reload(version);
      return users.get(name);
    },
  };
}
