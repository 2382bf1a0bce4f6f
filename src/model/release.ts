/** The release that ssconf, `--version` and cluster information name: Ganeti's, whose surface this is. */

/** Ganeti's version that clients compare with. */
export const releaseVersion = '3.1.0';
