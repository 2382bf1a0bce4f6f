/**
 * How a bootstrap program speaks with the command that started it: one JSON object on standard input,
 * lines of JSON on standard output: {"log": text} and {"warning": text}, and at the end {"result": value} or {"error": [class, arguments]}.
 */
import { encodeFailure } from '../../kit/failure.ts';

export interface Talk {
  /** A line for the user, while it goes on. */
  log(text: string): void;
  /** The same on standard error. */
  warn(text: string): void;
}

export async function readInput(): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8').trim();
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
}

const write = (line: unknown) => process.stdout.write(`${JSON.stringify(line)}\n`);

/** Runs a verb and tells how it ended; gives the exit code. */
export async function talk(
  work: (input: Record<string, unknown>, talk: Talk) => Promise<unknown>,
): Promise<number> {
  try {
    const result = await work(await readInput(), {
      log: (text) => write({ log: text }),
      warn: (text) => write({ warning: text }),
    });
    write({ result: result ?? null });
    return 0;
  } catch (error) {
    write({ error: encodeFailure(error) });
    return 1;
  }
}
