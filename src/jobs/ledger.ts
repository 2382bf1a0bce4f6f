/**
 * The step journal's open pages: of every opcode that isn't closed, which steps have begun and haven't
 * been undone. It is written to the durable journal line by line and kept in memory, so that a
 * checkpoint can carry the open lines over and a restarted master knows what to unwind.
 *
 *   begun ──done──▶ (still undoable) ──kept──▶ gone from the page
 *     └───────────── undone ─────────▶ gone       └ stranded ▶ on the list of what an administrator must see
 */
import type { Durable } from './durable.ts';
import { redact, type SecretNames } from './redaction.ts';
import type { StepEntry, StepJournal } from './steps.ts';

export type BegunStep = Extract<StepEntry, { readonly kind: 'begun' }>;
export type StrandedStep = BegunStep & { readonly error: string };

type EndedOpcode = Extract<StepEntry, { readonly kind: 'kept' }>;

interface Page {
  readonly job: number;
  readonly op: number;
  readonly open: Map<number, BegunStep>;
}

export class StepLedger implements StepJournal {
  readonly #durable: Durable;
  readonly #secrets: SecretNames;
  readonly #pages = new Map<string, Page>();
  readonly #stranded = new Map<string, StrandedStep>();
  /** Opcodes whose work is done while their jobs don't say so yet. */
  readonly #ended = new Map<string, EndedOpcode>();
  /** Told of each step whose undo has failed. */
  onStranded: (step: StrandedStep) => void = () => {};

  constructor(durable: Durable, secrets: SecretNames = new Set()) {
    this.#durable = durable;
    this.#secrets = secrets;
  }

  append(entry: StepEntry): Promise<void> {
    const clean = entry.kind === 'begun' ? { ...entry, input: redact(entry.input, this.#secrets) } : entry;
    this.fold(clean);
    return this.#durable.append('step', clean);
  }

  /** Takes a line that is in the journal already. */
  fold(entry: StepEntry): void {
    const key = `${entry.job}/${entry.op}`;
    const page = this.#pages.get(key) ?? { job: entry.job, op: entry.op, open: new Map() };
    switch (entry.kind) {
      case 'begun':
        page.open.set(entry.number, entry);
        this.#pages.set(key, page);
        break;
      case 'done':
        break;
      case 'kept':
        this.#pages.delete(key);
        if (entry.ended !== undefined) this.#ended.set(key, entry);
        break;
      case 'undone':
        page.open.delete(entry.number);
        this.#stranded.delete(`${key}/${entry.number}`);
        break;
      case 'stranded': {
        const begun = page.open.get(entry.number) ?? this.#stranded.get(`${key}/${entry.number}`);
        page.open.delete(entry.number);
        if (begun !== undefined) {
          const stranded = { ...begun, error: entry.error };
          this.#stranded.set(`${key}/${entry.number}`, stranded);
          this.onStranded(stranded);
        }
        break;
      }
    }
    if (page.open.size === 0) this.#pages.delete(key);
  }

  /** The opcode has ended and needs no unwinding; what is stranded stays listed. */
  close(job: number, op: number): void {
    this.#pages.delete(`${job}/${op}`);
    this.#ended.delete(`${job}/${op}`);
  }

  /** The result of an opcode whose work is done while its job doesn't say so; undefined for any other. */
  ended(job: number, op: number): { readonly result: unknown } | undefined {
    return this.#ended.get(`${job}/${op}`)?.ended;
  }

  /** Steps that would have to be undone if the opcode ended here, in the order in which they began. */
  open(job: number, op: number): BegunStep[] {
    return [...(this.#pages.get(`${job}/${op}`)?.open.values() ?? [])].sort((a, b) => a.number - b.number);
  }

  /** Every opcode with open steps. */
  openPages(): { readonly job: number; readonly op: number }[] {
    return [...this.#pages.values()].map(({ job, op }) => ({ job, op }));
  }

  /** Opcodes of which `ended` knows. */
  endedOpcodes(): { readonly job: number; readonly op: number }[] {
    return [...this.#ended.values()].map(({ job, op }) => ({ job, op }));
  }

  /** Steps whose undo failed: something of them may still be there. */
  stranded(): StrandedStep[] {
    return [...this.#stranded.values()];
  }

  /** The lines from which `fold` makes this state again. */
  checkpoint(): StepEntry[] {
    const open = [...this.#pages.values()].flatMap((page) => [...page.open.values()]);
    const stranded = this.stranded().flatMap(({ error, ...begun }): StepEntry[] => [
      begun,
      { kind: 'stranded', job: begun.job, op: begun.op, number: begun.number, error },
    ]);
    return [...open, ...this.#ended.values(), ...stranded];
  }
}
