/** OP_OS_DIAGNOSE: which OS definitions the nodes have, as query results in Ganeti's old form. */

import { OsDiagnose } from '../../opcodes/os.ts';
import { runQuery } from '../../queries/run.ts';
import { operation } from '../operation.ts';

export const osDiagnose = operation({
  opcode: OsDiagnose,
  steps: [],
  locks: () => [],
  plan: async (op, context): Promise<unknown[][]> => {
    const { data } = await runQuery(
      'os',
      op.output_fields,
      op.names.length === 0 ? null : ['|', ...op.names.map((name) => ['=', 'name', name])],
      {
        configuration: context.configuration,
        nodes: context.nodes,
      },
    );
    return data.map((row) => row.map(([, value]) => value));
  },
  run: async (rows) => rows,
});
