/**
 * Graphs of nodes that must not be rebooted together, and their colouring: nodes of one colour may reboot at
 * the same time (hroller(1)). Three greedy orders are tried: by degree (Welsh and Powell, 1967), by saturation
 * (Brélaz, 1979) and by coloured neighbours.
 */

/** Neighbours of each vertex, from `first` on; an edge that is there twice counts twice. */
export interface Graph {
  readonly first: number;
  readonly neighbours: readonly (readonly number[])[];
}

export type Edge = readonly [from: number, to: number];

/** A graph over the vertices first…last; of each vertex the latest edge comes first. */
export function graphOf(first: number, last: number, edges: readonly Edge[]): Graph {
  const neighbours: number[][] = Array.from({ length: last - first + 1 }, () => []);
  for (const [from, to] of edges) neighbours[from - first]!.push(to);
  for (const list of neighbours) list.reverse();
  return { first, neighbours };
}

export function showGraph({ first, neighbours }: Graph): string {
  const rows = neighbours.map((list, i) => `(${first + i},[${list.join(',')}])`);
  return `array (${first},${first + neighbours.length - 1}) [${rows.join(',')}]`;
}

/** Colour of each vertex, by its place in the graph; -1 is none yet. */
type Colours = Int32Array;

class Colouring {
  readonly colours: Colours;
  private readonly graph: Graph;

  constructor(graph: Graph) {
    this.graph = graph;
    this.colours = new Int32Array(graph.neighbours.length).fill(-1);
  }

  /** Gives the vertex at a place the lowest colour that none of its neighbours has. */
  paint(at: number): void {
    const { first, neighbours } = this.graph;
    const taken = new Set<number>();
    for (const vertex of neighbours[at]!) taken.add(this.colours[vertex - first]!);
    let colour = 0;
    while (taken.has(colour)) colour++;
    this.colours[at] = colour;
  }
}

/** Colour by colour the vertices that have it, in ascending order. */
export type ColourGroups = readonly (readonly number[])[];

function grouped(graph: Graph, colours: Colours): ColourGroups {
  const groups: number[][] = [];
  colours.forEach((colour, at) => {
    groups[colour] ??= [];
    groups[colour].push(graph.first + at);
  });
  return groups;
}

function colourByDegree(graph: Graph): ColourGroups {
  const places = graph.neighbours.map((_, at) => at);
  const degree = (at: number) => graph.neighbours[at]!.length;
  const order = places.sort((a, b) => degree(a) - degree(b)).reverse();
  const colouring = new Colouring(graph);
  for (const at of order) colouring.paint(at);
  return grouped(graph, colouring.colours);
}

/**
 * Colours the vertex next that has the most of what `count` tells, among those the one of the highest degree,
 * among those the last.
 */
function colourDynamically(graph: Graph, count: 'colours' | 'neighbours'): ColourGroups {
  const { first, neighbours } = graph;
  const colouring = new Colouring(graph);
  const weight = new Float64Array(neighbours.length);
  const seen = neighbours.map(() => new Set<number>());
  const backward: number[][] = neighbours.map(() => []);
  neighbours.forEach((list, at) => {
    for (const vertex of list) backward[vertex - first]!.push(at);
  });
  const left = new Set(neighbours.keys());
  const noted = (at: number, colour: number) => {
    if (count === 'neighbours') weight[at]!++;
    else weight[at] = seen[at]!.add(colour).size;
  };
  while (left.size > 0) {
    let chosen = -1;
    for (const at of left) {
      const better =
        chosen < 0 ||
        weight[at]! > weight[chosen]! ||
        (weight[at] === weight[chosen] && neighbours[at]!.length >= neighbours[chosen]!.length);
      if (better) chosen = at;
    }
    colouring.paint(chosen);
    left.delete(chosen);
    for (const at of backward[chosen]!) noted(at, colouring.colours[chosen]!);
  }
  return grouped(graph, colouring.colours);
}

/** The three colourings, in the order in which ties between them are broken. */
export function colourings(
  graph: Graph,
): readonly { readonly name: string; readonly groups: ColourGroups }[] {
  return [
    { name: 'LF', groups: colourByDegree(graph) },
    { name: 'Dsatur', groups: colourDynamically(graph, 'colours') },
    { name: 'Dcolor', groups: colourDynamically(graph, 'neighbours') },
  ];
}

/** One line on how the colourings compare, from the fewest colours to the most. */
export function compareColourings(all: ReturnType<typeof colourings>): string {
  const shown = [...all]
    .sort((a, b) => b.groups.length - a.groups.length)
    .reverse()
    .map(({ name, groups }) => ({
      size: groups.length,
      text: `${name}: ${groups.length} (${groups.map((group) => group.length).join(',')})`,
    }));
  return shown.reduce((line, { size, text }, i) => {
    if (i === 0) return text;
    return `${line} ${shown[i - 1]!.size === size ? 'TIE' : 'LOOSE'} ${text}`;
  }, '');
}
