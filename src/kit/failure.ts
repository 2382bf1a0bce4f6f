/**
 * The one way to fail: every error that a user may see is a `Failure` of one of Ganeti's error
 * classes (errors.py), because LUXI, RAPI and the job files carry the class name and its arguments.
 */

/** Reason codes of OpPrereqError, shown as "error type: …" (errors.py, ECODE_*). */
export const ErrorCode = {
  resolver: 'resolver_error',
  resources: 'insufficient_resources',
  temporaryResources: 'temp_insufficient_resources',
  invalid: 'wrong_input',
  state: 'wrong_state',
  unknown: 'unknown_entity',
  exists: 'already_exists',
  notUnique: 'resource_not_unique',
  fault: 'internal_error',
  environment: 'environment_error',
} as const;
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/** Ganeti's error classes that travel over LUXI or stand in job files. */
export type ErrorClass =
  | 'GenericError'
  | 'OpPrereqError'
  | 'OpExecError'
  | 'OpResultError'
  | 'OpCodeUnknown'
  | 'JobLost'
  | 'JobFileCorrupted'
  | 'JobQueueFull'
  | 'JobQueueDrainError'
  | 'JobCanceled'
  | 'ConfigurationError'
  | 'ConfigVersionMismatch'
  | 'ReservationError'
  | 'ResolverError'
  | 'ParameterError'
  | 'ProgrammerError'
  | 'LockError'
  | 'HooksAbort'
  | 'HooksFailure'
  | 'HypervisorError'
  | 'HotplugError'
  | 'BlockDeviceError'
  | 'StorageError'
  | 'CommandError'
  | 'QueryFilterParseError'
  | 'FileStoragePathError'
  | 'InvalidOS'
  | 'UnitParseError'
  | 'TypeEnforcementError'
  | 'TagError'
  | 'X509CertError'
  | 'AddressPoolError'
  | 'LuxiError'
  | 'TimeoutError'
  | 'ProtocolError'
  | 'NoMasterError'
  | 'PermissionError'
  | 'RpcError';

export class Failure extends Error {
  readonly errorClass: ErrorClass;
  /** The class's constructor arguments as Ganeti encodes them; the first is the message. */
  readonly args: readonly unknown[];

  constructor(errorClass: ErrorClass, args: readonly unknown[], options?: { cause?: unknown }) {
    super(typeof args[0] === 'string' ? args[0] : JSON.stringify(args[0] ?? errorClass), options);
    this.name = errorClass;
    this.errorClass = errorClass;
    this.args = args;
  }

  /** The reason code of an OpPrereqError, undefined for other classes. */
  get code(): string | undefined {
    return this.errorClass === 'OpPrereqError' ? (this.args[1] as string | undefined) : undefined;
  }
}

/** A check before the operation began has failed: nothing was changed. */
export function prerequisiteFailure(message: string, code: ErrorCode, cause?: unknown): Failure {
  return new Failure('OpPrereqError', [message, code], { cause });
}

/** The operation failed while it ran. */
export function executionFailure(message: string, cause?: unknown): Failure {
  return new Failure('OpExecError', [message], { cause });
}

/** What Gantry doesn't do yet, said so that an administrator knows it isn't their mistake. */
export function notSupportedYet(what: string): Failure {
  return prerequisiteFailure(`${what} is not supported yet`, ErrorCode.invalid);
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** For a log or whoever looks for a fault: a failure says what it is; of anything else, where it happened counts. */
export function traceOf(error: unknown): string {
  if (error instanceof Failure || !(error instanceof Error)) return messageOf(error);
  return error.stack ?? error.message;
}

/** Ganeti's wire form of an exception: [class name, [arguments…]] (errors.EncodeException). */
export function encodeFailure(error: unknown): [string, unknown[]] {
  if (error instanceof Failure) return [error.errorClass, [...error.args]];
  return ['OpExecError', [messageOf(error)]];
}

/** The reverse of `encodeFailure`; anything unknown becomes a GenericError with the same arguments. */
export function decodeFailure(encoded: unknown): Failure {
  if (Array.isArray(encoded) && typeof encoded[0] === 'string' && Array.isArray(encoded[1])) {
    return new Failure(encoded[0] as ErrorClass, encoded[1] as unknown[]);
  }
  return new Failure('GenericError', [typeof encoded === 'string' ? encoded : JSON.stringify(encoded)]);
}

/** Marks the end of a `switch` over a union: the compiler proves that it can't be reached. */
export function assertNever(value: never): never {
  throw new Failure('ProgrammerError', [`unexpected value ${JSON.stringify(value)}`]);
}
