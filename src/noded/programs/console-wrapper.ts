/**
 * kvm-console-wrapper and xen-console-wrapper: what `gnt-instance console` runs on the node. A guest that was started
 * paused goes on as soon as somebody is connected to its console, so that nothing of its start is missed.
 */
import { pollUntil } from '../../kit/clock.ts';
import { messageOf } from '../../kit/failure.ts';
import { runProcess } from '../../kit/process.ts';
import { runInteractive } from '../../kit/streaming-process.ts';

/** Milliseconds until the console has surely been opened. */
const settleMs = 1_000;
const pauseQuestionMs = 10_000;

interface Guest {
  readonly name: string;
  readonly isPaused: () => Promise<boolean>;
  readonly goOn: () => Promise<void>;
  readonly console: readonly [string, ...string[]];
}

/** The terminal is in raw mode: a line end alone would not go back to the left. */
const say = (text: string) => process.stderr.write(`${text}\r\n`);

async function unpause({ name, isPaused, goOn }: Guest): Promise<void> {
  try {
    if (!(await isPaused())) return;
    say(`Instance ${name} is paused, unpausing`);
    await goOn();
    const runs = await pollUntil(async () => ((await isPaused()) ? undefined : true), {
      everyMs: 200,
      timeoutMs: pauseQuestionMs,
    });
    if (runs === undefined) say(`Instance ${name} is still paused`);
  } catch (error) {
    say(`Instance ${name} could not be unpaused: ${messageOf(error)}`);
  }
}

async function open(guest: Guest, waitMs: number): Promise<number> {
  const timer = setTimeout(() => void unpause(guest), waitMs);
  try {
    return await runInteractive(guest.console);
  } finally {
    clearTimeout(timer);
  }
}

/** A command of QEMU's monitor for people, and what it answers. */
async function monitor(socat: string, socket: string, command: string): Promise<string> {
  const result = await runProcess([socat, '-t2', 'STDIO', `UNIX-CONNECT:${socket}`], {
    input: `${command}\n`,
    timeoutMs: pauseQuestionMs,
  });
  return result.stdout;
}

/** SOCAT INSTANCE MONITOR TERMINAL ENDPOINT */
export async function kvmConsoleWrapper(argv: readonly string[], waitMs = settleMs): Promise<number> {
  const [socat, name, socket, terminal, endpoint] = argv;
  if (argv.length !== 5 || !socat || !name || !socket || !terminal || !endpoint) {
    process.stderr.write('Usage: kvm-console-wrapper SOCAT INSTANCE MONITOR TERMINAL ENDPOINT\n');
    return 1;
  }
  return open(
    {
      name,
      isPaused: async () => /VM status: paused/.test(await monitor(socat, socket, 'info status')),
      goOn: async () => void (await monitor(socat, socket, 'cont')),
      console: [socat, terminal, endpoint],
    },
    waitMs,
  );
}

/** XL INSTANCE */
export async function xenConsoleWrapper(argv: readonly string[], waitMs = settleMs): Promise<number> {
  const [xl, name] = argv;
  if (argv.length !== 2 || !xl || !name || name.startsWith('-')) {
    process.stderr.write('Usage: xen-console-wrapper XL INSTANCE\n');
    return 1;
  }
  return open(
    {
      name,
      // Name, id, memory, processors, state such as "--p---", time.
      isPaused: async () => {
        const { stdout } = await runProcess([xl, 'list', name], { timeoutMs: pauseQuestionMs });
        const state = stdout.trim().split('\n').at(-1)?.trim().split(/\s+/).at(-2) ?? '';
        return /^[-a-z]{6}$/.test(state) && state[2] === 'p';
      },
      goOn: async () => void (await runProcess([xl, 'unpause', name], { timeoutMs: pauseQuestionMs })),
      console: [xl, 'console', name],
    },
    waitMs,
  );
}
