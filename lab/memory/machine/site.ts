/** Node calls about storage units, programs of the site and definitions, for nodes in memory. */
import { Failure } from '../../../src/kit/failure.ts';
import type { Handler } from './machine.ts';

/** What the program for power control of this site says, by command. */
const powerAnswers: Readonly<Record<string, string>> = {
  'power-status': '{"powered": true}',
  health: '[["PSU", "OK"], ["Fan", "CRITICAL"]]',
};

const definition = {
  path: '/srv/os',
  diagnose: '',
  variants: [],
  parameters: [],
  apiVersions: [20],
  trusted: true,
};

export const siteHandlers: Readonly<Record<string, Handler>> = {
  node_volumes: (machine) =>
    [...machine.volumes].map(([id, size]) => {
      const [vg, name] = JSON.parse(id) as [string, string];
      return { vg, name, size, device: '/dev/sda5' };
    }),
  storage_list: (
    machine,
    { type, folder, name }: { type: string; folder: string | null; name: string | null },
  ) => {
    const common = { size: 200_000, used: 100_000, free: 100_000, allocatable: true };
    if (folder !== null) return [{ ...common, name: name ?? folder }];
    if (type === 'lvm-vg') return ['xenvg', 'fast'].map((group) => ({ ...common, name: group }));
    return [{ ...common, name: '/dev/sda5', allocatable: machine.allocatable.has('/dev/sda5') }].filter(
      (unit) => name === null || unit.name === name,
    );
  },
  storage_modify: (machine, { name, allocatable }: { name: string; allocatable: boolean }) => {
    if (allocatable) machine.allocatable.add(name);
    else machine.allocatable.delete(name);
    return null;
  },
  storage_execute: (machine, { name }: { name: string }) => {
    machine.events.push(`repaired ${name}`);
    return null;
  },
  restricted_command: (machine, { command }: { command: string }) => {
    if (command !== 'uptime') throw new Failure('OpExecError', [`Executing command '${command}' failed`]);
    machine.events.push(`ran ${command}`);
    return 'up 3 days\n';
  },
  run_oob: (machine, { command, node }: { command: string; node: string }) => {
    if (node.startsWith('node9')) throw new Failure('OpExecError', ['the board does not answer']);
    machine.events.push(`${command} of ${node}`);
    return powerAnswers[command] ?? '';
  },
  set_watcher_pause: () => null,
  node_ensure_daemon: () => ({ wasRunning: false }),
  node_configure_ovs: (machine, { name, link }: { name: string; link: string | null }) => {
    const ports = machine.switches.get(name) ?? new Set();
    if (link !== null) ports.add(link);
    machine.switches.set(name, ports);
    return null;
  },
  node_remove_ovs: (
    machine,
    { name, link, keepSwitch }: { name: string; link: string | null; keepSwitch: boolean },
  ) => {
    if (link !== null) machine.switches.get(name)?.delete(link);
    if (!keepSwitch) machine.switches.delete(name);
    return null;
  },
  node_ovs_ports: (machine, { name }: { name: string }) => {
    const ports = machine.switches.get(name);
    return { ports: ports === undefined ? null : [...ports] };
  },
  node_powercycle: (machine) => {
    machine.events.push('restarted');
    return 'Reboot scheduled in 5 seconds';
  },
  upload_file_single: (machine, { path, content }: { path: string; content: string }) => {
    machine.files.set(path, content);
    return null;
  },
  os_diagnose: () => [
    { ...definition, name: 'good', valid: true },
    { ...definition, name: 'broken', valid: false, diagnose: 'nothing in it' },
    { ...definition, name: 'secret', valid: true },
  ],
  extstorage_diagnose: () => [
    { name: 'shelf', path: '/srv/shelf', valid: true, diagnose: '', parameters: [['shelf', 'Which']] },
  ],
};
