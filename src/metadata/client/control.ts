/**
 * The control socket of the metadata daemon: requests and answers as on LUXI's socket, JSON texts that each end with the
 * byte 3, with the methods of Ganeti's metadata daemon and one of our own. Only root reaches the socket.
 */
import { connect } from 'node:net';
import { Failure, messageOf } from '../../kit/failure.ts';
import { frame, MessageCutter } from '../../kit/message-framing.ts';
import type { Paths } from '../../kit/paths.ts';

/** pathutils.METAD_SOCKET. */
export function controlSocket({ socketDir }: Pick<Paths, 'socketDir'>): string {
  return `${socketDir}/ganeti-metad`;
}

const uuidPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Where OS install packages lie, one an instance; the node daemon makes them. */
export function packageFolder({ runDir }: Pick<Paths, 'runDir'>): string {
  return `${runDir}/metad/packages`;
}

/** @throws Failure ParameterError for what is no uuid */
export function packageFile(paths: Pick<Paths, 'runDir'>, uuid: string): string {
  if (!uuidPattern.test(uuid)) throw new Failure('ParameterError', ['this is no uuid']);
  return `${packageFolder(paths)}/${uuid}.tgz`;
}

/** What an instance may know of itself; names are those of Ganeti's instance objects. */
export interface InstanceMetadata {
  readonly name: string;
  readonly uuid: string;
  readonly os: string;
  readonly nics: readonly {
    readonly name?: string | null;
    readonly ip?: string | null;
    readonly mac?: string;
  }[];
  readonly osparams: Readonly<Record<string, string>>;
  readonly osparams_private: Readonly<Record<string, string>>;
  /** Kept as it was when it isn't said. */
  readonly osparams_secret?: Readonly<Record<string, string>> | undefined;
}

/** NICs between instance and node (constants.INSTANCE_COMMUNICATION_NIC_PREFIX). */
export const communicationNicPrefix = 'ganeti:communication:';

/** The address under which the instance asks; undefined when it has no such NIC. */
export function communicationAddress(nics: InstanceMetadata['nics']): string | undefined {
  return nics.find(({ name }) => name?.startsWith(communicationNicPrefix))?.ip ?? undefined;
}

export interface ControlMethods {
  /** Gives back what it is given. */
  readonly echo: { readonly args: readonly [string]; readonly result: string };
  /** Takes what an instance may know, in place of what was known. */
  readonly updateConfig: { readonly args: readonly [InstanceMetadata]; readonly result: null };
  /** Forgets the instance of this uuid; not known: fine. Not one of Ganeti's. */
  readonly forgetInstance: { readonly args: readonly [string]; readonly result: null };
}

export const largestMessage = 4 * 1024 ** 2;
const answerMs = 10_000;

/**
 * @throws Failure TimeoutError when nobody answers, GenericError when nobody is there, or the daemon's refusal
 */
export function callMetadata<M extends keyof ControlMethods>(
  socketPath: string,
  method: M,
  args: ControlMethods[M]['args'],
): Promise<ControlMethods[M]['result']> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    const cutter = new MessageCutter(largestMessage);
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      socket.destroy();
      finish();
    };
    const fail = (error: Failure) => settle(() => reject(error));
    const timer = setTimeout(
      () => fail(new Failure('TimeoutError', ['The metadata daemon does not answer'])),
      answerMs,
    );
    socket.on('error', (error) =>
      fail(new Failure('GenericError', [`The metadata daemon can't be reached: ${error.message}`])),
    );
    socket.on('close', () =>
      fail(new Failure('GenericError', ['The metadata daemon closed the connection'])),
    );
    socket.on('connect', () => socket.write(frame({ method, args })));
    socket.on('data', (chunk: Buffer) => {
      try {
        const [text] = cutter.push(chunk);
        if (text === undefined) return;
        const { success, result } = JSON.parse(text) as { success?: boolean; result?: unknown };
        if (success === true) settle(() => resolve(result as ControlMethods[M]['result']));
        else fail(new Failure('GenericError', [`The metadata daemon refuses: ${JSON.stringify(result)}`]));
      } catch (error) {
        fail(
          new Failure('GenericError', [`The metadata daemon's answer can't be read: ${messageOf(error)}`]),
        );
      }
    });
  });
}
