/** What a node says of itself; master and nodes of one cluster must agree on the protocol. */
import { configurationVersion } from '../model/configuration.ts';

/** Ganeti's numbering: changes with the version of config.data. */
export const protocolVersion = configurationVersion;

export { releaseVersion } from '../model/release.ts';
