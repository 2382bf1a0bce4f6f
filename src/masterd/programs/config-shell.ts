/**
 * The commands of cfgshell: walking through a configuration as through folders, and taking objects out of it. Words,
 * answers and the prompt are those of Ganeti's program; where an object is a table's, its name does as well as its uuid.
 */
import { Failure, messageOf } from '../../kit/failure.ts';
import { pythonText } from '../../kit/python-text.ts';

type Lines = readonly string[];
type Container = Readonly<Record<string, unknown>> | readonly unknown[];

/** Where configurations come from. */
export interface ConfigPlace {
  /** The configuration as config.data has it; this node's own without a path. @throws Failure */
  load(path: string | undefined): Promise<Container>;
  /** Everything that is wrong with what was loaded, as sentences. */
  verify(data: Container): string[];
  /** Takes an object out of this node's own configuration, at once and for good. @throws Failure when that may not be */
  remove(table: 'instances' | 'nodes', uuid: string): Promise<void>;
}

function isContainer(value: unknown): value is Container {
  return typeof value === 'object' && value !== null;
}

const childOf = (container: Container, name: string): unknown =>
  Object.hasOwn(container, name) ? (container as Readonly<Record<string, unknown>>)[name] : undefined;

/** The key of a child: itself, or the uuid of the object of that name. */
function keyIn(container: Container, name: string): string | undefined {
  if (Object.hasOwn(container, name) && !(Array.isArray(container) && name === 'length')) return name;
  return Object.entries(container).find(
    ([key, value]) => isContainer(value) && childOf(value, 'uuid') === key && childOf(value, 'name') === name,
  )?.[0];
}

const helpLines: Readonly<Record<string, string>> = {
  load: "load [FILE]: reads a configuration, this node's own when no file is given",
  ls: 'ls: lists what is here; what has a slash can be entered',
  cd: 'cd [PATH]: enters; .. goes up, / or nothing to the top',
  pwd: 'pwd: where this is',
  cat: 'cat NAME: shows a value, and all of what could be entered',
  verify: 'verify: checks the configuration',
  save: 'save: checks the configuration; rm has written already what it did',
  rm: "rm NAME: takes an instance or a node out of this node's own configuration (in /instances, /nodes)",
  quit: 'quit: ends',
};

export class ConfigShell {
  readonly #place: ConfigPlace;
  readonly #say: (line: string) => void;
  #file: string | undefined;
  #data: Container | undefined;
  #path: readonly string[] = [];

  constructor(place: ConfigPlace, say: (line: string) => void) {
    this.#place = place;
    this.#say = say;
  }

  get prompt(): string {
    return this.#data === undefined ? '(#no config) ' : `(/${this.#path.join('/')}) `;
  }

  #at(path: readonly string[]): unknown {
    let value: unknown = this.#data;
    for (const name of path) value = isContainer(value) ? childOf(value, name) : undefined;
    return value;
  }

  get #here(): Container {
    const here = this.#at(this.#path);
    return isContainer(here) ? here : {};
  }

  /** The path that words lead to from here; undefined when there is nothing. */
  #resolve(words: string): readonly string[] | undefined {
    const path: string[] = words.startsWith('/') ? [] : [...this.#path];
    for (const word of words.split('/')) {
      if (word === '' || word === '.') continue;
      if (word === '..') {
        path.pop();
        continue;
      }
      const container = this.#at(path);
      const key = isContainer(container) ? keyIn(container, word) : undefined;
      if (key === undefined) return undefined;
      path.push(key);
    }
    return path;
  }

  /** Runs a line; false when it was the last. */
  async run(line: string): Promise<boolean> {
    const [, command = '', rest = ''] = /^\s*(\S*)\s*(.*?)\s*$/.exec(line) ?? [];
    if (command === '') return true;
    if (command === 'quit' || command === 'EOF') return false;
    if (command === 'help' || command === '?') {
      for (const text of Object.values(helpLines)) this.#say(text);
    } else if (command === 'load') await this.load(rest === '' ? undefined : rest);
    else if (!Object.hasOwn(helpLines, command)) this.#say(`*** Unknown syntax: ${line.trim()}`);
    else if (this.#data === undefined) this.#say('No config data loaded');
    else for (const text of await this.#commands[command]!(rest, this.#data)) this.#say(text);
    return true;
  }

  async load(file: string | undefined): Promise<void> {
    try {
      this.#data = await this.#place.load(file);
      this.#file = file;
      this.#path = [];
    } catch (error) {
      this.#say(`Error: ${messageOf(error)}`);
    }
  }

  /** Names of children, those that can be entered with a slash; they come first. */
  names(): string[] {
    const here = this.#here;
    const [inner, plain] = [true, false].map((wanted) =>
      Object.keys(here).filter((name) => isContainer(childOf(here, name)) === wanted),
    );
    return [...inner!.map((name) => `${name}/`), ...plain!];
  }

  readonly #commands: Readonly<Record<string, (rest: string, data: Container) => Lines | Promise<Lines>>> = {
    ls: () => this.names(),
    pwd: () => [`/${this.#path.join('/')}`],
    cd: (rest) => this.#enter(rest),
    cat: (rest) => this.#show(rest),
    verify: (_, data) => this.#verify(data, 'Validation failed. Errors:'),
    save: (_, data) => this.#verify(data, 'Config data does not validate:'),
    rm: (rest) => this.#remove(rest),
  };

  #enter(words: string): Lines {
    if (words === '..' && this.#path.length === 0) return ['Already at top level'];
    const path = words === '' ? [] : this.#resolve(words);
    if (path === undefined || !isContainer(this.#at(path))) return ['No such child'];
    this.#path = path;
    return [];
  }

  #show(words: string): Lines {
    const path = words === '' ? undefined : this.#resolve(words);
    if (path === undefined) return ['No such entry'];
    const value = this.#at(path);
    return [isContainer(value) ? JSON.stringify(value, null, 2) : pythonText(value)];
  }

  #verify(data: Container, head: string): Lines {
    const faults = this.#place.verify(data);
    return faults.length > 0 ? [head, ...faults] : [];
  }

  async #remove(name: string): Promise<Lines> {
    const [table] = this.#path;
    if (this.#path.length !== 1 || (table !== 'instances' && table !== 'nodes'))
      return ['Can only delete instances and nodes'];
    const uuid = keyIn(this.#here, name);
    if (uuid === undefined) return [`Invalid ${table.slice(0, -1)} name`];
    try {
      if (this.#file !== undefined)
        throw new Failure('ConfigurationError', ["only this node's own configuration is changed"]);
      await this.#place.remove(table, uuid);
      this.#data = await this.#place.load(undefined);
      return [];
    } catch (error) {
      return [`Error: ${messageOf(error)}`];
    }
  }
}
