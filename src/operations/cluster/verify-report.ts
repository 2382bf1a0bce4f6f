/** The report of a verification: lines in both of Ganeti's forms, and whether anything was found. */
import { verifyCodeTable } from '../../opcodes/verify-codes.ts';

export type VerifyCodeName = keyof typeof verifyCodeTable;

export interface ReportOptions {
  /** The form that programs parse. */
  readonly errorCodes: boolean;
  /** Codes that count as warnings. */
  readonly ignored: readonly string[];
  readonly verbose: boolean;
  readonly say: (text: string) => void;
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

  error(code: VerifyCodeName, item: string | null, text: string): void {
    this.#write(this.#options.ignored.includes(code) ? 'WARNING' : 'ERROR', code, item, text);
  }

  warning(code: VerifyCodeName, item: string | null, text: string): void {
    this.#write('WARNING', code, item, text);
  }

  notice(text: string): void {
    this.#options.say(`  - NOTICE: ${text}`);
  }

  #write(level: 'ERROR' | 'WARNING', code: VerifyCodeName, item: string | null, text: string): void {
    const kind = verifyCodeTable[code].object;
    const line = this.#options.errorCodes
      ? `  - ${level}:${code}:${kind}:${item ?? ''}:${text}`
      : `  - ${level}: ${kind}${item === null ? '' : ` ${item}`}: ${text}`;
    this.#options.say(line);
    if (level === 'ERROR') this.bad = true;
  }
}
