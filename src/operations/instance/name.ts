/** The name that an instance is to have: as given, or as the resolver knows it (cmdlib CheckHostnameSane). */
import { answersTcp } from '../../kit/answers-tcp.ts';
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import { normalizedHostname, resolveHost } from '../../kit/resolve.ts';
import type { PlanContext } from '../operation.ts';

/** Where a machine that answers at all answers or refuses: the node daemon's port. */
const probePort = 1811;

export interface NameRequest {
  readonly name: string;
  /** It has to resolve. */
  readonly nameCheck: boolean;
  /** Its address must not answer. */
  readonly ipCheck: boolean;
}

export interface CheckedName {
  readonly name: string;
  /** What it resolves to; undefined when that was not asked for. */
  readonly address: string | undefined;
}

/** @throws Failure OpPrereqError wrong_input, resolver_error, resource_not_unique */
export async function checkedName(context: PlanContext, request: NameRequest): Promise<CheckedName> {
  const { name, nameCheck, ipCheck } = request;
  if (!nameCheck) return { name: normalizedHostname(name), address: undefined };
  const family = context.configuration.cluster.primary_ip_family === 10 ? 6 : 4;
  const host = await resolveHost(name, context.paths.etcHosts, family);
  const given = normalizedHostname(name);
  if (host.name !== given && !host.name.startsWith(`${given}.`)) {
    throw prerequisiteFailure(
      `Resolved hostname '${host.name}' does not look the same as given hostname '${name}'`,
      ErrorCode.invalid,
    );
  }
  if (host.name !== given) context.info(`Resolved given name '${name}' to '${host.name}'`);
  if (ipCheck && (await answersTcp(host.ip, probePort))) {
    throw prerequisiteFailure(`IP ${host.ip} of instance ${host.name} already in use`, ErrorCode.notUnique);
  }
  return { name: host.name, address: host.ip };
}
