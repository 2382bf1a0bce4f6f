/** The running of burnin: instances are made, every step is done to them, and they are removed whatever happened. */
import { sleep } from '../../kit/clock.ts';
import { ErrorCode, executionFailure, prerequisiteFailure } from '../../kit/failure.ts';
import { parseUnit } from '../../kit/units.ts';
import { type Argument, type Command, command } from '../command.ts';
import { ExitCode } from '../exit-codes.ts';
import { JobExecutor } from '../jobs/executor.ts';
import { submitAllAndWait } from '../jobs/submit.ts';
import { reportError } from '../output/errors.ts';
import type { ClusterData } from '../programs/cluster/cluster-data.ts';
import type { Session } from '../session.ts';
import { queryConfigValues, queryNodes } from '../shared/queries.ts';
import { type BurninOptions, burninOptions } from './options.ts';
import { creation, type Facts, removal, type Step, stepsOf } from './steps.ts';

/** How often a step that can be repeated is tried (burnin.MAX_RETRIES). */
const tries = 3;
/** Between two looks at an instance. */
const pauseMs = 500;

const sizesOf = (text: string) => text.split(',').map((part) => parseUnit(part));

/** Templates whose disks have a mirror on a second node, and those whose disks every node sees. */
const mirrored = ['drbd'];
const shared = ['blockdev', 'ext', 'gluster', 'rbd', 'sharedfile'];

async function factsOf(session: Session, options: BurninOptions): Promise<Facts> {
  const wanted = options.nodes === null ? [] : options.nodes.split(',');
  if (options.iallocator !== null && wanted.length > 0)
    throw prerequisiteFailure(
      'Give either the nodes option or the iallocator option, not both',
      ErrorCode.invalid,
    );
  const rows = await queryNodes(session, wanted, ['name', 'offline', 'drained', 'vm_capable']);
  const nodes = rows.flatMap(([name, offline, drained, capable]) =>
    offline || drained || !capable ? [] : [String(name)],
  );
  if (nodes.length === 0) throw prerequisiteFailure('No node can take instances', ErrorCode.state);
  const cluster = (await session.call('QueryClusterInfo', [])) as ClusterData;
  const template = options.disk_template;
  const isMirrored = mirrored.includes(template);
  if (isMirrored && nodes.length < 2)
    throw prerequisiteFailure(`Disk template ${template} needs two nodes`, ErrorCode.state);
  const [hypervisor, hvparams] = options.hypervisor ?? [cluster.default_hypervisor, {}];
  const hasDisks = template !== 'diskless';
  const nics = (cluster.nicparams.default ?? {}) as { mode?: string };
  return {
    nodes,
    hypervisor,
    hvparams: hvparams as Readonly<Record<string, unknown>>,
    canMigrate: !['lxc', 'chroot'].includes(hypervisor),
    isMirrored,
    isShared: shared.includes(template),
    isBridged: nics.mode === 'bridged',
    diskSizes: hasDisks ? sizesOf(options.disk_size) : [],
    diskGrowth: hasDisks ? sizesOf(options.disk_growth) : [],
    memory: { min: options.mem_size ?? options.minmem_size, max: options.mem_size ?? options.maxmem_size },
  };
}

function checkOptions(options: BurninOptions, { diskSizes, diskGrowth }: Facts): void {
  if (options.os === null && options.disk_template !== 'diskless')
    throw prerequisiteFailure('The OS must be given (--os)', ErrorCode.invalid);
  if (diskSizes.length !== diskGrowth.length && diskSizes.length > 0)
    throw prerequisiteFailure('Wrong disk sizes/growth combination', ErrorCode.invalid);
  if (options.rename !== null && options.parallel)
    throw prerequisiteFailure('Renaming goes through one name: leave --parallel out', ErrorCode.invalid);
}

const log = (session: Session, text: string, indent = 0) =>
  session.print(`${'  '.repeat(indent)}${['- ', '* ', ''][indent] ?? ''}${text}`);

/** The page that the instance shows must say its name. */
async function answers(instance: string, timeoutSeconds: number): Promise<boolean> {
  const end = Date.now() + timeoutSeconds * 1000;
  do {
    try {
      const reply = await fetch(`http://${instance}/hostname.txt`, {
        signal: AbortSignal.timeout(pauseMs * 4),
      });
      if (reply.ok && (await reply.text()).trim() === instance) return true;
    } catch {
      // It doesn't answer yet.
    }
    await sleep(pauseMs);
  } while (Date.now() < end);
  return false;
}

class Burnin {
  readonly #session: Session;
  readonly #options: BurninOptions & { readonly debug: number; readonly reason: string | null };

  constructor(
    session: Session,
    options: BurninOptions & { readonly debug: number; readonly reason: string | null },
  ) {
    this.#session = session;
    this.#options = options;
  }

  async #inParallel(step: Step): Promise<void> {
    const jobs = new JobExecutor(this.#session, this.#options);
    for (const { instance, opcodes } of step.tasks) jobs.queue(instance, ...opcodes);
    const outcomes = await jobs.results();
    const failed = step.tasks.filter((_, index) => outcomes[index]?.success !== true);
    if (failed.length > 0)
      throw executionFailure(`Jobs failed: ${failed.map(({ instance }) => instance).join(', ')}`);
  }

  async #inTurn(step: Step): Promise<void> {
    for (const { instance, notes, opcodes } of step.tasks) {
      log(this.#session, `instance ${instance}`, 1);
      for (const note of notes) log(this.#session, note, 2);
      await submitAllAndWait(this.#session, opcodes, this.#options);
    }
  }

  /** @throws what the jobs ended with */
  async do(step: Step): Promise<void> {
    log(this.#session, step.title);
    for (let attempt = 1; ; attempt += 1) {
      try {
        await (this.#options.parallel ? this.#inParallel(step) : this.#inTurn(step));
        break;
      } catch (error) {
        if (!step.retry || attempt >= tries) throw error;
        log(
          this.#session,
          `${step.title} failed, try ${attempt} of ${tries}: ${(error as Error).message}`,
          1,
        );
      }
    }
    if (!step.check || !this.#options.http_check) return;
    for (const { instance } of step.tasks) {
      if (!(await answers(instance, this.#options.net_timeout)))
        throw executionFailure(`Instance ${instance} does not answer with its own name`);
    }
  }
}

/** The master's configuration daemon must answer everything that clients ask. */
async function checkConfd(session: Session): Promise<void> {
  log(session, 'Checking confd results');
  const { programPath } = await import('../../kit/programs.ts');
  const [master] = await queryConfigValues(session, ['master_node']);
  const [[address]] = (await queryNodes(session, [String(master)], ['pip'])) as [[string]];
  const result = await session.run([programPath('confd-client'), `--address=${address}`]);
  if (result.code !== 0)
    throw executionFailure(`Errors when contacting confd: ${result.stderr || result.stdout}`);
}

export const burnin: Command = command({
  arguments: [{ kind: 'unknown', min: 1, max: null } satisfies Argument],
  options: burninOptions,
  usage: '-o <os_name> [options...] <instance_name> ...',
  description: 'Does everything that a cluster can do with instances',
  run: async (session, options, instances) => {
    const facts = await factsOf(session, options);
    checkOptions(options, facts);
    const runner = new Burnin(session, options);
    log(session, 'Testing global parameters');
    let isFine = false;
    try {
      await runner.do(creation(options, facts, instances));
      for (const step of stepsOf(options, facts, instances)) await runner.do(step);
      if (options.do_confd_tests) await checkConfd(session);
      isFine = true;
    } catch (error) {
      session.warn(`Error detected: ${reportError(error).text}`);
    }
    if (!options.keep_instances) {
      try {
        await runner.do(removal(instances));
      } catch (error) {
        session.warn(`Note: error detected during instance remove: ${reportError(error).text}`);
        isFine = false;
      }
    }
    return isFine ? ExitCode.success : ExitCode.failure;
  },
});
