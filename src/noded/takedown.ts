/**
 * gantry-node-takedown: ends every guest and takes down every mirror on this node. For a node that the cluster has
 * given up while it went on: what it still runs, another node may have taken over. Started by the watcher when the
 * cluster's candidates say so (nodemaint.NodeMaintenance); asks nobody, since a node that is offline is told nothing.
 */
import { readFile } from 'node:fs/promises';
import { createHypervisorDrivers, type HypervisorDrivers } from '../hypervisors/catalog.ts';
import type { Guest } from '../hypervisors/contract.ts';
import { messageOf } from '../kit/failure.ts';
import { openDaemonLog } from '../kit/log-file.ts';
import { pathsFor } from '../kit/paths.ts';
import { createStorageDrivers, type StorageDrivers } from '../storage/catalog.ts';
import { createStorageHost } from '../storage/host.ts';

const program = 'gantry-node-takedown';

/** Lines of an ssconf file; none when it isn't there. */
async function ssconf(dataDir: string, name: string): Promise<string[]> {
  const text = await readFile(`${dataDir}/ssconf_${name}`, 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '');
}

/** A guest of which nothing is known but that it runs. */
function unknownGuest(name: string, hvparams: Guest['hvparams']): Guest {
  return {
    uuid: '',
    name,
    hvparams,
    beparams: {},
    disks: [],
    nics: [],
    networkPort: null,
    tags: [],
    primaryNode: '',
    uidPool: [],
    clusterName: '',
  };
}

/** Says what is done and what can't be. */
interface Report {
  readonly say: (text: string) => void;
  readonly fault: (text: string) => void;
}

/** Each hypervisor of the cluster, with its parameters as ssconf has them: `name=value` a line. */
export async function endGuests(
  hypervisors: HypervisorDrivers,
  dataDir: string,
  { say, fault }: Report,
): Promise<void> {
  for (const hypervisor of await ssconf(dataDir, 'hypervisor_list')) {
    try {
      const lines = await ssconf(dataDir, `hvparams_${hypervisor}`);
      const hvparams = Object.fromEntries(
        lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
      );
      const driver = await hypervisors.driver(hypervisor);
      for (const { name } of await driver.list(hvparams)) {
        say(`Instance ${name} should not be running, shutting it down`);
        const guest = unknownGuest(name, hvparams);
        await driver.stop(guest, 0);
        await driver.cleanUp(guest);
      }
    } catch (error) {
      fault(`Guests of ${hypervisor}: ${messageOf(error)}`);
    }
  }
}

async function endMirrors(storage: StorageDrivers, { say, fault }: Report): Promise<void> {
  try {
    const driver = await storage.mirroring(storage.mirroringTemplate);
    for (const minor of await driver.usedMinors()) {
      say(`DRBD minor ${minor} should not be active, shutting it down`);
      await driver.forceDown(minor);
    }
  } catch (error) {
    fault(`Mirrors: ${messageOf(error)}`);
  }
}

async function main(): Promise<number> {
  const paths = pathsFor();
  const { log } = openDaemonLog(program, `${paths.logDir}/node-daemon.log`);
  let faults = 0;
  const report: Report = {
    say: (text) => {
      log.warning(text);
      process.stdout.write(`${text}\n`);
    },
    fault: (text) => {
      faults += 1;
      log.error(text);
      process.stderr.write(`${text}\n`);
    },
  };
  const host = createStorageHost(paths, log);
  await endGuests(createHypervisorDrivers({ paths, log }), paths.dataDir, report);
  // A node that never had the module loaded has no mirrors.
  if ((await host.readText('/proc/drbd')) !== undefined) await endMirrors(createStorageDrivers(host), report);
  return faults === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main();
