/** Rules of tags (objects.TaggableObject): what one may look like and how many an object may have. */
import { Failure } from '../kit/failure.ts';

/** Characters (constants.MAX_TAG_LEN). */
const longestTag = 128;
/** constants.MAX_TAGS_PER_OBJ. */
export const mostTags = 4096;

/** @throws Failure TagError saying what is wrong with the first tag that isn't one */
export function requireTags(tags: Iterable<string>): void {
  for (const tag of tags) {
    if (tag === '') throw new Failure('TagError', ['Tags cannot be empty']);
    if (tag.length > longestTag) throw new Failure('TagError', [`Tag too long (>${longestTag} characters)`]);
    if (!/^[\p{L}\p{N}_.+*/:@-]+$/u.test(tag))
      throw new Failure('TagError', ['Tag contains invalid characters']);
  }
}
