/** Sizes as users write and read them (utils.ParseUnit and utils.FormatUnit); the inner unit is MiB. */
import { Failure } from './failure.ts';

const sizePattern = /^([.\d]+)\s*([a-zA-Z]+)?$/;
const factors: Readonly<Record<string, number>> = {
  m: 1,
  mb: 1,
  mib: 1,
  g: 1024,
  gb: 1024,
  gib: 1024,
  t: 1024 ** 2,
  tb: 1024 ** 2,
  tib: 1024 ** 2,
};

/**
 * MiB from "1024", "1.5g", "2T"; rounded up to a multiple of 4 as Ganeti does.
 * @throws Failure UnitParseError
 */
export function parseUnit(text: string): number {
  const match = sizePattern.exec(text.trim());
  if (match === null || Number.isNaN(Number(match[1]))) {
    throw new Failure('UnitParseError', ['Invalid format']);
  }
  const factor = match[2] === undefined ? 1 : factors[match[2].toLowerCase()];
  if (factor === undefined) throw new Failure('UnitParseError', [`Unknown unit: ${match[2]}`]);
  const value = Math.ceil(Number(match[1]) * factor - 1e-9);
  return value % 4 === 0 ? value : value + (4 - (value % 4));
}

export type UnitStyle = 'h' | 'm' | 'g' | 't';

/** One decimal; halves go to the even digit, as C's printf rounds them. */
function withOneDecimal(value: number): string {
  const tenths = value * 10;
  const below = Math.floor(tenths);
  const isHalf = tenths - below === 0.5;
  return isHalf ? ((below % 2 === 0 ? below : below + 1) / 10).toFixed(1) : value.toFixed(1);
}

/** "512M", "1.5G" for style h; a bare number in that unit for m, g and t. */
export function formatUnit(mebibytes: number, style: UnitStyle): string {
  const suffix = (letter: string) => (style === 'h' ? letter : '');
  if (style === 'm' || (style === 'h' && mebibytes < 1024)) return `${Math.round(mebibytes)}${suffix('M')}`;
  if (style === 'g' || (style === 'h' && mebibytes < 1024 ** 2))
    return `${withOneDecimal(mebibytes / 1024)}${suffix('G')}`;
  return `${withOneDecimal(mebibytes / 1024 ** 2)}${suffix('T')}`;
}
