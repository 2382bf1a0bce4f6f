/** The daemons of the node, and until when its certificates are good. */
import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { runningPid } from '../../kit/daemon.ts';
import type { Paths } from '../../kit/paths.ts';
import { ticksPerSecond } from '../collectors/cpu-load.ts';
import type { Metrics } from './exposition.ts';
import { isMaster } from './role.ts';
import type { Source, SourceContext } from './source.ts';

const pageBytes = 4096;
const millisecondsPerSecond = 1000;

export interface ProcessFigures {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  /** Seconds since the machine was booted. */
  readonly started: number;
}

/** From /proc/<pid>/stat (proc(5): fields 14, 15, 22 and 24). Pure. */
export function processFigures(text: string): ProcessFigures {
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  return {
    cpuSeconds: ((fields[11] ?? 0) + (fields[12] ?? 0)) / ticksPerSecond,
    started: (fields[19] ?? 0) / ticksPerSecond,
    residentBytes: (fields[21] ?? 0) * pageBytes,
  };
}

/**
 * Daemons that have a pid file, and those that belong here and have none. Which belong here is known by what they need:
 * the node daemon the cluster's certificate, the configuration daemon a copy of the configuration; the master daemon
 * belongs on the master.
 */
async function expected(paths: Paths): Promise<string[]> {
  return [
    ...(existsSync(paths.serverCertificate) ? ['ganeti-noded'] : []),
    ...(existsSync(paths.configFile) ? ['ganeti-confd'] : []),
    ...((await isMaster({ paths })) ? ['ganeti-masterd'] : []),
    'ganeti-mond',
  ];
}

async function daemons({ paths, world }: SourceContext, metrics: Metrics): Promise<void> {
  const files = await readdir(paths.runDir).catch(() => []);
  const noted = files.filter((file) => /^ganeti-[a-z]+\.pid$/.test(file)).map((file) => file.slice(0, -4));
  const booted = Number(/^btime (\d+)$/m.exec(await world.readText('/proc/stat'))?.[1] ?? Number.NaN);
  for (const daemon of new Set([...(await expected(paths)), ...noted].sort())) {
    const pid = runningPid(`${paths.runDir}/${daemon}.pid`, daemon);
    metrics.add('ganeti_daemon_up', pid === undefined ? 0 : 1, { daemon });
    const text = pid === undefined ? '' : await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    if (text === '') continue;
    const { cpuSeconds, residentBytes, started } = processFigures(text);
    metrics.add('ganeti_daemon_memory_bytes', residentBytes, { daemon });
    metrics.add('ganeti_daemon_cpu_seconds_total', cpuSeconds, { daemon });
    metrics.add('ganeti_daemon_start_time_seconds', booted + started, { daemon });
  }
}

async function certificates({ paths }: SourceContext, metrics: Metrics): Promise<void> {
  const files = {
    server: paths.serverCertificate,
    client: paths.clientCertificate,
    rapi: paths.rapiCertificate,
    spice: paths.spiceCertificate,
    'spice-ca': paths.spiceCaCertificate,
  };
  for (const [certificate, path] of Object.entries(files)) {
    const pem = await readFile(path, 'utf8').catch(() => '');
    const found = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/.exec(pem)?.[0];
    if (found === undefined) continue;
    const ends = Date.parse(new X509Certificate(found).validTo) / millisecondsPerSecond;
    metrics.add('ganeti_certificate_expiry_timestamp_seconds', ends, { certificate });
  }
}

export const daemonSource: Source = {
  name: 'daemons',
  async read(context, metrics) {
    await daemons(context, metrics);
    await certificates(context, metrics);
  },
};
