/**
 * Tables of results that carry no field definitions: which columns are numbers or sizes is told here
 * (cli.GenerateTable).
 */
import { formatUnit, type UnitStyle } from '../../kit/units.ts';
import { pythonText } from './python-text.ts';
import { formatTable } from './table.ts';

export interface LegacyTable {
  readonly fields: readonly string[];
  /** Titles by field; null for no header. */
  readonly titles: Readonly<Record<string, string>> | null;
  readonly rows: readonly (readonly unknown[])[];
  readonly separator: string | null;
  /** Aligned to the right. */
  readonly numbers?: readonly string[];
  /** MiB. */
  readonly sizes?: readonly string[];
  readonly units?: string | null;
}

export function formatLegacyTable(table: LegacyTable): string[] {
  const { fields, titles, separator } = table;
  const units = (table.units ?? (separator ? 'm' : 'h')) as UnitStyle;
  const cell = (field: string, value: unknown) => {
    const isSize = table.sizes?.includes(field) ?? false;
    const size = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
    return isSize && typeof size === 'number' ? formatUnit(Math.trunc(size), units) : pythonText(value);
  };
  return formatTable(
    table.rows.map((row) => fields.map((field, index) => cell(field, row[index]))),
    fields.map((field) => ({
      title: titles?.[field] ?? field,
      alignRight: table.numbers?.includes(field) ?? false,
    })),
    { header: titles !== null, separator },
  );
}
