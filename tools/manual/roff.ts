/** The few requests of roff that manual pages are made of. */

/** Text as roff has it: no line begins with a control character. */
export function plain(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/\s*\n\s*/g, ' ')
    .replace(/^([.'])/, '\\&$1');
}

export const paragraph = (text: string): string[] => ['.PP', plain(text)];
export const section = (title: string): string => `.SH "${title}"`;
