/** Splits a line into words as a shell does with quotes and backslashes, and does nothing else. Pure. */
import { Failure } from '../../../kit/failure.ts';

/** @throws Failure HypervisorError when a quote isn't closed */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote: string | null = null;
  for (let i = 0; i < line.length; i += 1) {
    const c = line[i]!;
    if (quote === null && /\s/.test(c)) {
      if (word !== null) words.push(word);
      word = null;
    } else if (c === '\\' && quote !== "'" && i + 1 < line.length) {
      i += 1;
      const escaped: string = quote === '"' && !/["\\$`]/.test(line[i]!) ? `\\${line[i]}` : line[i]!;
      word = (word ?? '') + escaped;
    } else if (quote === c) {
      quote = null;
    } else if (quote === null && (c === '"' || c === "'")) {
      quote = c;
      word ??= '';
    } else {
      word = (word ?? '') + c;
    }
  }
  if (quote !== null)
    throw new Failure('HypervisorError', [`No closing quotation in ${JSON.stringify(line)}`]);
  if (word !== null) words.push(word);
  return words;
}
