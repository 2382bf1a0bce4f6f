/** What docs/monitoring names must be there: every metric, and every label that an expression speaks of. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Family, families } from './families.ts';

const folder = join(import.meta.dirname, '..', '..', '..', 'docs', 'monitoring');
const read = (name: string) => readFileSync(join(folder, name), 'utf8');
/** Labels that Prometheus adds to each sample. */
const added = ['instance', 'job'];

function familyOf(name: string): Family | undefined {
  const known = families as Readonly<Record<string, Family>>;
  const base = name.replace(/_(bucket|sum|count)$/, '');
  return known[name] ?? (known[base]?.type === 'histogram' ? known[base] : undefined);
}

/** Every expression of a file. */
function expressions(name: string): string[] {
  const text = read(name);
  const found = name.endsWith('.json')
    ? [...text.matchAll(/"(?:expr|query)": "((?:[^"\\]|\\.)*)"/g)].map(
        ([, inside]) => JSON.parse(`"${inside}"`) as string,
      )
    : [...text.matchAll(/^\s*expr: (.*)$/gm)].map(([, inside]) => inside!);
  return found.filter((expression) => expression !== 'prometheus');
}

for (const name of ['alerts.yml', 'grafana-dashboard.json']) {
  test(`${name} names metrics and labels that there are`, () => {
    const all = expressions(name);
    assert.ok(all.length > 15, `${all.length} expressions`);
    for (const expression of all) {
      const names = [...expression.matchAll(/\bganeti_[a-z0-9_]+/g)].map(([metric]) => metric);
      assert.ok(names.length > 0 || /^up\{/.test(expression), expression);
      for (const metric of names) assert.ok(familyOf(metric), `${metric} in ${expression}`);
      for (const [, metric = '', inside = ''] of expression.matchAll(/\b(ganeti_[a-z0-9_]+)\{([^}]*)\}/g)) {
        for (const [, label = ''] of inside.matchAll(/([a-z_]+)\s*(?:=~|!~|!=|=)/g))
          assert.ok(
            [...(familyOf(metric)?.labels ?? []), ...added].includes(label),
            `${label} in ${expression}`,
          );
      }
    }
  });
}

test('words of the alerts are labels of what they are about', () => {
  const rules = read('alerts.yml')
    .split(/^\s*- alert: /m)
    .slice(1);
  assert.ok(rules.length > 15);
  for (const rule of rules) {
    const labels = [...rule.matchAll(/\bganeti_[a-z0-9_]+/g)].flatMap(
      ([metric]) => familyOf(metric)?.labels ?? [],
    );
    for (const [, label = ''] of rule.matchAll(/\$labels\.([a-z_]+)/g))
      assert.ok([...labels, ...added].includes(label), `${label} in ${rule}`);
  }
});

test('the dashboard shows most of what there is', () => {
  const shown = new Set(
    expressions('grafana-dashboard.json').flatMap((text) => text.match(/\bganeti_[a-z0-9_]+/g) ?? []),
  );
  assert.ok(shown.size > 25, [...shown].join(' '));
});
