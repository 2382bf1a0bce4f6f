/** What `lab/uml status` prints, read: one line a node. */
import { Failure } from '../../src/kit/failure.ts';

export type NodeState =
  | { readonly kind: 'down'; readonly node: string }
  | {
      readonly kind: 'up';
      readonly node: string;
      readonly address: string;
      /** Which of its networks are taken away. */
      readonly cut: 'none' | 'primary' | 'secondary' | 'both';
    };

const cuts = { joined: 'none', 'primary cut': 'primary', 'secondary cut': 'secondary', cut: 'both' } as const;

/** @throws Failure ProgrammerError for a line that `lab/uml status` does not print */
export function parseStatus(text: string): NodeState[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, node, address, wires] = /^(node\d+) (?:down|up (\S+) (.+))$/.exec(line) ?? [];
      if (node === undefined) throw new Failure('ProgrammerError', [`not a line of lab/uml status: ${line}`]);
      if (address === undefined) return { kind: 'down', node };
      const cut = cuts[wires as keyof typeof cuts];
      if (cut === undefined) throw new Failure('ProgrammerError', [`not a line of lab/uml status: ${line}`]);
      return { kind: 'up', node, address, cut };
    });
}
