/** What steers the searches: the command-line options that reach the solver, with their defaults. */

export interface AlgorithmOptions {
  readonly diskMoves: boolean;
  readonly instanceMoves: boolean;
  /** No move may pass an instance through a third node, except off a dead primary. */
  readonly restrictedMigration: boolean;
  readonly ignoreSoftErrors: boolean;
  /** Only instances on offline or drained nodes move. */
  readonly evacuate: boolean;
  /** Least gain of a step, once the score is below `minGainLimit`. */
  readonly minGain: number;
  readonly minGainLimit: number;
  /** Whether an allocation must keep each node evacuable (global N+1). */
  readonly capacityChecks: boolean;
  readonly capacityIgnoredGroups: readonly number[];
  /** Names of the only nodes to allocate on. */
  readonly restrictToNodes: readonly string[] | undefined;
  /** Nodes that are offline already may be impossible to evacuate. */
  readonly acceptExisting: boolean;
}

export const defaultAlgorithmOptions: AlgorithmOptions = {
  diskMoves: true,
  instanceMoves: true,
  restrictedMigration: false,
  ignoreSoftErrors: false,
  evacuate: false,
  minGain: 1e-2,
  minGainLimit: 1e-1,
  capacityChecks: true,
  capacityIgnoredGroups: [],
  restrictToNodes: undefined,
  acceptExisting: false,
};
