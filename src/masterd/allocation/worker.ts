/** The allocator in a thread of its own: a request of the iallocator protocol comes in, the response goes out. */
import { parentPort } from 'node:worker_threads';
import { answerRequest } from '../../htools/load/allocator.ts';
import { messageOf } from '../../kit/failure.ts';
import type { Answered, Asked } from './thread.ts';

const port = parentPort;
if (port === null) throw new Error('the allocator runs in a thread of the master daemon only');

port.on('message', ({ id, text, options, algorithm }: Asked) => {
  let answered: Answered;
  try {
    answered = { id, answer: answerRequest(text, options, algorithm) };
  } catch (error) {
    answered = { id, failure: messageOf(error) };
  }
  port.postMessage(answered);
});
