/**
 * From the written value of an option to its value: one converter for each option type. What a user got
 * wrong is an OptionError (usage and exit code 2), or a ParameterError for the key=value languages, which
 * Ganeti reports as a failed command (exit code 1).
 */
import { Failure, messageOf } from '../../kit/failure.ts';
import { parseUnit } from '../../kit/units.ts';
import { pythonRepr } from '../output/python-text.ts';
import { parseIdentified, parseKeyValues, parseSpecificationLists, unescapeAndSplit } from './key-values.ts';
import type { Option, OptionType } from './option.ts';

/** What is wrong with the command line; its message stands behind "<program>: error: ". */
export class OptionError extends Error {}

type Converter = (name: string, text: string, option: Option) => unknown;

function parseInteger(name: string, text: string): number {
  const trimmed = text.trim().replaceAll('_', '');
  const plain = /^[+-]?\d+$/.test(trimmed) && !/^[+-]?0\d/.test(trimmed) ? Number(trimmed) : undefined;
  const based =
    /^0[xX][\da-fA-F]+$/.test(trimmed) || /^0[bB][01]+$/.test(trimmed) ? Number(trimmed) : undefined;
  const octal = /^0[0-7]+$/.test(trimmed) ? Number.parseInt(trimmed, 8) : undefined;
  const value = plain ?? based ?? octal;
  if (value === undefined || !Number.isSafeInteger(value)) {
    throw new OptionError(`option ${name}: invalid integer value: ${pythonRepr(text)}`);
  }
  return value;
}

function parseDecimal(name: string, text: string): number {
  const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim()) ? Number(text) : Number.NaN;
  if (Number.isNaN(value)) {
    throw new OptionError(`option ${name}: invalid floating-point value: ${pythonRepr(text)}`);
  }
  return value;
}

function parseChoice(name: string, text: string, option: Option): unknown {
  const choices = option.choices ?? [];
  if (!choices.includes(text)) {
    const offered = choices.map((choice) => pythonRepr(choice)).join(', ');
    throw new OptionError(`option ${name}: invalid choice: ${pythonRepr(text)} (choose from ${offered})`);
  }
  return option.mapped === undefined ? text : option.mapped[text];
}

function parseSize(name: string, text: string): number {
  try {
    return parseUnit(text);
  } catch (error) {
    throw new OptionError(`option ${name}: ${messageOf(error)}`);
  }
}

function parseYesNo(text: string): boolean {
  const word = text.toLowerCase();
  if (word === 'no' || word === 'false') return false;
  if (word === 'yes' || word === 'true') return true;
  throw new Failure('ParameterError', [`Invalid boolean value '${word}'`]);
}

function parseJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new OptionError(`option ${name}: invalid JSON value: ${messageOf(error)}`);
  }
}

function parseFilterAction(text: string): unknown {
  const match = /^RATE_LIMIT\s+(\d+)/.exec(text);
  return match === null ? text : ['RATE_LIMIT', Number(match[1])];
}

const converters: Readonly<Record<OptionType, Converter>> = {
  string: (_name, text) => text,
  int: parseInteger,
  float: parseDecimal,
  choice: parseChoice,
  unit: parseSize,
  bool: (_name, text) => parseYesNo(text),
  list: (_name, text) => (text === '' ? [] : unescapeAndSplit(text)),
  keyval: (name, text) => parseKeyValues(name, text),
  keyprivateval: (name, text) => parseKeyValues(name, text),
  identkeyval: (name, text) => parseIdentified(name, text),
  multilistidentkeyval: (name, text) => parseSpecificationLists(name, text),
  maybefloat: (name, text) => (text.toLowerCase() === 'default' ? 'default' : parseDecimal(name, text)),
  json: (name, text) => parseJson(name, text),
  filteraction: (_name, text) => parseFilterAction(text),
};

/**
 * @param name the option as the user wrote it, for the message
 * @throws OptionError, or Failure ParameterError for the key=value types and yes/no
 */
export function convertValue(option: Option, name: string, text: string): unknown {
  return converters[option.type ?? 'string'](name, text, option);
}
