// What changed in a data set, as one list: the newest statement first.

import type { Changes, Dataset, Measured, SensorScore } from "../../api/dataset";

export type Change =
  | { readonly entry: number; readonly at: string | null; readonly what: "contract"; readonly version: string; readonly url: string }
  | { readonly entry: number; readonly at: string | null; readonly what: "correction"; readonly name: string }
  | { readonly entry: number; readonly at: string | null; readonly what: "withdrawal"; readonly name: string; readonly reason: string }
  | { readonly entry: number; readonly at: string | null; readonly what: "release"; readonly batch: number; readonly rows: number }
  | { readonly entry: number; readonly at: string | null; readonly what: "erasure" };

export function changesOf({ contracts, corrections, releases, erasures }: Changes): Change[] {
  const all: Change[] = [
    ...contracts.map(({ entry, version, url }) => ({ entry, at: null, what: "contract", version, url }) as const),
    ...corrections.map(({ entry, name }) => ({ entry, at: null, what: "correction", name }) as const),
    ...corrections.flatMap(({ name, withdrawn }) =>
      withdrawn.map(({ entry, at, reason }) => ({ entry, at, what: "withdrawal", name, reason }) as const),
    ),
    ...releases.map(({ entry, at, batch, rows }) => ({ entry, at, what: "release", batch, rows }) as const),
    ...erasures.map(({ entry }) => ({ entry, at: null, what: "erasure" }) as const),
  ];
  return all.sort((a, b) => b.entry - a.entry);
}

/** Sensors as a whole, the least trusted first; their properties where none was scored as a whole. */
export function sensorsOf({ sensor_health: { sensors } }: Measured): readonly SensorScore[] {
  const whole = sensors.filter(({ property }) => property === null);
  return whole.length > 0 ? whole : sensors;
}

/** The path of an address of the catalogue, whatever host the server believes to be. */
export function cataloguePath(url: string): string {
  const at = url.lastIndexOf("/catalogue/");
  return at < 0 ? "" : url.slice(at + 1);
}

const DAY_MS = 86_400_000;

/** Times a day apart, the newest first: back from what is shown, or from the last arrival if the feed is silent since. */
export function daysBack({ quality }: Dataset, n: number): string[] {
  const last = Math.min(...[quality.measured_at, quality.freshness.last_arrival ?? quality.measured_at].map((at) => Date.parse(at)));
  // To the next whole minute: what arrived in that very second was known then.
  const from = Math.min(Math.ceil((last + 1) / 60_000) * 60_000, Date.parse(quality.measured_at));
  return Number.isNaN(from) ? [] : Array.from({ length: n }, (_, i) => new Date(from - i * DAY_MS).toISOString());
}
