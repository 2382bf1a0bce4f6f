/**
 * The environment of hook scripts (hooks manual): the same for all, then what the operation tells, with the prefix
 * GANETI_ for the state before it and GANETI_POST_ for the state after it.
 */

/** constants.HOOKS_VERSION. */
const hooksVersion = '2';
const hooksPath = '/sbin:/bin:/usr/sbin:/usr/bin';

export interface HookFacts {
  /** Name of the hook. */
  readonly path: string;
  readonly phase: 'pre' | 'post';
  /** OP_ID, or the word that stands for one where there is no job. */
  readonly opcode: string;
  /** What the operation is about; left out for what is about nothing. */
  readonly objectType?: string | undefined;
  readonly cluster: string;
  /** Name of the master node. */
  readonly master: string;
  readonly dataDir: string;
  /** Variables without their prefix: before the operation, and in the post phase after it. */
  readonly before: Readonly<Record<string, string>>;
  readonly after?: Readonly<Record<string, string>> | undefined;
}

function prefixed(values: Readonly<Record<string, string>>, prefix: string): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value]));
}

export function hookEnvironment(facts: HookFacts): Record<string, string> {
  return {
    PATH: hooksPath,
    GANETI_HOOKS_VERSION: hooksVersion,
    GANETI_OP_CODE: facts.opcode,
    GANETI_DATA_DIR: facts.dataDir,
    GANETI_HOOKS_PHASE: facts.phase,
    GANETI_HOOKS_PATH: facts.path,
    ...(facts.objectType === undefined ? {} : { GANETI_OBJECT_TYPE: facts.objectType }),
    GANETI_CLUSTER: facts.cluster,
    GANETI_MASTER: facts.master,
    ...prefixed(facts.before, 'GANETI_'),
    ...prefixed(facts.after ?? {}, 'GANETI_POST_'),
  };
}
