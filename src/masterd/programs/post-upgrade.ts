/**
 * post-upgrade VERSION: what has to happen once on the master after the programs have changed from that version.
 * Everything of a configuration is upgraded when it is read; keys that older versions did not keep are gathered here.
 */

import { pathsFor } from '../../kit/paths.ts';
import { readText } from '../../kit/ssh-keys.ts';
import { luxiAddress } from '../../luxi/address.ts';
import { connectLuxi } from '../../luxi/client.ts';

/** Since 2.13 the nodes have a key each, of which the master keeps a list. */
function hadNodeKeys(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 2 || (major === 2 && minor >= 13);
}

export async function postUpgrade(argv: readonly string[]): Promise<number> {
  const [version] = argv;
  if (version === undefined || argv.length !== 1 || !/^\d+\.\d+/.test(version)) {
    process.stderr.write('Usage: post-upgrade <old-version>\n');
    return 1;
  }
  const paths = pathsFor();
  if (hadNodeKeys(version) && (await readText(paths.sshPublicKeys)) !== undefined) return 0;
  const client = await connectLuxi(luxiAddress(paths));
  try {
    const [managesSsh] = (await client.call('QueryConfigValues', [['modify_ssh_setup']])) as [boolean];
    if (managesSsh) {
      process.stderr.write(
        "The nodes' SSH keys are not known: run 'gnt-cluster renew-crypto --new-ssh-keys' to give each node one\n",
      );
    }
  } finally {
    client.close();
  }
  return 0;
}
