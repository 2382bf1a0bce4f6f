/** gnt-os. */
import type { Program } from '../../command.ts';
import { diagnose, list } from './diagnosis.ts';
import { info, modify } from './settings.ts';

export const program: Program = {
  commands: { diagnose, info, list, modify },
  aliases: { show: 'info' },
  defaultsFromEnvironment: [],
};
