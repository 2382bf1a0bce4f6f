/**
 * Nodes lose their power at the steps of what is being done with a mirrored instance: while one is made, while it gets
 * other storage, while its guest moves. The master is stopped as soon as the step stands in its journal, the plug is
 * pulled, the master goes on. The job ends and names the node; the nodes that live keep nothing of it; no lock is
 * held; the guest runs where it ran, with what it wrote. When the node is back what it had kept goes by itself, its
 * mirrors are filled, and `gnt-cluster verify` finds nothing. A guest that was on the lost node is begun anew on the
 * other one, and stays there when the lost one joins again.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { BadLuck } from '../harness/bad-luck.ts';
import { inGuest, uptimeOf, waitForGuest } from '../harness/guest-shell.ts';
import { fullName, UmlCluster } from '../harness/uml-cluster.ts';

type Name = 'node1' | 'node2' | 'node3';
/** A step and which one of its name, or the copying of the mirror that stands on the node. */
type Moment = readonly [step: string, which: number] | 'copying' | 'memory transfer';

const nodes = ['node1', 'node2', 'node3'] as const;
const cluster = new UmlCluster('nodeloss');
const { lab } = cluster;
const luck = new BadLuck(cluster, nodes);
const web = fullName('web1');
const whole = /cs:Connected ro:Primary\/Secondary ds:UpToDate\/UpToDate/;
/** KiB a second: the guest's 64 MiB take eight seconds. */
const copyRate = 8192;

/** Steps at which the same kind of thing happens as at others are left out, unless this is set. */
const everyStep = process.env.GANTRY_LAB_EVERY_STEP === '1';
const chosen = <T>(usual: readonly T[], more: readonly T[]) => (everyStep ? [...usual, ...more] : usual);

const told = (moment: Moment) => (typeof moment === 'string' ? moment : moment.join(' '));
const sumInGuest = (node: Name) => inGuest(lab, node, web, 'md5sum </data');
const isWhole = (node: Name) => luck.waitForText(node, ['cat', '/proc/drbd'], whole);
const bandwidth = (mebibytes: number) =>
  cluster.run('gnt-cluster', 'modify', '-H', `kvm:migration_bandwidth=${mebibytes}`);

/** Submits the job and pulls the plug at the moment. @returns what is known of the job at its end */
async function loses(node: Name, moment: Moment, status: RegExp, ...command: readonly string[]) {
  const began = Date.now();
  let job: string;
  if (typeof moment === 'string') {
    job = await luck.submit(...command);
    if (moment === 'copying') {
      const survivor = node === 'node1' ? 'node2' : 'node1';
      await luck.waitForText(survivor, ['cat', '/proc/drbd'], /sync'ed/);
    } else {
      await luck.waitForText('node1', ['gnt-job', 'info', job], /starting memory transfer/);
    }
    await lab.kill(node);
  } else {
    job = await luck.atStep(moment, () => lab.kill(node), ...command);
  }
  const info = await luck.ended(job, status);
  assert.match(info, new RegExp(fullName(node)), 'the node is named');
  await luck.isUnlocked();
  process.stdout.write(`# ${told(moment)}: ${(Date.now() - began) / 1000} s until the end of the job\n`);
  return info;
}

/** The node boots, what was left there goes, and its mirrors are filled. */
async function returns(node: Name, guestAt: Name, before: readonly string[][]): Promise<void> {
  await lab.start(node);
  const listed = ['gnt-node', 'list', '--no-headers', '-o', 'dfree', fullName(node)];
  await luck.waitForText('node1', listed, /\d/);
  await cluster.run('gnt-cluster', 'verify-disks');
  await luck.isStorage(before);
  await isWhole(guestAt);
  await cluster.isSound();
}

/** The guest runs here and has its other half there, whatever ran before. */
async function place(primary: Name, secondary: Name): Promise<void> {
  const has = async () => (await cluster.field('web1', 'pnode,snodes')).split(/\s+/);
  const replace = (node: Name) => cluster.run('gnt-instance', 'replace-disks', '-n', fullName(node), web);
  const [at, other] = await has();
  if (at !== fullName(primary)) {
    if (other !== fullName(primary)) await replace(primary);
    await bandwidth(32);
    await cluster.run('gnt-instance', 'migrate', '-f', web);
  }
  if ((await has())[1] !== fullName(secondary)) await replace(secondary);
  assert.deepEqual(await has(), [primary, secondary].map(fullName));
}

const living = (before: readonly string[][], lost: Name) => before.filter(([node]) => node !== lost);

describe('nodes lose their power', () => {
  before(async () => {
    await cluster.up();
    await cluster.addInstance('web1', 'drbd', 'node1:node2');
    await waitForGuest(lab, 'node1', web);
    await inGuest(lab, 'node1', web, 'dd if=/dev/urandom of=/data bs=64k count=32 2>/dev/null; sync');
    await cluster.run(
      ...['gnt-cluster', 'modify', '-D', `drbd:resync-rate=${copyRate},dynamic-resync=False`],
    );
  });
  after(() => cluster.down());
  afterEach(() => luck.isUnlocked());

  /** What the guest is before, and afterwards still: the same boot with the same data at the same place. */
  async function guestStays(at: Name, work: () => Promise<void>): Promise<void> {
    const [sum, uptime] = [await sumInGuest(at), await uptimeOf(lab, at, web)];
    await work();
    assert.ok((await uptimeOf(lab, at, web)) > uptime, 'the guest was not started anew');
    assert.equal(await sumInGuest(at), sum);
    assert.equal(await cluster.field('web1', 'pnode,status'), `${fullName(at)} running`);
  }

  describe('while an instance is made', () => {
    const add = [
      ...['gnt-instance', 'add', '-t', 'drbd', '-o', 'busybox+default', '-B', 'memory=96M,vcpus=1'],
      ...['--disk', '0:size=64M', '-n', `${fullName('node2')}:${fullName('node3')}`, fullName('new1')],
    ];
    const cases = chosen<readonly [Moment, Name]>(
      [
        [['create-volume', 1], 'node3'],
        [['activate-disks', 2], 'node2'],
        [['install-os', 1], 'node2'],
      ],
      [
        [['create-volume', 2], 'node2'],
        [['add-instance', 1], 'node3'],
        [['activate-disks', 1], 'node3'],
        [['start-instance', 1], 'node2'],
      ],
    );
    for (const [moment, lost] of cases) {
      test(`${told(moment)}: ${lost}`, async () => {
        const before = await luck.storage();
        await guestStays('node1', async () => {
          await loses(lost, moment, /error/, ...add);
          assert.doesNotMatch(await cluster.run('gnt-instance', 'list'), /new1/);
          await luck.isStorage(living(before, lost));
        });
        await returns(lost, 'node1', before);
      });
    }
  });

  describe('while a mirror gets another secondary', () => {
    const replace = ['gnt-instance', 'replace-disks', '-n', fullName('node3'), web];
    const cases = chosen<Moment>(
      [['leave-secondary', 1], 'copying'],
      [
        ['create-volume', 1],
        ['deactivate-disks', 1],
        ['change-objects', 1],
        ['meet-secondary', 1],
      ],
    );
    for (const moment of cases) {
      test(`${told(moment)}: the new one`, async () => {
        const before = await luck.storage();
        await guestStays('node1', async () => {
          await loses('node3', moment, /error/, ...replace);
          assert.equal(await cluster.field('web1', 'snodes'), fullName('node2'));
          await luck.isStorage(living(before, 'node3'));
          await isWhole('node1');
        });
        await returns('node3', 'node1', before);
      });
    }
  });

  describe('while the secondary gets new storage', () => {
    const replace = ['gnt-instance', 'replace-disks', '-s', web];
    const cases = chosen<Moment>([['swap-storage', 1]], [['create-volume', 2], 'copying']);
    for (const moment of cases) {
      test(told(moment), async () => {
        const before = await luck.storage();
        await guestStays('node1', async () => {
          await loses('node2', moment, /error/, ...replace);
          await luck.isStorage(living(before, 'node2'));
        });
        await returns('node2', 'node1', before);
      });
    }
  });

  test('the old secondary, while another takes its place: the new one does', async () => {
    await guestStays('node1', async () => {
      const replace = ['gnt-instance', 'replace-disks', '-n', fullName('node3'), web];
      const info = await loses('node2', ['deactivate-disks', 1], /success/, ...replace);
      assert.match(info, /Please cleanup this device manually/);
      assert.equal(await cluster.field('web1', 'snodes'), fullName('node3'));
      await isWhole('node1');
    });
    await lab.start('node2');
    await luck.waitForText(
      'node1',
      ['gnt-node', 'list', '--no-headers', '-o', 'dfree', fullName('node2')],
      /\d/,
    );
    const { stdout } = await cluster.tries('gnt-cluster', 'verify');
    assert.match(stdout, /node2\.lab\.example: volume xenvg\/\S+\.disk0_data is unknown/);
    assert.match(await cluster.run('gnt-cluster', 'repair', '-f'), /^Removed 2 of 2\.$/m);
    assert.deepEqual(await cluster.volumes('node2'), []);
    await cluster.isSound();
  });

  describe('while a guest moves', () => {
    const migrate = ['gnt-instance', 'migrate', '-f', web];
    before(async () => {
      await place('node3', 'node2');
      await bandwidth(1);
    });

    const ends = async (status: RegExp) => {
      assert.match(await cluster.field('web1', 'pnode,status'), status);
      for (const node of nodes) {
        const alive = (await lab.status()).some((state) => state.node === node && state.kind === 'up');
        if (!alive) continue;
        const count = (await lab.run(node, ['pgrep', '-c', 'qemu'])).stdout.trim();
        assert.equal(count, status.source.includes(node) ? '1' : '0', `guests on ${node}`);
      }
    };

    const calledOff = chosen<Moment>(
      [['connect-dual-primary', 1], ['accept-on-target', 1], 'memory transfer'],
      [
        ['share-disks', 1],
        ['transfer-guest', 1],
      ],
    );
    for (const moment of calledOff) {
      test(`${told(moment)}: its target`, async () => {
        const before = await luck.storage();
        await guestStays('node3', async () => {
          await loses('node2', moment, /error/, ...migrate);
          await ends(/^node3\S+ running/);
          await luck.isStorage(living(before, 'node2'));
        });
        await returns('node2', 'node3', before);
        await ends(/^node3\S+ running/);
      });
    }

    /** As docs/guide/nodes.md has it for a node that has died. */
    async function failsOver(from: Name, to: Name, sum: string): Promise<void> {
      await cluster.run('gnt-node', 'modify', '--offline=yes', '--auto-promote', fullName(from));
      await cluster.run('gnt-node', 'failover', '-f', fullName(from));
      await waitForGuest(lab, to, web);
      assert.equal(await sumInGuest(to), sum);
      await ends(new RegExp(`^${to}\\S+ running`));
    }
    async function joinsAgain(node: Name, guestAt: Name, before: readonly string[][]): Promise<void> {
      await lab.start(node);
      await cluster.addNode(Number(node.slice(-1)), '--readd');
      await cluster.run('gnt-cluster', 'verify-disks');
      await luck.isTakenBack();
      await luck.isStorage(before);
      await isWhole(guestAt);
      await cluster.isSound();
      await ends(new RegExp(`^${guestAt}\\S+ running`));
    }

    test('the target, when the guest has arrived there', async () => {
      await place('node3', 'node2');
      const [before, sum] = [await luck.storage(), await sumInGuest('node3')];
      await bandwidth(32);
      await loses('node2', ['complete-move', 1], /error|success/, ...migrate);
      await failsOver('node2', 'node3', sum);
      await joinsAgain('node2', 'node3', before);
    });

    const died = chosen<Moment>(['memory transfer'], [['connect-dual-primary', 1]]);
    for (const moment of died) {
      test(`${told(moment)}: its source`, async () => {
        await place('node3', 'node2');
        const [before, sum] = [await luck.storage(), await sumInGuest('node3')];
        await bandwidth(1);
        await loses('node3', moment, /error/, ...migrate);
        await ends(/^node3\S+ ERROR_nodedown/);
        await failsOver('node3', 'node2', sum);
        await joinsAgain('node3', 'node2', before);
      });
    }

    test('the source, when the guest has left it', async () => {
      await place('node3', 'node2');
      const [before, sum] = [await luck.storage(), await sumInGuest('node3')];
      const uptime = await uptimeOf(lab, 'node3', web);
      await bandwidth(32);
      await loses('node3', ['complete-move', 1], /error|success/, ...migrate);
      await ends(/^node2\S+ running/);
      await returns('node3', 'node2', before);
      await luck.isTakenBack();
      await isWhole('node2');
      assert.ok((await uptimeOf(lab, 'node2', web)) > uptime, 'the guest was not started anew');
      assert.equal(await sumInGuest('node2'), sum);
    });
  });

  test('the secondary, while the primary gets new storage: the guest keeps what it has', async () => {
    await place('node2', 'node3');
    const before = await luck.storage();
    await guestStays('node2', async () => {
      const replace = ['gnt-instance', 'replace-disks', '-p', web];
      await loses('node3', ['swap-storage', 1], /error/, ...replace);
      await luck.isStorage(living(before, 'node3'));
    });
    await returns('node3', 'node2', before);
  });
});
