/** gnt-cluster. */
import type { Program } from '../../command.ts';
import { activateMasterIp, deactivateMasterIp, queue, searchTags, watcher } from './control.ts';
import { renewCrypto } from './crypto.ts';
import { getmaster, info, masterPing, showIspecsCmd, version } from './facts.ts';
import { init } from './init.ts';
import { destroy, masterFailover, redistConf, rename } from './life.ts';
import { modify } from './modify.ts';
import { epo } from './power.ts';
import { copyfile, runCommand } from './remote.ts';
import { repair } from './repair.ts';
import { addTags, listTags, removeTags } from './tags.ts';
import { upgrade } from './upgrade.ts';
import { repairDiskSizes, verify, verifyDisks } from './verify.ts';

export const program: Program = {
  commands: {
    'activate-master-ip': activateMasterIp,
    'add-tags': addTags,
    command: runCommand,
    copyfile,
    'deactivate-master-ip': deactivateMasterIp,
    destroy,
    epo,
    getmaster,
    info,
    init,
    'list-tags': listTags,
    'master-failover': masterFailover,
    'master-ping': masterPing,
    modify,
    queue,
    'redist-conf': redistConf,
    'remove-tags': removeTags,
    rename,
    'renew-crypto': renewCrypto,
    repair,
    'repair-disk-sizes': repairDiskSizes,
    'search-tags': searchTags,
    'show-ispecs-cmd': showIspecsCmd,
    upgrade,
    verify,
    'verify-disks': verifyDisks,
    version,
    watcher,
  },
  aliases: { masterfailover: 'master-failover', show: 'info' },
  defaultsFromEnvironment: [],
};
