/** Reading a URL as the tools do: no check of the certificate, names and passwords in the URL, one minute. */
import { isIP, type LookupFunction } from 'node:net';
import { pathsFor } from '../../kit/paths.ts';
import { parseHosts } from '../../kit/resolve.ts';
import { DataError } from '../load/data-error.ts';
import { readText } from './files.ts';

const timeoutMs = 60_000;

/** Names of the errors that users know from these tools. */
const errorNames: Readonly<Record<string, string>> = {
  ENOTFOUND: 'CurlCouldntResolveHost',
  EAI_AGAIN: 'CurlCouldntResolveHost',
  ECONNREFUSED: 'CurlCouldntConnect',
  EHOSTUNREACH: 'CurlCouldntConnect',
  ENETUNREACH: 'CurlCouldntConnect',
  ETIMEDOUT: 'CurlOperationTimeout',
  ERR_INVALID_URL: 'CurlUrlMalformat',
  ERR_INVALID_PROTOCOL: 'CurlUnsupportedProtocol',
  EPROTO: 'CurlSSLConnectError',
  ECONNRESET: 'CurlRecvError',
};

/** Addresses by the node's own hosts file (a virtual node has one), else as the machine knows them. */
const lookup: LookupFunction = (name, options, done) => {
  let known: readonly string[] = [];
  try {
    const entries = parseHosts(readText(pathsFor().etcHosts));
    known = entries.filter(({ names }) => names.includes(name)).map(({ ip }) => ip);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
  }
  const [address] = known;
  if (address === undefined) void import('node:dns').then((dns) => dns.lookup(name, options, done));
  else if (options.all) done(null, [{ address, family: isIP(address) }]);
  else done(null, address, isIP(address));
};

async function get(address: string): Promise<string> {
  const url = new URL(address);
  // Loading these takes as long as all the rest of a tool, and few calls need them.
  const { request } = await (url.protocol === 'https:' ? import('node:https') : import('node:http'));
  return await new Promise((resolve, reject) => {
    const call = request(
      url,
      {
        lookup,
        rejectUnauthorized: false,
        signal: AbortSignal.timeout(timeoutMs),
        ...(url.username === ''
          ? {}
          : { auth: `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}` }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
        response.on('error', reject);
      },
    );
    call.on('error', reject);
    call.end();
  });
}

/** The body at a URL, whatever the status. Throws DataError when there is none. */
export async function fetchText(address: string): Promise<string> {
  try {
    return await get(/^[a-z]+:\/\//.test(address) ? address : `http://${address}`);
  } catch (error) {
    const { code = '', name } = error as NodeJS.ErrnoException;
    const shown =
      name === 'TimeoutError' ? 'CurlOperationTimeout' : (errorNames[code] ?? 'CurlCouldntConnect');
    const hidden = address.replace(/\/\/[^/@]*@/, '//');
    throw new DataError(`Curl error for '${hidden}', error ${shown}`, { cause: error });
  }
}
