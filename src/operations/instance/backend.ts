/** Rules for back-end parameters that no single one of them can tell. */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import type { BackendParameters } from '../../model/params/backend.ts';

/** @param backend filled. @throws Failure OpPrereqError wrong_input */
export function requireSoundBackend({ minmem, maxmem, vcpus }: BackendParameters): void {
  if (minmem > maxmem) {
    throw prerequisiteFailure(
      `Minimum memory (${minmem}) must not be larger than maximum memory (${maxmem})`,
      ErrorCode.invalid,
    );
  }
  if (vcpus < 1)
    throw prerequisiteFailure(`Number of VCPUs must be at least 1, got ${vcpus}`, ErrorCode.invalid);
}
