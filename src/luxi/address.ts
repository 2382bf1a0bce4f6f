/** Which socket the programs of this node speak to. */
import type { Paths } from '../kit/paths.ts';

/**
 * The socket of the master daemon; FORCE_LUXI_SOCKET overrides it (man ganeti(7)): "master" and "query"
 * both mean the usual one, since one process serves both, anything else is a path.
 */
export function luxiAddress(
  paths: Paths,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const forced = env.FORCE_LUXI_SOCKET;
  if (forced === undefined || forced === '' || forced === 'master' || forced === 'query') {
    return paths.querySocket;
  }
  return forced;
}
