/**
 * One node call from the command line, for scenarios that try a node daemon without a master: reads
 * {"directory", "name", "ip", "call", "argument"} from standard input, where `directory` holds server.pem
 * and client.pem, and prints {"value"} or {"failure": [class, message]}.
 */
import { text } from 'node:stream/consumers';
import { Failure } from '../../src/kit/failure.ts';
import { silentLog } from '../../src/kit/log.ts';
import type { NodeCall } from '../../src/noderpc/call.ts';
import * as diskCalls from '../../src/noderpc/calls/disk.ts';
import * as nodeCalls from '../../src/noderpc/calls/node.ts';
import * as verifyCalls from '../../src/noderpc/calls/verify.ts';
import { createNodeClient } from '../../src/noderpc/client.ts';

interface Request {
  readonly directory: string;
  readonly name: string;
  readonly ip: string;
  readonly call: string;
  readonly argument: unknown;
}

function callNamed(name: string): NodeCall {
  const all = Object.values({ ...diskCalls, ...nodeCalls, ...verifyCalls }) as unknown[];
  const found = all.find((entry) => (entry as NodeCall).name === name && 'deadline' in (entry as NodeCall));
  if (found === undefined) throw new Failure('ProgrammerError', [`no node call is named ${name}`]);
  return found as NodeCall;
}

const request = JSON.parse(await text(process.stdin)) as Request;
const { directory, name, ip } = request;
const client = createNodeClient({
  paths: {
    dataDir: directory,
    serverCertificate: `${directory}/server.pem`,
    clientCertificate: `${directory}/client.pem`,
  },
  address: () => ({ name, ip, port: 1811, offline: false }),
  log: silentLog,
});
try {
  const value = await client.call('node', callNamed(request.call), request.argument);
  process.stdout.write(JSON.stringify({ value }));
} catch (error) {
  const failure = error instanceof Failure ? error : new Failure('GenericError', [String(error)]);
  process.stdout.write(JSON.stringify({ failure: [failure.errorClass, failure.message] }));
} finally {
  await client.close();
}
