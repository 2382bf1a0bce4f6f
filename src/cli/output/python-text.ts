/** Values as Python prints them, and text that is safe on a terminal. */
export { pythonRepr, pythonText } from '../../kit/python-text.ts';

const escapes: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** Text that can do nothing to a terminal: everything but printable ASCII is escaped (utils.SafeEncode). */
export function safeText(text: string): string {
  return text.replace(/[^\x20-\x7e]/gu, (character) => {
    const code = character.codePointAt(0)!;
    if (code < 0x100) return escapes[character] ?? `\\x${code.toString(16).padStart(2, '0')}`;
    if (code < 0x10000) return `\\u${code.toString(16).padStart(4, '0')}`;
    return `\\U${code.toString(16).padStart(8, '0')}`;
  });
}
