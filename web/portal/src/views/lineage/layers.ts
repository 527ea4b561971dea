// Lineage in columns: what a thing rests on to its left, what used it to its right, the nearest next to it.

import type { Lineage, LineageNode } from "../../api/types";

export interface Placed {
  readonly node: LineageNode;
  readonly column: number; // 0 is the leftmost
  readonly row: number;
}

export interface Laid {
  readonly placed: readonly Placed[];
  readonly edges: readonly (readonly [Placed, Placed])[]; // from what is rested on to what rests
  readonly columns: number;
  readonly rows: number;
}

/** Edges are `[a, b]`: b rests on a. Nodes that no edge reaches stand in the nearest column of their side. */
export function layOut({ entry, rests_on, used_by, edges, it }: Lineage): Laid {
  const back = distances(entry, edges.map(([a, b]) => [b, a] as const));
  const on = distances(entry, edges);
  const columns = new Map<number, LineageNode[]>();
  const seen = new Set([entry]);
  const put = (one: LineageNode, column: number) => {
    if (seen.has(one.entry) && one.entry !== entry) return;
    seen.add(one.entry);
    columns.set(column, [...(columns.get(column) ?? []), one]);
  };
  put(it, 0);
  for (const one of rests_on) if (one.entry !== entry) put(one, -(back.get(one.entry) ?? 1));
  for (const one of used_by) if (one.entry !== entry) put(one, on.get(one.entry) ?? 1);
  const order = [...columns.keys()].sort((a, b) => a - b);
  const placed = order.flatMap((column, i) =>
    [...(columns.get(column) ?? [])]
      .sort((a, b) => a.entry - b.entry)
      .map((one, row): Placed => ({ node: one, column: i, row })),
  );
  const byEntry = new Map(placed.map((one) => [one.node.entry, one]));
  const drawn = edges.flatMap(([a, b]) => {
    const [from, to] = [byEntry.get(a), byEntry.get(b)];
    return from === undefined || to === undefined ? [] : [[from, to] as const];
  });
  const rows = Math.max(...[...columns.values()].map((all) => all.length));
  return { placed, edges: drawn, columns: order.length, rows };
}

/** The longest way from `start` to each node that it reaches, so that an edge never runs within a column. */
function distances(start: number, edges: readonly (readonly [number, number])[]): ReadonlyMap<number, number> {
  const next = new Map<number, number[]>();
  for (const [a, b] of edges) next.set(a, [...(next.get(a) ?? []), b]);
  const far = new Map([[start, 0]]);
  const most = edges.length + 1; // a ring, which a log cannot hold, ends here
  const queue = [start];
  let steps = 0;
  while (queue.length > 0 && steps < 20_000) {
    const at = queue.shift() as number;
    const distance = (far.get(at) ?? 0) + 1;
    for (const to of next.get(at) ?? []) {
      steps += 1;
      if (distance > (far.get(to) ?? -1) && distance <= most) {
        far.set(to, distance);
        queue.push(to);
      }
    }
  }
  return far;
}
