/** Every opcode by its id: the one list that clients, the job queue and RAPI read. */
import * as backup from './backup.ts';
import * as cluster from './cluster.ts';
import * as group from './group.ts';
import * as instance from './instance.ts';
import * as network from './network.ts';
import * as node from './node.ts';
import type { OpcodeDefinition } from './opcode.ts';
import * as os from './os.ts';
import * as query from './query.ts';
import * as tags from './tags.ts';
import * as test from './test.ts';

/** These files export opcodes and nothing else. */
const nouns: readonly Readonly<Record<string, OpcodeDefinition>>[] = [
  backup,
  cluster,
  group,
  instance,
  network,
  node,
  os,
  query,
  tags,
  test,
];

/** OP_INSTANCE_CREATE and the like to their definitions. */
export const opcodes: ReadonlyMap<string, OpcodeDefinition> = new Map(
  nouns.flatMap((definitions) => Object.values(definitions)).map((definition) => [definition.id, definition]),
);
