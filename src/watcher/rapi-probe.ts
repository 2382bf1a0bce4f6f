/** Whether the remote API answers: asked for its version; that it wants a password is an answer too. */
import { request } from 'node:https';
import { isIPv6 } from 'node:net';
import { messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';

const port = 5080;
const patienceMs = 20_000;
/** constants.RAPI_VERSION. */
const version = 2;
const unauthorized = 401;

/** @throws Error when there is no connection, or no answer in time */
function ask(address: string): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const host = isIPv6(address) ? `[${address}]` : address;
    // Whose certificate it is says nothing here: the question is only whether somebody answers.
    const asked = request(`https://${host}:${port}/version`, {
      rejectUnauthorized: false,
      signal: AbortSignal.timeout(patienceMs),
    });
    asked.on('error', reject);
    asked.on('response', (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (piece: string) => {
        body += piece;
      });
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }));
    });
    asked.end();
  });
}

export async function rapiAnswers(address: string, log: Log): Promise<boolean> {
  try {
    const { status, body } = await ask(address);
    if (status === unauthorized) return true;
    if (status === 200) return Number(body) === version;
    log.warning(`RAPI error: status ${status}`);
  } catch (error) {
    log.warning(`RAPI error: ${messageOf(error)}`);
  }
  return false;
}
