/**
 * A walk over the parameters of all opcodes: each is read by its operation. What is looked at is the text of the
 * operation's file and of those below src/operations that it imports, without other operations and steps.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { operations } from '../../src/operations/catalog.ts';

const folder = join(import.meta.dirname, '../../src/operations');

/** Parameters that Ganeti takes and makes nothing of: its clients send them. */
const withoutEffect: Readonly<Record<string, string>> = {
  'OP_NETWORK_REMOVE.force': 'LUNetworkRemove never looks at it; a connected network is refused in any case',
  'OP_NODE_ADD.primary_ip': 'LUNodeAdd puts the address of the name in its place',
};

/** Compared with the objects of that name by the runner, for all opcodes (expected-uuids.ts). */
const isExpectedUuid = (name: string) => /_uuids?$/.test(name);

const importsOf = (path: string, text: string) =>
  [...text.matchAll(/from '(\.[^']+)'/g)].map(([, name]) => resolve(dirname(path), name!));

const codeOf = (path: string) => readFileSync(path, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');

/** File of each operation, as the catalog imports them. */
async function homes(): Promise<Map<string, string>> {
  const catalog = join(folder, 'catalog.ts');
  const found = new Map<string, string>();
  for (const path of importsOf(catalog, codeOf(catalog))) {
    for (const value of Object.values((await import(path)) as object)) {
      const id = (value as { readonly opcode?: { readonly id: string } } | undefined)?.opcode?.id;
      if (id !== undefined) found.set(id, path);
    }
  }
  return found;
}

function textOf(home: string, others: ReadonlySet<string>): string {
  const seen = new Map<string, string>();
  const visit = (path: string) => {
    const isOther = path !== home && others.has(path);
    if (seen.has(path) || isOther || !path.startsWith(folder) || path.includes('/steps/')) return;
    const text = codeOf(path);
    seen.set(path, text);
    for (const name of importsOf(path, text)) visit(name);
  };
  visit(home);
  return [...seen.values()].join('\n');
}

function isRead(text: string, name: string): boolean {
  const direct = new RegExp(`\\bop\\.${name}\\b|'${name}'`);
  const takenApart = new RegExp(`\\{[^{}]*\\b${name}\\b[^{}]*\\}\\s*(=\\s*op\\b|:\\s*(Op|OpcodeOf)\\b)`);
  return direct.test(text) || takenApart.test(text);
}

test('every parameter of an opcode is read by its operation', async () => {
  const found = await homes();
  assert.deepEqual(new Set(found.keys()), new Set(operations.keys()));
  const others = new Set(found.values());
  const unread: string[] = [];
  let looked = 0;
  for (const [id, { opcode }] of operations) {
    const text = textOf(found.get(id)!, others);
    for (const name of Object.keys(opcode.params).filter((each) => !isExpectedUuid(each))) {
      looked += 1;
      if (!isRead(text, name)) unread.push(`${id}.${name}`);
    }
  }
  assert.ok(looked > 300, `only ${looked} parameters are looked at`);
  assert.deepEqual(unread.sort(), Object.keys(withoutEffect).sort());
});
