/** Exit codes that scripts rely on (constants.EXIT_*). */
export const ExitCode = {
  success: 0,
  failure: 1,
  /** The command line could not be read. */
  usage: 2,
  /** The question was answered with no, in the commands that tell it from failure. */
  confirmation: 13,
  /** A listing was asked for a field that doesn't exist. */
  unknownField: 14,
} as const;
