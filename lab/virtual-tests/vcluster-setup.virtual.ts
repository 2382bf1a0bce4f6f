/** A virtual cluster as vcluster-setup makes it: the commands that it prints are run as they stand, and its scripts. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runChecked, runProcess } from '../../src/kit/process.ts';
import { programPath } from '../../src/kit/programs.ts';

describe('vcluster-setup', () => {
  let root: string;
  const network = `127.251.${process.pid % 250}`;
  const shell = async (line: string) =>
    (await runChecked(['bash', '-c', line], { timeoutMs: 120_000 })).stdout;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'gantry-vcluster-'));
  });
  after(async () => {
    await runProcess([join(root, 'stop-all')], { timeoutMs: 120_000 }).catch(() => {});
    await rm(root, { recursive: true, force: true });
  });

  test('what it prints makes a cluster, and its scripts work on all nodes', async () => {
    const setup = [
      programPath('vcluster-setup'),
      '-E',
      '-N',
      '-c',
      '2',
      '-i',
      '1',
      '-p',
      network,
      root,
    ] as const;
    const { stdout } = await runChecked(setup);
    const commands = /\nInitialize cluster:\n(.*)\n\nAdd node:\n(.*)$/s.exec(stdout);
    assert.ok(commands !== null, stdout);
    for (const command of commands.slice(1)) await shell(command);
    const nodes = await shell(`${root}/node1/cmd gnt-node list --no-headers -o name,role`);
    assert.match(nodes, /^node1 +M\nnode2 +C\n$/);
    assert.equal(await shell(`${root}/node2/cmd 'echo $GANETI_HOSTNAME; hostname >/dev/null'`), 'node2\n');
    assert.equal((await shell(`${root}/status-all`)).match(/^ganeti-noded runs$/gm)?.length, 2);
    await shell(`${root}/stop-all`);
    assert.doesNotMatch(await shell(`${root}/status-all`), / runs$/m);
    // Once more over what is there: nothing is lost.
    await runChecked(setup);
    await shell(`${root}/start-all`);
    assert.match(await shell(`${root}/node1/cmd gnt-cluster getmaster`), /^node1$/m);
  });
});
