/**
 * users-setup: makes the groups and users that Ganeti's packages know, for files, hooks and programs that go by them.
 * Gantry's own daemons run as root and need none of them. What is there already is left as it is.
 */
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { runChecked } from '../../kit/process.ts';
import { isToolAnswer, parseToolOptions, tellToolAnswer } from '../../kit/tool-options.ts';

/** The user, or null for a group alone, its own group, and what else it belongs to (doc/users). */
const users: readonly { readonly group: string; readonly user?: true; readonly also?: readonly string[] }[] =
  [
    { group: 'gnt-admin' },
    { group: 'gnt-daemons' },
    { group: 'gnt-luxid' },
    { group: 'gnt-confd', user: true, also: ['gnt-daemons'] },
    { group: 'gnt-masterd', user: true, also: ['gnt-admin', 'gnt-confd', 'gnt-daemons'] },
    { group: 'gnt-metad', user: true, also: ['gnt-daemons'] },
    { group: 'gnt-rapi', user: true, also: ['gnt-admin', 'gnt-daemons'] },
  ];

/** One change: how it is told, and the command. */
interface Change {
  readonly text: string;
  readonly command: readonly [string, ...string[]];
}

/** What the machine lacks, by the texts of its passwd and group files. Pure. */
export function missingUsers(passwd: string, groups: string): Change[] {
  const entries = (text: string) => text.split('\n').map((line) => line.split(':'));
  const knownUsers = new Set(entries(passwd).map(([name]) => name));
  const members = new Map(entries(groups).map(([name, , , list = '']) => [name, new Set(list.split(','))]));
  const changes: Change[] = [];
  for (const { group } of users) {
    if (!members.has(group))
      changes.push({ text: `Will add group ${group}`, command: ['groupadd', '--system', group] });
  }
  for (const { group: name } of users.filter(({ user }) => user)) {
    if (!knownUsers.has(name))
      changes.push({
        text: `Will add user ${name} with primary group ${name}`,
        command: ['useradd', '--system', '--gid', name, name],
      });
  }
  for (const { group: name, also = [] } of users) {
    for (const group of also) {
      if (members.get(group)?.has(name) !== true)
        changes.push({
          text: `Will add user ${name} to group ${group}`,
          command: ['usermod', '--append', '--groups', group, name],
        });
    }
  }
  return changes;
}

export async function usersSetup(argv: readonly string[]): Promise<number> {
  const option = { names: ['--yes-do-it'], help: 'make the changes without asking' };
  const call = parseToolOptions('users-setup', '[--yes-do-it]', [option], argv);
  if (isToolAnswer(call)) return tellToolAnswer(call);
  if (call.args.length > 0) {
    process.stderr.write('users-setup: error: No arguments are expected\n');
    return 2;
  }
  const changes = missingUsers(await readFile('/etc/passwd', 'utf8'), await readFile('/etc/group', 'utf8'));
  if (changes.length === 0) {
    process.stdout.write('All groups and users are there\n');
    return 0;
  }
  if (!call.flags.has('yes-do-it')) {
    const list = changes.map(({ text }) => `+ ${text}\n`).join('');
    const lines = createInterface({ input: process.stdin, output: process.stdout });
    const answer = await new Promise<string>((resolve) => {
      lines.once('close', () => resolve(''));
      lines
        .question(`This will do the following changes\n${list}\nOK? (y/n)\n`)
        .then(resolve, () => resolve(''));
    });
    lines.close();
    if (answer !== 'y') return 0;
  }
  for (const { command } of changes) await runChecked(command, { timeoutMs: 60_000 });
  return 0;
}
