/** Roman numerals, for `--roman`. */
import { pythonText } from './python-text.ts';

const numerals: readonly (readonly [number, string])[] = [
  [1000, 'M'],
  [900, 'CM'],
  [500, 'D'],
  [400, 'CD'],
  [100, 'C'],
  [90, 'XC'],
  [50, 'L'],
  [40, 'XL'],
  [10, 'X'],
  [9, 'IX'],
  [5, 'V'],
  [4, 'IV'],
  [1, 'I'],
];
const largest = 4999;

/** "XIV" of a whole number from 1 to 4999 when `roman`; any other value as it is printed otherwise. */
export function maybeRoman(value: unknown, roman: boolean): string {
  if (!roman || typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > largest) {
    return pythonText(value);
  }
  let rest = value;
  let text = '';
  for (const [worth, numeral] of numerals) {
    while (rest >= worth) {
      text += numeral;
      rest -= worth;
    }
  }
  return text;
}
