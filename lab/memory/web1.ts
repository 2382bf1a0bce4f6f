/** The instance on which most operations are tried: mirrored between node1 and node2, running or not, and on a file. */
import { memoryInstance } from './cluster.ts';

export const name = 'web1.memory.example';
/** As requests name it. */
export const web1 = { instance_name: name };

export const running = memoryInstance(name);
export const stopped = memoryInstance(name, { state: 'down' });
export const onFile = memoryInstance(name, { state: 'down', template: 'file' });
/** Of a hypervisor with real guests. */
export const guest = memoryInstance(name, { hypervisor: 'kvm' });

export const withRunning = { instances: [running] };
export const withStopped = { instances: [stopped] };
export const withFile = { instances: [onFile] };
export const withGuest = { instances: [guest] };
