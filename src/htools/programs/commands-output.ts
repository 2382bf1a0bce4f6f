/** Where the commands of a plan go: to the screen, or into a script (-C). */
import { linesOf } from '../load/scan.ts';
import { writeTextFile } from './files.ts';
import type { Options } from './options.ts';
import type { ProgramContext } from './program.ts';

const scriptHead = `#!/bin/sh

# Auto-generated script for executing cluster rebalancing

# To stop, touch the file /tmp/stop-htools

set -e

check() {
  if [ -f /tmp/stop-htools ]; then
    echo 'Stop requested, exiting'
    exit 0
  fi
}

`;

export function maybeSaveCommands(
  context: ProgramContext,
  options: Options,
  message: string,
  commands: string,
): void {
  if (options.commandsFile === undefined) return;
  if (options.commandsFile === '-') {
    const lines = linesOf(commands).filter((line) => line !== '  check');
    context.out(`\n${message}\n${lines.map((line) => `  ${line}\n`).join('')}`);
    return;
  }
  writeTextFile(options.commandsFile, scriptHead + commands);
  context.out(`The commands have been written to file '${options.commandsFile}'\n`);
}
