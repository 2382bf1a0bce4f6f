/** The options of burnin. */
import * as o from '../options/index.ts';
import {
  choice,
  constant,
  flag,
  integer,
  negativeFlag,
  size,
  text,
  type ValuesOf,
} from '../optparse/option.ts';

/** What burnin can work on (burnin._SUPPORTED_DISK_TEMPLATES). */
const templates = ['blockdev', 'diskless', 'drbd', 'ext', 'file', 'plain', 'rbd', 'sharedfile', 'gluster'];

export const burninOptions = [
  text(['-o', '--os'], 'os', 'OS to use during burnin'),
  o.hypervisor,
  o.osParameters,
  text(['--disk-size'], 'disk_size', 'Disk size (determines disk count)', { default: '1G' }),
  text(['--disk-growth'], 'disk_growth', 'Disk growth', { default: '128m' }),
  size(['--mem-size'], 'mem_size', 'Memory size'),
  size(['--maxmem-size'], 'maxmem_size', 'Max Memory size', { default: 256 }),
  size(['--minmem-size'], 'minmem_size', 'Min Memory size', { default: 128 }),
  integer(['--vcpu-count'], 'vcpu_count', 'VCPU count', { default: 3 }),
  o.verbose,
  flag(['--ip-check'], 'ip_check', 'Check that the addresses of the instances are not in use'),
  flag(['--name-check'], 'name_check', 'Check that the names of the instances resolve'),
  o.earlyRelease,
  negativeFlag(['--no-replace1'], 'do_replace1', 'Skip disk replacement with the same secondary'),
  negativeFlag(['--no-replace2'], 'do_replace2', 'Skip disk replacement with a different secondary'),
  negativeFlag(['--no-failover'], 'do_failover', 'Skip instance failovers'),
  negativeFlag(['--no-migrate'], 'do_migrate', 'Skip instance live migration'),
  negativeFlag(['--no-move'], 'do_move', 'Skip instance moves'),
  negativeFlag(['--no-importexport'], 'do_importexport', 'Skip instance export/import'),
  negativeFlag(['--no-startstop'], 'do_startstop', 'Skip instance stop/start'),
  negativeFlag(['--no-reinstall'], 'do_reinstall', 'Skip instance reinstall'),
  negativeFlag(['--no-reboot'], 'do_reboot', 'Skip instance reboot'),
  negativeFlag(['--no-renamesame'], 'do_renamesame', 'Skip instance rename to same name'),
  text(['--reboot-types'], 'reboot_types', 'Specify the reboot types'),
  negativeFlag(['--no-activate-disks'], 'do_activate_disks', 'Skip disk activation/deactivation'),
  negativeFlag(['--no-add-disks'], 'do_addremove_disks', 'Skip disk addition/removal'),
  negativeFlag(['--no-add-nics'], 'do_addremove_nics', 'Skip NIC addition/removal'),
  constant(['--no-nics'], 'has_nics', 'No network interfaces', false),
  negativeFlag(['--no-confd'], 'do_confd_tests', 'Skip confd queries'),
  text(['--rename'], 'rename', 'Give one unused instance name which is taken to start the renaming sequence'),
  choice(['-t', '--disk-template'], 'disk_template', templates, 'Disk template', { default: 'drbd' }),
  text(
    ['-n', '--nodes'],
    'nodes',
    'Comma separated list of nodes to perform the burnin on (defaults to all nodes)',
  ),
  text(
    ['-I', '--iallocator'],
    'iallocator',
    'Perform the allocation using an iallocator instead of fixed node spread',
  ),
  flag(['-p', '--parallel'], 'parallel', 'Enable parallelization of some operations'),
  integer(['--net-timeout'], 'net_timeout', 'The instance check network timeout in seconds', {
    default: 15,
  }),
  flag(['-C', '--http-check'], 'http_check', 'Enable checking of instance status via http'),
  flag(['-K', '--keep-instances'], 'keep_instances', 'Leave instances on the cluster after burnin'),
] as const;

export type BurninOptions = ValuesOf<typeof burninOptions>;
