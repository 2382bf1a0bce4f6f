/**
 * Reads as the service answers them: each is one question to the master and a shape for what it answers. The
 * newest answer to each address is remembered with its bytes, so that an answer which says the same again (the
 * master is asked every time) is neither parsed nor written anew.
 */
import { assertNever, ErrorCode, Failure } from '../kit/failure.ts';
import type { LuxiReply } from '../luxi/client.ts';
import { HttpError } from './http-error.ts';
import { jsonBytes } from './json-text.ts';
import type { Master } from './master.ts';
import { flagArgument, type RapiRequest } from './request.ts';
import type { Item, Listing, Question, Reading } from './route.ts';

export type Read = Listing | Item | Reading;

interface Plan {
  readonly question: Question;
  /** The same for the same answer. */
  readonly shape: (answer: unknown) => unknown;
}

type Cells = readonly unknown[];

function mapped(fields: readonly string[], cells: Cells): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  for (let at = 0; at < fields.length; at += 1) row[fields[at]!] = cells[at] ?? null;
  return row;
}

/** In Python's order: numbers by value, texts by code point. */
function inOrder(names: readonly (string | number)[]): (string | number)[] {
  return [...names].sort((one, other) => (one < other ? -1 : one > other ? 1 : 0));
}

function listPlan(answer: Listing, path: string, request: RapiRequest): Plan {
  const { luxi: method, fields, args, adapt, nameField, nameKey } = answer;
  if (flagArgument(request.query, 'bulk')) {
    return {
      question: { method, args: args(fields, request) },
      shape(rows) {
        const objects = (rows as Cells[]).map((row) => mapped(fields, row));
        return adapt === undefined ? objects : objects.map(adapt);
      },
    };
  }
  return {
    question: { method, args: args([nameField], request) },
    shape(rows) {
      const names = (rows as Cells[]).map(([name]) => name as string | number);
      return inOrder(names).map((name) => ({ [nameKey]: name, uri: `${path}/${name}` }));
    },
  };
}

function itemPlan({ luxi: method, fields, args, adapt }: Item, request: RapiRequest): Plan {
  return {
    question: { method, args: args(fields, request) },
    shape(rows) {
      const [row] = rows as Cells[];
      if (row === undefined) throw new HttpError(404);
      const found = mapped(fields, row);
      return adapt === undefined ? found : adapt(found);
    },
  };
}

function planOf(answer: Read, path: string, request: RapiRequest): Plan {
  switch (answer.kind) {
    case 'list':
      return listPlan(answer, path, request);
    case 'item':
      return itemPlan(answer, request);
    case 'read':
      return { question: answer.ask(request), shape: answer.shape ?? ((found) => found) };
    default:
      return assertNever(answer);
  }
}

/** A question and the answer's text, and the bytes that became of it. */
interface Remembered {
  readonly text: string;
  readonly bytes: Buffer;
}

/** @throws HttpError 404 for an object that isn't there; Failure as the master answered it */
function resultOf(reply: LuxiReply, { kind }: Read): unknown {
  try {
    return reply.result();
  } catch (error) {
    if (kind !== 'item' || !(error instanceof Failure) || error.code !== ErrorCode.unknown) throw error;
    throw new HttpError(404);
  }
}

export class Reads {
  readonly #master: Pick<Master, 'reply'>;
  readonly #mostBytes: number;
  /** By address; the one that was asked for longest ago is first. */
  readonly #known = new Map<string, Remembered>();
  #bytes = 0;

  /** @param mostBytes that remembered answers may take */
  constructor(master: Pick<Master, 'reply'>, mostBytes: number) {
    this.#master = master;
    this.#mostBytes = mostBytes;
  }

  /**
   * The bytes of an answer.
   * @param url of the request: together with the route it says everything that a read depends on
   * @throws HttpError; Failure as the master answered it
   */
  async read(answer: Read, path: string, url: string, request: RapiRequest): Promise<Buffer> {
    const { question, shape } = planOf(answer, path, request);
    const reply = await this.#master.reply(question.method, question.args);
    const known = this.#known.get(url);
    if (known !== undefined && known.text === reply.text) {
      this.#known.delete(url);
      this.#known.set(url, known);
      return known.bytes;
    }
    const bytes = jsonBytes(shape(resultOf(reply, answer)));
    this.#remember(url, { text: reply.text, bytes });
    return bytes;
  }

  #remember(url: string, answer: Remembered): void {
    this.#forget(url);
    const size = sizeOf(url, answer);
    if (size > this.#mostBytes) return;
    this.#known.set(url, answer);
    this.#bytes += size;
    for (const oldest of this.#known.keys()) {
      if (this.#bytes <= this.#mostBytes) break;
      this.#forget(oldest);
    }
  }

  #forget(url: string): void {
    const known = this.#known.get(url);
    if (known === undefined) return;
    this.#known.delete(url);
    this.#bytes -= sizeOf(url, known);
  }
}

/** What an entry takes, at least; a text may hold two bytes a character. */
function sizeOf(url: string, { text, bytes }: Remembered): number {
  return 2 * (url.length + text.length) + bytes.length + 200;
}
