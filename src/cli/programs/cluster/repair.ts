/** gnt-cluster repair. Ganeti has no such command: what verify finds left over is taken away by hand there. */
import { ClusterRepair } from '../../../opcodes/cluster.ts';
import { command } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { opcodeOf } from '../../jobs/opcode.ts';
import { submitAndWait } from '../../jobs/submit.ts';
import * as o from '../../options/index.ts';
import type { Session } from '../../session.ts';

type Named = readonly (readonly [name: string, text: string])[];
interface Result {
  readonly remains: Named;
  readonly left: Named;
}

function tell(session: Session, title: string, list: Named): void {
  if (list.length === 0) return;
  session.print(title);
  session.printLines(list.map(([name, text]) => `  ${name}: ${text}`));
}

export const repair = command({
  arguments: [],
  options: [o.dryRun, o.force, o.priority],
  usage: '[--dry-run] [-f]',
  description: "Removes volumes, mirrors, addresses and ports that are provably nobody's",
  run: async (session, options) => {
    const look = opcodeOf(ClusterRepair, {});
    const found = (await submitAndWait(session, look, { ...options, dry_run: true })) as Result;
    tell(session, "Left over, and nobody's:", found.remains);
    tell(session, 'Without an owner, but left alone:', found.left);
    if (found.remains.length === 0) session.print('There is nothing to remove.');
    if (options.dry_run || found.remains.length === 0) return ExitCode.success;
    const question = "What is on the volumes is lost. Remove all that is nobody's?";
    if (!options.force && !session.ask(question)) return ExitCode.failure;
    const only = found.remains.map(([name]) => name);
    const done = (await submitAndWait(session, opcodeOf(ClusterRepair, { only }), options)) as Result;
    const gone = new Set(done.remains.map(([name]) => name));
    const kept = only.filter((name) => !gone.has(name));
    session.print(`Removed ${gone.size} of ${only.length}.`);
    return kept.length === 0 ? ExitCode.success : ExitCode.failure;
  },
});
