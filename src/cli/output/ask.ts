/** Questions before something dangerous (cli.AskUser, cli.ConfirmOperation). */
import type { Terminal } from '../terminal.ts';
import { fill } from './wrap.ts';

export interface Choice<T> {
  /** One character, or a number, that the user types. */
  readonly key: string;
  readonly value: T;
  readonly description: string;
}

const yesOrNo: readonly Choice<boolean>[] = [
  { key: 'y', value: true, description: 'Perform the operation' },
  { key: 'n', value: false, description: 'Do not perform the operation' },
];

/** The value of the choice that the user makes; of the last one when there is nobody to ask. */
export function askChoice<T>(terminal: Terminal, text: string, choices: readonly Choice<T>[]): T {
  const last = choices.at(-1)!;
  const tty = terminal.openTty();
  if (tty === undefined) return last.value;
  const question = text
    .split('\n')
    .map((line) => fill(line, 70, { keepWhitespace: true }))
    .join('\n');
  const keys = choices.map(({ key }) => (key === last.key ? `[${key}]` : key));
  try {
    for (;;) {
      tty.write(`${question}\n${[...keys, '?'].join('/')}: `);
      const line = tty.readLine();
      if (line === undefined) return last.value;
      const answer = line.trim().toLowerCase();
      const chosen = choices.find(({ key }) => key === answer);
      if (chosen !== undefined) return chosen.value;
      if (answer === '?') {
        for (const { key, description } of choices) tty.write(` ${key} - ${description}\n`);
        tty.write('\n');
      }
    }
  } finally {
    tty.close();
  }
}

export function ask(terminal: Terminal, text: string): boolean {
  return askChoice(terminal, text, yesOrNo);
}

/** Above this many the list is shown on request only. */
const longList = 20;

/** Asks whether `action` (a noun: "shutdown") shall be done to all of `names`. */
export function confirmOperation(
  terminal: Terminal,
  names: readonly string[],
  kind: string,
  action: string,
  extra = '',
): boolean {
  const message = `The ${action} will operate on ${names.length} ${kind}.\n${extra}Do you want to continue?`;
  const affected = `\nAffected ${kind}:\n${names.map((name) => `  ${name}`).join('\n')}`;
  const yes = { key: 'y', value: true as boolean | 'view', description: `Yes, execute the ${action}` };
  const no = { key: 'n', value: false, description: `No, abort the ${action}` };
  if (names.length <= longList) return askChoice(terminal, message + affected, [yes, no]) === true;
  const view = { key: 'v', value: 'view' as const, description: `View the list of affected ${kind}` };
  const answer = askChoice(terminal, message, [yes, view, no]);
  return (answer === 'view' ? askChoice(terminal, message + affected, [yes, no]) : answer) === true;
}
