/** Words as a POSIX shell reads and writes them; they belong to the kit, where drivers need them too. */
export { quoteWord, quoteWords, splitWords } from '../kit/shell-words.ts';
