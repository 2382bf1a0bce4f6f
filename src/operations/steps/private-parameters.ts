/**
 * The step that sets private OS parameters of the cluster. The step journal shows no secrets, so an undo
 * could not know what they were: it is the last thing that its operation does, in one commit.
 */
import * as z from 'zod';
import { step } from '../operation.ts';

const ByOs = z.record(z.string(), z.record(z.string(), z.string()));

export const setPrivateOsParameters = step({
  name: 'set-private-os-parameters',
  input: z.object({ osparams_private_cluster: ByOs }),
  run: async ({ config }, { osparams_private_cluster }) => {
    await config.change('private OS parameters', (draft) =>
      draft.changeCluster({ osparams_private_cluster }),
    );
  },
  undo: 'none',
});
