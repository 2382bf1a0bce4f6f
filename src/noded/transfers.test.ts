/** Ends of transfers as processes: started once, watched, stopped, cleared away. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pollUntil } from '../kit/clock.ts';
import { silentLog } from '../kit/log.ts';
import { makeSelfSignedCertificate } from '../noderpc/certificates.ts';
import { certificateIn } from '../noderpc/pem.ts';
import type { TransferSpec } from './transfer/spec.ts';
import { createTransfers, type Transfers } from './transfers.ts';

const folder = mkdtempSync(join(tmpdir(), 'gantry-transfers-'));
const at = (name: string) => join(folder, name);
const main = join(import.meta.dirname, 'transfer/main.ts');

describe('an end of a transfer', () => {
  let transfers: Transfers;
  let spec: TransferSpec;
  const port = async (name: string) => {
    const probe = async () => (await transfers.status(name))?.listen_port ?? undefined;
    return (await pollUntil(probe, { everyMs: 10, timeoutMs: 20_000 }))!;
  };
  const ended = async (name: string) => {
    const probe = async () => {
      const status = await transfers.status(name);
      return typeof status?.exit_status === 'number' ? status : undefined;
    };
    return (await pollUntil(probe, { everyMs: 10, timeoutMs: 20_000 }))!;
  };

  before(async () => {
    const pem = await makeSelfSignedCertificate({ commonName: 'ganeti.example.com' });
    writeFileSync(at('key'), pem);
    writeFileSync(at('source'), 'contents');
    transfers = createTransfers({
      paths: { importExportDir: at('run'), osLogDir: at('log') },
      log: silentLog,
      command: [process.execPath, main],
    });
    spec = {
      ...{ mode: 'import', keyFile: at('key'), certificateFile: at('key'), host: null, port: null },
      ...{ ipv6: false, compress: 'none', magic: 'magic', connectTimeout: 30 },
      peerCertificate: certificateIn(pem).toString(),
      io: { kind: 'file', path: at('dump') },
    };
  });
  after(() => rmSync(folder, { recursive: true }));

  test('is one process, however often it is started, and carries its data', async () => {
    await transfers.start('in', spec, at('in.log'));
    await transfers.start('in', spec, at('in.log'));
    const outgoing = { ...spec, mode: 'export', host: '127.0.0.1', port: await port('in') } as const;
    await transfers.start('out', { ...outgoing, io: { kind: 'file', path: at('source') } }, at('out.log'));
    assert.deepEqual([(await ended('in')).exit_status, (await ended('out')).exit_status], [0, 0]);
    assert.equal(readFileSync(at('dump'), 'utf8'), 'contents');
    assert.match(readFileSync(at('in.log'), 'utf8'), /import-export pid=\d+ INFO The import is done\n$/);
    for (const name of ['in', 'out', 'in', 'never']) await transfers.cleanUp(name);
    assert.deepEqual(readdirSync(at('run')), []);
    assert.equal(await transfers.status('in'), null);
  });

  test('stops when it is told, and says so', async () => {
    await transfers.start('stopped', spec, at('stopped.log'));
    await port('stopped');
    await transfers.abort('stopped');
    assert.equal((await ended('stopped')).error_message, 'Exited due to signal 15');
    await transfers.abort('never');
  });

  test('that was killed is told as ended, and one that runs goes with its state', async () => {
    await transfers.start('killed', spec, at('killed.log'));
    await port('killed');
    process.kill(Number(readFileSync(at('run/killed/pid'), 'utf8')), 'SIGKILL');
    assert.equal((await ended('killed')).error_message, 'The process has ended without a word');
    await transfers.start('running', spec, at('running.log'));
    await port('running');
    const pid = Number(readFileSync(at('run/running/pid'), 'utf8'));
    await transfers.cleanUp('running');
    const isGone = () => {
      try {
        return /\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
      } catch {
        return true;
      }
    };
    assert.ok(isGone());
  });
});
