/** `--non-live` and `--migration-mode` say the same thing; only one may be given. */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';

/** @throws Failure OpPrereqError wrong_input when both are given */
export function migrationModeOf(options: {
  readonly live: boolean;
  readonly migration_mode: string | null;
}): 'live' | 'non-live' | null {
  if (!options.live && options.migration_mode !== null) {
    throw prerequisiteFailure(
      'Only one of the --non-live and --migration-mode options can be passed',
      ErrorCode.invalid,
    );
  }
  return options.live ? (options.migration_mode as 'live' | 'non-live' | null) : 'non-live';
}
