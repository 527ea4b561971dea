// A series as columns for the plot: one column for each way a value came to be.

import type { ForecastPoint, SeriesPoint } from "../../api/types";

/**
 * Seconds, the values joined by a line, and what each point is. Ascending; where time runs back or twice, the last counts.
 * `measured` are the values that were; `made` the others, with those they hang on, so that their own line meets the first.
 */
export interface SeriesColumns {
  readonly at: readonly number[];
  readonly values: readonly (number | null)[];
  readonly measured: readonly (number | null)[];
  readonly made: readonly (number | null)[];
  readonly points: readonly SeriesPoint[];
}

export function seriesColumns(points: readonly SeriesPoint[]): SeriesColumns {
  const byTime = new Map<number, SeriesPoint>();
  for (const point of points) {
    const ms = Date.parse(point.at);
    if (!Number.isNaN(ms)) byTime.set(ms / 1000, point);
  }
  const at = [...byTime.keys()].sort((a, b) => a - b);
  const sorted = at.map((second) => byTime.get(second) as SeriesPoint);
  const values = sorted.map((point) => point.value);
  const isMade = sorted.map((point) => point.state !== "measured");
  return {
    at,
    values,
    measured: values.map((value, i) => (isMade[i] ? null : value)),
    made: values.map((value, i) => (isMade[i] || isMade[i - 1] || isMade[i + 1] ? value : null)),
    points: sorted,
  };
}

export interface FanColumns {
  readonly at: readonly number[];
  /** Levels ascending, as text: `0.1`, `0.5`, `0.9`. */
  readonly levels: readonly string[];
  readonly quantiles: readonly (readonly (number | null)[])[]; // one column a level
  readonly outcomes: readonly (number | null)[];
}

export function fanColumns(points: readonly ForecastPoint[]): FanColumns {
  const sorted = [...points].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const levels = [...new Set(sorted.flatMap((point) => Object.keys(point.quantiles)))].sort((a, b) => Number(a) - Number(b));
  return {
    at: sorted.map((point) => Date.parse(point.at) / 1000),
    levels,
    quantiles: levels.map((level) => sorted.map((point) => point.quantiles[level] ?? null)),
    outcomes: sorted.map((point) => point.outcome),
  };
}

/** Pairs of levels that bound an interval, the widest first: (0.1, 0.9) holds 80 %. */
export function intervals(levels: readonly string[]): { low: number; high: number; share: number }[] {
  const pairs: { low: number; high: number; share: number }[] = [];
  for (let low = 0, high = levels.length - 1; low < high; low += 1, high -= 1) {
    pairs.push({ low, high, share: Math.round((Number(levels[high]) - Number(levels[low])) * 100) / 100 });
  }
  return pairs;
}

/** How many outcomes came, and how many of them lie in the widest interval. */
export function inside(fan: FanColumns): { n: number; inside: number } {
  const widest = intervals(fan.levels)[0];
  const low = widest === undefined ? [] : (fan.quantiles[widest.low] ?? []);
  const high = widest === undefined ? [] : (fan.quantiles[widest.high] ?? []);
  let n = 0;
  let within = 0;
  fan.outcomes.forEach((outcome, i) => {
    const [from, to] = [low[i] ?? null, high[i] ?? null];
    if (outcome === null || from === null || to === null) return;
    n += 1;
    if (outcome >= from && outcome <= to) within += 1;
  });
  return { n, inside: within };
}
