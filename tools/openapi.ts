/**
 * Writes docs/openapi.json: the remote API as the daemon serves it at /3/openapi.json, for readers and for programs
 * that make clients.
 *
 *   node tools/openapi.ts
 */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { documentOf } from '../src/rapi/routes/additions.ts';
import { routes } from '../src/rapi/routes/table.ts';

export const openApiFile = resolve(import.meta.dirname, '..', 'docs', 'openapi.json');

export async function openApiText(): Promise<string> {
  return `${JSON.stringify(await documentOf(routes), null, 1)}\n`;
}

if (import.meta.main) {
  const text = await openApiText();
  writeFileSync(openApiFile, text);
  console.log(`docs/openapi.json: ${routes.length} operations, ${text.length} characters`);
}
