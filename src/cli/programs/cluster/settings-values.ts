/** Values that `init` and `modify` read in the same way. */

const usualTools = ['gzip', 'gzip-fast', 'gzip-slow'];

/** Null while the option isn't given; an empty value goes back to what is usual. */
export function compressionTools(text: string | null): string[] | null {
  if (text === null) return null;
  return text === '' ? usualTools : text.split(',');
}
