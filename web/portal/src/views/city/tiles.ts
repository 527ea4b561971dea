// What a tile of the city view says of a place: pure, so that map and list cannot differ.

import type { Feed, Place, Shown } from "../../api/types";
import type { Made } from "../../parts/mark";
import { isFound } from "../../language/search";
import { said } from "../../language";

export interface TileValue {
  readonly field: string;
  readonly shown: Shown;
}

/** A time as the API takes it. */
export function stamp(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

/** A time of an address; null for none. */
export function timeOf(text: string | undefined): number | null {
  const ms = text === undefined ? NaN : Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

/** The values that a place shows: those of fields that are numbers, as the contract orders them. */
export function valuesOf(feed: Feed, place: Place, most = 4): TileValue[] {
  const { values } = place.properties;
  const names = feed.fields.filter((field) => !field.is_personal && !feed.key.includes(field.name)).map((f) => f.name);
  const all = names.flatMap((field) => {
    const shown = values[field];
    return shown === undefined || typeof shown.value === "string" ? [] : [{ field, shown }];
  });
  return all.slice(0, most);
}

/** How the first value of a place came to be: what its mark on the map shows. */
export function madeOf(feed: Feed, place: Place): Made {
  const { simulated, age_s } = place.properties;
  const values = valuesOf(feed, place);
  const first = values.find(({ shown }) => shown.value !== null) ?? values[0];
  return {
    state: first === undefined || first.shown.value === null ? "none" : first.shown.state,
    simulated,
    flagged: values.some(({ shown }) => shown.flags.length > 0),
    old: isOld(feed, age_s),
  };
}

/** Older than the contract wants; of a feed without a wish, than a day. */
export function isOld(feed: Feed, ageS: number | null): boolean {
  return ageS !== null && ageS > (feed.freshness.wanted_s ?? 86_400);
}

export function matches(query: string, place: Place): boolean {
  const { key, title, agency } = place.properties;
  return query === "" || isFound(query, [key, said(title), agency ?? ""].join(" "));
}

/** The box around all points with a margin; the city's own where there are none; null where it has none either. */
export function boxOf(
  points: readonly (readonly [number, number])[],
  city: readonly [number, number, number, number] | null,
): [number, number, number, number] | null {
  if (points.length === 0) return city === null ? null : [...city];
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const margin = 0.01;
  return [Math.min(...xs) - margin, Math.min(...ys) - margin, Math.max(...xs) + margin, Math.max(...ys) + margin];
}
