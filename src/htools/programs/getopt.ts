/**
 * Command lines read as Ganeti's tools read them (GNU style, abbreviations of long options, options and
 * arguments mixed), with the same error texts and the same usage listing.
 */

/** What comes with an option. */
export type OptionValue =
  | { readonly kind: 'none' }
  | { readonly kind: 'required'; readonly label: string }
  | { readonly kind: 'optional'; readonly label: string };

export interface OptionDefinition<T> {
  readonly short: string;
  readonly long: string;
  readonly value: OptionValue;
  readonly help: string;
  /** What bash completes, in the words of --help-completion. */
  readonly completion: string;
  /** Sets the option; throws Error with the message for the user. `value` is undefined when none was given. */
  readonly apply: (options: T, value: string | undefined) => void;
}

export interface Parsed<T> {
  readonly found: readonly { readonly definition: OptionDefinition<T>; readonly value: string | undefined }[];
  readonly args: readonly string[];
  /** Complaints, each ending in a newline. */
  readonly errors: readonly string[];
}

function shortForm<T>({ short, value }: OptionDefinition<T>): string {
  if (short === '') return '';
  if (value.kind === 'none') return `-${short}`;
  return value.kind === 'required' ? `-${short} ${value.label}` : `-${short}[${value.label}]`;
}

function longForm<T>({ long, value }: OptionDefinition<T>): string {
  if (value.kind === 'none') return `--${long}`;
  return value.kind === 'required' ? `--${long}=${value.label}` : `--${long}[=${value.label}]`;
}

/** Header line and one line per option. */
export function usage<T>(header: string, definitions: readonly OptionDefinition<T>[]): string {
  const shorts = definitions.map(shortForm);
  const longs = definitions.map(longForm);
  const shortWidth = Math.max(0, ...shorts.map((text) => text.length));
  const longWidth = Math.max(0, ...longs.map((text) => text.length));
  const lines = definitions.map(
    (definition, i) =>
      `  ${shorts[i]!.padEnd(shortWidth)}  ${longs[i]!.padEnd(longWidth)}  ${definition.help}`,
  );
  return [header, ...lines].map((line) => `${line}\n`).join('');
}

class Reader<T> {
  readonly found: { definition: OptionDefinition<T>; value: string | undefined }[] = [];
  readonly args: string[] = [];
  readonly errors: string[] = [];
  readonly unknown: string[] = [];
  private readonly definitions: readonly OptionDefinition<T>[];
  private readonly rest: string[];

  constructor(definitions: readonly OptionDefinition<T>[], argv: readonly string[]) {
    this.definitions = definitions;
    this.rest = [...argv];
  }

  run(): Parsed<T> {
    for (let word = this.rest.shift(); word !== undefined; word = this.rest.shift()) {
      if (word === '--') {
        this.args.push(...this.rest.splice(0));
      } else if (word.startsWith('--')) {
        this.readLong(word.slice(2));
      } else if (word.startsWith('-') && word.length > 1) {
        this.readShort(word.slice(1));
      } else {
        this.args.push(word);
      }
    }
    const unrecognized = this.unknown.map((option) => `unrecognized option \`${option}'\n`);
    return { found: this.found, args: this.args, errors: [...this.errors, ...unrecognized] };
  }

  private take(definition: OptionDefinition<T>, value: string | undefined): void {
    this.found.push({ definition, value });
  }

  private ambiguous(matching: readonly OptionDefinition<T>[], option: string): void {
    this.errors.push(usage(`option \`${option}' is ambiguous; could be one of:`, matching));
  }

  /** Takes the value from the next word. */
  private takeNext(definition: OptionDefinition<T>, label: string, option: string): void {
    const next = this.rest.shift();
    if (next === undefined) this.errors.push(`option \`${option}' requires an argument ${label}\n`);
    else this.take(definition, next);
  }

  private readLong(text: string): void {
    const equals = text.indexOf('=');
    const name = equals < 0 ? text : text.slice(0, equals);
    const value = equals < 0 ? undefined : text.slice(equals + 1);
    const exact = this.definitions.filter((definition) => definition.long === name);
    const matching =
      exact.length > 0 ? exact : this.definitions.filter((definition) => definition.long.startsWith(name));
    const definition = matching[0];
    if (definition === undefined) this.unknown.push(`--${text}`);
    else if (matching.length > 1) this.ambiguous(matching, `--${name}`);
    else if (definition.value.kind === 'none' && value !== undefined) {
      this.errors.push(`option \`--${name}' doesn't allow an argument\n`);
    } else if (definition.value.kind === 'required' && value === undefined) {
      this.takeNext(definition, definition.value.label, `--${name}`);
    } else this.take(definition, value);
  }

  private readShort(text: string): void {
    const letter = text[0]!;
    const value = text.length > 1 ? text.slice(1) : undefined;
    const definition = this.definitions.find(({ short }) => short === letter);
    if (definition === undefined || definition.value.kind === 'none') {
      if (definition === undefined) this.unknown.push(`-${letter}`);
      else this.take(definition, undefined);
      if (value !== undefined) this.rest.unshift(`-${value}`);
    } else if (definition.value.kind === 'required' && value === undefined) {
      this.takeNext(definition, definition.value.label, `-${letter}`);
    } else this.take(definition, value);
  }
}

export function parseCommandLine<T>(
  definitions: readonly OptionDefinition<T>[],
  argv: readonly string[],
): Parsed<T> {
  return new Reader(definitions, argv).run();
}
