// Scores of sensors over time, the least trusted first.

import type { TrustScore } from "../../api/types";

export interface TrustLine {
  readonly key: string;
  readonly field: string;
  readonly scores: readonly TrustScore[]; // by day
}

export function trustLines(scores: readonly TrustScore[]): TrustLine[] {
  const lines = new Map<string, TrustScore[]>();
  for (const score of scores) {
    const name = JSON.stringify([score.key, score.field]);
    lines.set(name, [...(lines.get(name) ?? []), score]);
  }
  return [...lines.values()]
    .map((all) => [...all].sort((a, b) => a.day.localeCompare(b.day)))
    .map((all) => ({ key: all[0]?.key ?? "", field: all[0]?.field ?? "", scores: all }))
    .sort((a, b) => (a.scores.at(-1)?.score ?? 0) - (b.scores.at(-1)?.score ?? 0));
}
