/** The step that makes nodes master candidates, with their certificates. */
import * as z from 'zod';
import { step } from '../operation.ts';

/** Wanted in any case: the pool is kept full whatever the operation was about. */
export const promoteCandidates = step({
  name: 'promote-candidates',
  input: z.object({ promotions: z.array(z.object({ node: z.string(), digest: z.string() })) }),
  run: async ({ config }, { promotions }) => {
    await config.change('fill the candidate pool', (draft) => {
      const certificates = { ...draft.cluster.candidate_certs };
      for (const { node: uuid, digest } of promotions) {
        const node = draft.nodes.get(uuid);
        if (node === undefined || node.offline || node.drained) continue;
        draft.put('nodes', { ...node, master_candidate: true });
        certificates[uuid] = digest;
      }
      draft.changeCluster({ candidate_certs: certificates });
    });
  },
  undo: 'none',
});
