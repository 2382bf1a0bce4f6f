/**
 * Breaks text into lines as Python's textwrap does, because `--help`, the command lists and questions are
 * laid out by it: whitespace collapses to single blanks, long words are cut, and a line may also end after
 * a hyphen inside a word ("file-storage" yes, "--force" no).
 */

const chunkPattern = new RegExp(
  [
    '(',
    '\\s+',
    '|(?<=[\\w!"\'&.,?])-{2,}(?=\\w)',
    '|\\S+?(?:-(?:(?<=[A-Za-z_]{2}-)|(?<=[A-Za-z_]-[A-Za-z_]-))(?=[A-Za-z_]-?[A-Za-z_])|(?=\\s|$)|(?<=[\\w!"\'&.,?])(?=-{2,}\\w))',
    ')',
  ].join(''),
);

interface WrapOptions {
  /** Blanks before every line but the first. */
  readonly indent?: string;
  /** Newlines and tabs inside the text stay as they are. */
  readonly keepWhitespace?: boolean;
}

/** One line from the front of `chunks` (which is reversed: its front is its end). */
function takeLine(chunks: string[], width: number, isFirst: boolean): string[] {
  if (!isFirst && chunks.at(-1)!.trim() === '') chunks.pop();
  const line: string[] = [];
  let length = 0;
  while (chunks.length > 0 && length + chunks.at(-1)!.length <= width) {
    length += chunks.at(-1)!.length;
    line.push(chunks.pop()!);
  }
  const next = chunks.at(-1);
  if (next !== undefined && next.length > width) {
    const room = width < 1 ? 1 : width - length;
    // A word that is too long for any line is cut, after a hyphen where it has one in reach.
    const hyphen = next.slice(0, room).lastIndexOf('-');
    const cut = hyphen > 0 && /[^-]/.test(next.slice(0, hyphen)) ? hyphen + 1 : room;
    line.push(next.slice(0, cut));
    chunks[chunks.length - 1] = next.slice(cut);
  }
  if (line.length > 0 && line.at(-1)!.trim() === '') line.pop();
  return line;
}

/** The lines of one paragraph, at most `width` characters each; none for an empty text. */
export function wrap(text: string, width: number, options: WrapOptions = {}): string[] {
  const flat = options.keepWhitespace ? text : text.replace(/\s/g, ' ');
  const chunks = flat
    .split(chunkPattern)
    .filter((chunk) => chunk !== '')
    .reverse();
  const lines: string[] = [];
  while (chunks.length > 0) {
    const indent = lines.length === 0 ? '' : (options.indent ?? '');
    const line = takeLine(chunks, width - indent.length, lines.length === 0);
    if (line.length > 0) lines.push(indent + line.join(''));
  }
  return lines;
}

/** The lines of a paragraph as one text. */
export function fill(text: string, width: number, options: WrapOptions = {}): string {
  return wrap(text, width, options).join('\n');
}
