/** What `--version` says: our own version, and the release of Ganeti whose surface the programs offer. */
export const ganetiRelease = '3.1.0';
export const ownVersion = 'gantry-0.1.0';
