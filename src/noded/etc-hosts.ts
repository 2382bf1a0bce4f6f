/** Lines of the hosts file. Everything that isn't about the node stays as the administrator wrote it. */

const fieldsOf = (line: string) => {
  const fields = line.trim().split(/\s+/);
  return fields[0] === '' || fields[0]!.startsWith('#') ? [] : fields;
};
const shortNameOf = (name: string) => name.split('.')[0]!;

/** Lines with their line ends; the last may have none. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** The text with the address meaning this host alone: its first line is replaced, others of it go. */
export function withHost(text: string, ip: string, host: string): string {
  const names = [...new Set([host, shortNameOf(host)])];
  const entry = `${ip}\t${names.join(' ')}\n`;
  let written = false;
  const kept = linesOf(text).map((line) => {
    if (fieldsOf(line)[0] !== ip) return line;
    if (written) return '';
    written = true;
    return entry;
  });
  const result = kept.join('');
  if (written) return result;
  return `${result}${result === '' || result.endsWith('\n') ? '' : '\n'}${entry}`;
}

/** The text without the host's full and short name; a line left without names goes. */
export function withoutHost(text: string, host: string): string {
  const gone = new Set([host, shortNameOf(host)]);
  return linesOf(text)
    .map((line) => {
      const [ip, ...names] = fieldsOf(line);
      if (!names.some((name) => gone.has(name))) return line;
      const left = names.filter((name) => !gone.has(name));
      return left.length === 0 ? '' : `${ip} ${left.join(' ')}\n`;
    })
    .join('');
}
