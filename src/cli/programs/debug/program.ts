/** gnt-debug. */
import type { Program } from '../../command.ts';
import { metad, wconfd } from './daemons.ts';
import { delay, iallocator, locks, testOsparams } from './opcodes.ts';
import { submitJob } from './submit-job.ts';
import { testJobqueue } from './test-jobqueue.ts';

export const program: Program = {
  commands: {
    delay,
    iallocator,
    locks,
    metad,
    'submit-job': submitJob,
    'test-jobqueue': testJobqueue,
    'test-osparams': testOsparams,
    wconfd,
  },
  aliases: { allocator: 'iallocator' },
  defaultsFromEnvironment: [],
};
