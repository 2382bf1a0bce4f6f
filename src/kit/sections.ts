/**
 * Files of sections in the form of Python's ConfigParser: config.ini of exports. Pure. A reader takes every option
 * name in lower case and unknown ones as they come, since exports of older releases have other fields.
 */
export type SectionValue = string | number | boolean | null | undefined;
export type Section = readonly (readonly [string, SectionValue])[];

function text(value: SectionValue): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return String(value).replaceAll('\n', '\n\t');
}

/** The text of a file in the form of Python's ConfigParser. */
export function formatSections(sections: readonly (readonly [string, Section])[]): string {
  return sections
    .map(([name, section]) => {
      const lines = section.map(([option, value]) => `${option.toLowerCase()} = ${text(value)}\n`);
      return `[${name}]\n${lines.join('')}\n`;
    })
    .join('');
}

/** Options by section, both in lower case as Python reads them. */
export type Sections = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Reads what Python's ConfigParser writes; lines that are neither section nor option are left out. */
export function parseSections(source: string): Sections {
  const sections = new Map<string, Map<string, string>>();
  let section: Map<string, string> | undefined;
  let last: string | undefined;
  for (const line of source.split('\n')) {
    const header = /^\[([^\]]+)\]\s*$/.exec(line);
    if (header !== null) {
      section = sections.get(header[1]!) ?? new Map<string, string>();
      sections.set(header[1]!, section);
      last = undefined;
      continue;
    }
    if (section === undefined || line.trim() === '' || /^[#;]/.test(line)) continue;
    if (/^\s/.test(line) && last !== undefined) {
      section.set(last, `${section.get(last)}\n${line.trim()}`);
      continue;
    }
    const option = /^([^=:]+?)\s*[=:]\s*(.*)$/.exec(line);
    if (option === null) continue;
    last = option[1]!.toLowerCase();
    section.set(last, option[2]!.trim());
  }
  return sections;
}
