/** fmtjson: JSON on standard input, formatted and with sorted keys, on standard output. */
import { text } from 'node:stream/consumers';

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

export async function fmtjson(argv: readonly string[]): Promise<number> {
  if (argv.length > 0) {
    process.stderr.write(
      'Read JSON data from standard input and write a formatted version on standard output. There are no options or arguments.\n',
    );
    return 1;
  }
  process.stdout.write(`${JSON.stringify(sorted(JSON.parse(await text(process.stdin))), null, 2)}\n`);
  return 0;
}
