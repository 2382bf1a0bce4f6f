/** diskstats: /proc/diskstats as it is. Newer kernels have more columns, which Ganeti's format doesn't. */

const columns = [
  'readsNum',
  'mergedReads',
  'secRead',
  'timeRead',
  'writes',
  'mergedWrites',
  'secWritten',
  'timeWrite',
  'ios',
  'timeIO',
  'wIOmillis',
] as const;

export type DiskStatistics = {
  readonly major: number;
  readonly minor: number;
  readonly name: string;
} & Readonly<Record<(typeof columns)[number], number>>;

/** Times are milliseconds, sectors have 512 bytes. @throws RangeError for a text that isn't /proc/diskstats' */
export function parseDiskStatistics(text: string): DiskStatistics[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [major, minor, name = '', ...rest] = line.trim().split(/\s+/);
      const figures = rest.slice(0, columns.length).map(Number);
      const isWhole = /^\d+$/.test(major ?? '') && figures.length === columns.length;
      if (!isWhole || figures.some((figure) => !Number.isInteger(figure)))
        throw new RangeError(`/proc/diskstats: can't read '${line.trim()}'`);
      const named = Object.fromEntries(columns.map((column, index) => [column, figures[index]!]));
      return { major: Number(major), minor: Number(minor), name, ...named } as DiskStatistics;
    });
}
