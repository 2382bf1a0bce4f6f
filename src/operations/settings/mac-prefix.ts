/** The first three bytes of generated MAC addresses (utils.NormalizeAndValidateThreeOctetMacPrefix). */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';

/** In lower case. @throws Failure OpPrereqError wrong_input */
export function macPrefixOf(text: string): string {
  const prefix = text.toLowerCase();
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){2}$/.test(prefix))
    throw prerequisiteFailure(`Invalid MAC address prefix '${text}'`, ErrorCode.invalid);
  return prefix;
}
