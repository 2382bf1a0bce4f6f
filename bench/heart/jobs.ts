/**
 * No-op jobs through the whole path, over any master daemon's LUXI socket: submitted one by one, locked, run,
 * finished and durable. The job is a delay that waits nowhere and takes the cluster's lock.
 */
import { Failure } from '../../src/kit/failure.ts';
import { connectLuxi, type LuxiClient } from '../../src/luxi/client.ts';

const noOperation = { OP_ID: 'OP_TEST_DELAY', duration: 0.001, on_master: false, on_nodes: [], reason: [] };
const ended: readonly unknown[] = ['success', 'error', 'canceled'];

async function submit(client: LuxiClient): Promise<number> {
  return Number(await client.call('SubmitJob', [[noOperation]]));
}

async function waitForEnd(client: LuxiClient, id: number): Promise<void> {
  for (let seen: unknown = null; ; ) {
    const change = await client.call('WaitForJobChange', [id, ['status'], seen, null, 60]);
    if (change === 'nochange') continue;
    const [[status]] = change as [[unknown], unknown];
    if (status === 'success') return;
    if (ended.includes(status)) throw new Failure('GenericError', [`job ${id} ended as ${String(status)}`]);
    seen = [status];
  }
}

/** Milliseconds from submit to done, one job after the other. */
export async function latencies(socket: string, count: number): Promise<number[]> {
  const client = await connectLuxi(socket);
  const times: number[] = [];
  try {
    for (let run = 0; run < count; run += 1) {
      const begun = performance.now();
      await waitForEnd(client, await submit(client));
      times.push(performance.now() - begun);
    }
  } finally {
    client.close();
  }
  return times;
}

/** Jobs a second: each client submits its next job as soon as the last is taken, until the last has ended. */
export async function throughput(socket: string, count: number, clients: number): Promise<number> {
  const begun = performance.now();
  let next = 0;
  const one = async () => {
    const client = await connectLuxi(socket);
    try {
      let id = 0;
      while (next < count) {
        next += 1;
        id = await submit(client);
      }
      if (id > 0) await waitForEnd(client, id);
    } finally {
      client.close();
    }
  };
  await Promise.all(Array.from({ length: clients }, one));
  const client = await connectLuxi(socket);
  try {
    for (;;) {
      const rows = (await client.call('QueryJobs', [[], ['id', 'status']])) as [unknown, string][];
      const open = rows.find(([, status]) => !ended.includes(status));
      if (open === undefined) break;
      await waitForEnd(client, Number(open[0]));
    }
  } finally {
    client.close();
  }
  return (count / (performance.now() - begun)) * 1000;
}
