/** Definitions of operating systems in a group verification: valid, and the same on all nodes as on the first. */
import type { Node } from '../../model/objects/node.ts';
import { OsOnNode } from '../../noderpc/calls/os.ts';
import type { Gathered, NodeAnswer } from './verify-nodes.ts';

type Definitions = ReadonlyMap<string, readonly OsOnNode[]>;

/** The node that others are compared with, and what it has. */
interface Reference {
  readonly name: string;
  readonly definitions: Definitions;
}

/** Undefined when it isn't what a node should give. */
function definitionsOf(answer: NodeAnswer): Definitions | undefined {
  const parsed = OsOnNode.array().safeParse(answer.oses);
  return parsed.success ? Map.groupBy(parsed.data, ({ name }) => name) : undefined;
}

const sorted = (values: readonly (string | number)[]) => values.map(String).sort().join(', ');
const python = (flag: boolean) => (flag ? 'True' : 'False');

function compare({ report }: Gathered, node: Node, found: OsOnNode, base: OsOnNode, reference: string): void {
  const differ = (kind: string, here: string, there: string) => {
    if (here !== there)
      report.error(
        'ENODEOS',
        node.name,
        `OS ${kind} for ${found.name} differs from reference node ${reference}: ${here} vs. ${there}`,
      );
  };
  const parameters = ({ parameters: list }: OsOnNode) => sorted(list.map(([name, doc]) => `${name}: ${doc}`));
  differ('API version', `[${sorted(found.apiVersions)}]`, `[${sorted(base.apiVersions)}]`);
  differ('variants list', `[${sorted(found.variants)}]`, `[${sorted(base.variants)}]`);
  differ('parameters', `[${parameters(found)}]`, `[${parameters(base)}]`);
  differ('trusted', python(found.trusted), python(base.trusted));
}

function verifyNodeOses(gathered: Gathered, node: Node, own: Definitions, reference: Reference): void {
  const { report } = gathered;
  for (const [name, entries] of own) {
    const [found] = entries;
    if (!found!.valid)
      report.error(
        'ENODEOS',
        node.name,
        `Invalid OS ${name} (located at ${found!.path}): ${found!.diagnose}`,
      );
    if (entries.length > 1) {
      const paths = entries.map(({ path }) => path).join(', ');
      report.error(
        'ENODEOS',
        node.name,
        `OS '${name}' has multiple entries (first one shadows the rest): ${paths}`,
      );
    }
    const base = reference.definitions.get(name)?.[0];
    if (base === undefined)
      report.error(
        'ENODEOS',
        node.name,
        `Extra OS ${name} not present on reference node (${reference.name})`,
      );
    else if (base.valid) compare(gathered, node, found!, base, reference.name);
  }
  const missing = [...reference.definitions.keys()].filter((name) => !own.has(name));
  if (missing.length > 0)
    report.error(
      'ENODEOS',
      node.name,
      `OSes present on reference node ${reference.name} but missing on this node: ${missing.join(', ')}`,
    );
}

/** The first of the nodes is what the others are compared with. Nodes without guests need none. */
export function verifyOses(gathered: Gathered, nodes: readonly Node[]): void {
  let reference: Reference | undefined;
  for (const node of nodes.filter(({ vm_capable }) => vm_capable)) {
    const reply = gathered.answers.get(node.uuid);
    if (reply?.kind !== 'answered') continue;
    const own = definitionsOf(reply.value);
    if (own === undefined) {
      gathered.report.error('ENODEOS', node.name, "node hasn't returned valid OS data");
      continue;
    }
    reference ??= { name: node.name, definitions: own };
    verifyNodeOses(gathered, node, own, reference);
  }
}
