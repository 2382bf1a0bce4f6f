/**
 * The report of a verification: lines in both of Ganeti's forms, and whether anything was found. In the form for people
 * the command that mends it stands below a finding.
 */
import { verifyCodeTable } from '../../opcodes/verify-codes.ts';
import { verifyHints } from './verify-hints.ts';

export type VerifyCodeName = keyof typeof verifyCodeTable;

export interface ReportOptions {
  /** The form that programs parse. */
  readonly errorCodes: boolean;
  /** Codes that count as warnings. */
  readonly ignored: readonly string[];
  readonly verbose: boolean;
  readonly say: (text: string) => void;
}

export interface Finding {
  readonly code: VerifyCodeName;
  /** Name of what it is about; null for the cluster. */
  readonly item: string | null;
  readonly text: string;
  /** What mends it, where that depends on more than the code. */
  readonly hint?: string | undefined;
}

/** Findings of a verification that is only played (--debug-simulate-errors): each code once. */
export function simulated(report: VerifyReport, codes: readonly VerifyCodeName[]): void {
  for (const code of codes) report.error(code, null, `(simulated) ${verifyCodeTable[code].doc}`);
}

export class VerifyReport {
  /** An error has been reported. */
  bad = false;
  readonly #options: ReportOptions;

  constructor(options: ReportOptions) {
    this.#options = options;
  }

  /** "* Verifying node status". */
  section(text: string): void {
    this.#options.say(`* ${text}`);
  }

  /** Only with --verbose. */
  detail(text: string): void {
    if (this.#options.verbose) this.section(text);
  }

  error(code: VerifyCodeName, item: string | null, text: string, hint?: string): void {
    const level = this.#options.ignored.includes(code) ? 'WARNING' : 'ERROR';
    this.#write(level, { code, item, text, hint });
  }

  warning(code: VerifyCodeName, item: string | null, text: string, hint?: string): void {
    this.#write('WARNING', { code, item, text, hint });
  }

  notice(text: string): void {
    this.#options.say(`  - NOTICE: ${text}`);
  }

  /** A line as it is, such as what a hook has said. */
  line(text: string): void {
    this.#options.say(text);
  }

  #write(level: 'ERROR' | 'WARNING', { code, item, text, hint }: Finding): void {
    const kind = verifyCodeTable[code].object;
    const { errorCodes, say } = this.#options;
    // Ganeti's words for what has no name: "None" for programs, nothing for people.
    if (errorCodes) say(`  - ${level}:${code}:${kind}:${item ?? 'None'}:${text}`);
    else {
      say(`  - ${level}: ${kind} ${item ?? ''}: ${text}`);
      say(`      Mend it with: ${hint ?? verifyHints[code](item ?? kind.toUpperCase())}`);
    }
    if (level === 'ERROR') this.bad = true;
  }
}
