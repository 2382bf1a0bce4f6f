/**
 * Interfaces on which a domain and its node talk (instance communication). Xen makes them, so their names on the node
 * are chosen before: they stand in the domain's file, its script vif-ganeti-metad gives them, and once the domain is
 * there the node's end is brought up: by /etc/ganeti/xen-ifup-os where the administrator has that, which offers the
 * address by DHCP too. A domain that arrives by migration brings its interface's name along and isn't connected again, nor is one that
 * reboots by itself; both is so in Ganeti too.
 */
import { access, constants, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { networkAbout } from '../../networks/catalog.ts';
import { connectCommunication } from '../../networks/communication.ts';
import { communicationNicPrefix, communicationPrefix, runNicScript } from '../../networks/script.ts';
import { freeTapName, interfaceNames } from '../../networks/tap.ts';
import type { DriverContext, Guest } from '../contract.ts';
import { isTalk } from './config.ts';

/** The name of the interface in its description. */
function nameIn(description: string): string | undefined {
  return /^INTERFACE_NAME='([^']*)'$/m.exec(description)?.[1];
}

/** Hands out the names; one owner for all domains of a node. */
export class TalkNames {
  readonly #folder: string;
  #busy: Promise<unknown> = Promise.resolve();

  /** @param folder where the interfaces of domains are described */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Names in descriptions of domains that may not be there yet. */
  async #described(): Promise<string[]> {
    const names: string[] = [];
    for (const guest of await readdir(this.#folder).catch(() => [])) {
      for (const file of await readdir(join(this.#folder, guest)).catch(() => [])) {
        const text = await readFile(join(this.#folder, guest, file), 'utf8').catch(() => '');
        const name = nameIn(text);
        if (name !== undefined) names.push(name);
      }
    }
    return names;
  }

  /** The guest with the names that its talks were given when it was started. */
  async recorded(guest: Guest): Promise<Guest> {
    const names = await Promise.all(
      guest.nics.map(async (nic, index) => {
        if (nic.name?.startsWith(communicationNicPrefix) !== true) return nic.name;
        const file = join(this.#folder, guest.name, String(index));
        return nameIn(await readFile(file, 'utf8').catch(() => '')) ?? nic.name;
      }),
    );
    return { ...guest, nics: guest.nics.map((nic, index) => ({ ...nic, name: names[index] ?? null })) };
  }

  /** The guest with names for its talks, after `write` has written them down: nobody else gets them. */
  async named(guest: Guest, write: (guest: Guest) => Promise<void>): Promise<Guest> {
    const turn = this.#busy.then(async () => {
      const taken = new Set([...(await interfaceNames()), ...(await this.#described())]);
      const nics = guest.nics.map((nic) => {
        if (nic.name?.startsWith(communicationNicPrefix) !== true) return nic;
        const name = freeTapName(communicationPrefix, taken);
        taken.add(name);
        return { ...nic, name };
      });
      const result = { ...guest, nics };
      await write(result);
      return result;
    });
    this.#busy = turn.catch(() => {});
    return await turn;
  }
}

/** Brings the node's ends up. @throws Failure HypervisorError */
export async function connectTalks(context: DriverContext, guest: Guest): Promise<void> {
  const script = join(context.paths.configDir, 'xen-ifup-os');
  const hasScript = await access(script, constants.X_OK).then(
    () => true,
    () => false,
  );
  for (const [index, nic] of guest.nics.entries()) {
    if (!isTalk(nic)) continue;
    const wish = { instance: guest.name, instanceTags: guest.tags, index, nic, device: nic.name };
    if (hasScript) await runNicScript(script, networkAbout(nic.mode), wish, 'up');
    else await connectCommunication(nic.name, nic);
  }
}
