/** Words as a POSIX shell reads and writes them. */
import { ErrorCode, prerequisiteFailure } from './failure.ts';

const plainWord = /^[-.,=:/_+@A-Za-z0-9]+$/;

/** A word that the shell reads back unchanged (utils.ShellQuote). */
export function quoteWord(word: string): string {
  return plainWord.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

export function quoteWords(words: readonly string[]): string {
  return words.map(quoteWord).join(' ');
}

const token = /\s*(?:"((?:[^"\\]|\\[\s\S])*)"|'([^']*)'|\\([\s\S])|([^\s"'\\]+)|(["']))/y;

/**
 * The words of a text (shlex.split).
 * @throws Failure OpPrereqError wrong_input for a quotation that doesn't end
 */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let position = 0;
  while (position < text.length) {
    token.lastIndex = position;
    const match = token.exec(text);
    if (match === null) break;
    if (match[5] !== undefined) {
      throw prerequisiteFailure(`No closing quotation in '${text}'`, ErrorCode.invalid);
    }
    if (word !== undefined && /^\s/.test(match[0])) {
      words.push(word);
      word = undefined;
    }
    const quoted = match[1]?.replace(/\\(["\\])/g, '$1');
    word = (word ?? '') + (quoted ?? match[2] ?? match[3] ?? match[4] ?? '');
    position = token.lastIndex;
  }
  if (word !== undefined) words.push(word);
  return words;
}
