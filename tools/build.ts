/**
 * Bundles the programs into dist/: one file a family, so that a command starts in a few dozen
 * milliseconds. Run by `npm ci` (prepare) and by `./test`.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

/** Bundle name to its entry file. */
export const bundles: Readonly<Record<string, string>> = {
  cleaner: 'src/watcher/cleaner.ts',
  'node-takedown': 'src/noded/takedown.ts',
  gnt: 'src/cli/main.ts',
  burnin: 'src/cli/burnin/main.ts',
  htools: 'src/htools/programs/main.ts',
  masterd: 'src/masterd/main.ts',
  'allocator-worker': 'src/masterd/allocation/worker.ts',
  noded: 'src/noded/main.ts',
  'import-export': 'src/noded/transfer/main.ts',
  listrunner: 'src/cli/listrunner/main.ts',
  'move-instance': 'src/cli/move/main.ts',
  ovfconverter: 'src/cli/ovf/main.ts',
  'daemon-util': 'src/noded/daemon-util.ts',
  'node-setup': 'src/noded/setup.ts',
  'node-programs': 'src/noded/programs/main.ts',
  'master-programs': 'src/masterd/programs/main.ts',
  bootstrap: 'src/masterd/bootstrap/main.ts',
  watcher: 'src/watcher/main.ts',
  rapi: 'src/rapi/main.ts',
  confd: 'src/confd/main.ts',
  'confd-client': 'src/confd/test-client.ts',
  'query-config': 'src/confd/query-program.ts',
  monitoring: 'src/monitoring/main.ts',
  'mon-collector': 'src/monitoring/collect-program.ts',
  metadata: 'src/metadata/main.ts',
  kvmd: 'src/noded/kvmd.ts',
};

/**
 * Bundles that people wait for at every call: one CommonJS file each, which starts in two thirds of the time of
 * modules in chunks, and in which Node's own modules are loaded when they are needed.
 */
const quickBundles = ['gnt'];

if (import.meta.main) {
  const root = resolve(import.meta.dirname, '..');
  const present = Object.entries(bundles).filter(([, entry]) => existsSync(join(root, entry)));
  const quick = present.filter(([name]) => quickBundles.includes(name));
  const modules = present.filter(([name]) => !quickBundles.includes(name));
  await build({
    entryPoints: Object.fromEntries(modules.map(([name, entry]) => [name, join(root, entry)])),
    outdir: join(root, 'dist'),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    sourcemap: 'linked',
    minify: false,
    chunkNames: 'chunks/[name]-[hash]',
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  for (const [name, entry] of quick) {
    await build({
      entryPoints: [join(root, entry)],
      outfile: join(root, 'dist', `${name}.cjs`),
      bundle: true,
      format: 'cjs',
      platform: 'node',
      target: 'node24',
      sourcemap: 'linked',
      // The file is run and never imported.
      define: { 'import.meta.main': 'true', 'import.meta.dirname': '__dirname' },
      logLevel: 'warning',
    });
  }
  console.log(`build: ${present.length} programs`);
}
