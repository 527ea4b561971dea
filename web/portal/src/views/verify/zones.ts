// How far a zone's clock is from Greenwich's at a time that its wall says, as Python takes it: of an hour that a clock shows
// twice the first, of one that it leaves out none. The tables of browsers are of many days; ours is the package's.

import { RULED_YEARS, STEADY_YEARS, TABLE } from "./zone_table";

interface Zone {
  readonly rule: string;
  readonly east: number;
}

/** Put forward, then back: month (0 is January), which Sunday (0 is the last), hour; of UTC, or of the zone's winter clock. */
interface Rule {
  readonly forward: readonly [month: number, nth: number, hour: number];
  readonly back: readonly [month: number, nth: number, hour: number];
  readonly isUtc: boolean;
}

const RULES: Readonly<Record<string, Rule>> = {
  EU: { forward: [2, 0, 1], back: [9, 0, 1], isUtc: true },
  US: { forward: [2, 2, 2], back: [10, 1, 1], isUtc: false },
  AU: { forward: [9, 1, 2], back: [3, 1, 2], isUtc: false },
  NZ: { forward: [8, 0, 2], back: [3, 1, 2], isUtc: false },
};
const ZONES: ReadonlyMap<string, Zone> = new Map(
  TABLE.flatMap(([rule, east, names]) => names.split(" ").map((name) => [name, { rule, east }] as const)),
);
const SUMMER = 60; // minutes
const MINUTE_MS = 60_000;

/** Minutes east of Greenwich, for a wall's time as if it were UTC's; undefined where it is not known, or there is no such time. */
export function eastAt(name: string, wallMs: number): number | undefined {
  const zone = ZONES.get(name);
  if (zone === undefined) return undefined;
  const year = new Date(wallMs).getUTCFullYear();
  const [first, last] = zone.rule === "" ? STEADY_YEARS : RULED_YEARS;
  if ((zone.rule !== "" || zone.east !== 0) && (year < first || year > last)) return undefined;
  const rule = RULES[zone.rule];
  if (rule === undefined) return zone.east;
  const summer = zone.east + SUMMER;
  if (isSummer(rule, zone.east, wallMs - summer * MINUTE_MS)) return summer; // the first, where both are
  return isSummer(rule, zone.east, wallMs - zone.east * MINUTE_MS) ? undefined : zone.east;
}

function isSummer(rule: Rule, east: number, utcMs: number): boolean {
  const shift = rule.isUtc ? 0 : east * MINUTE_MS;
  const year = new Date(utcMs + shift).getUTCFullYear();
  const forward = sunday(year, ...rule.forward) - shift;
  const back = sunday(year, ...rule.back) - shift;
  return forward < back ? forward <= utcMs && utcMs < back : !(back <= utcMs && utcMs < forward);
}

function sunday(year: number, month: number, nth: number, hour: number): number {
  const first = new Date(Date.UTC(year, month + (nth === 0 ? 1 : 0), 1));
  const day = nth === 0 ? 1 - (first.getUTCDay() || 7) : 1 + ((7 - first.getUTCDay()) % 7) + 7 * (nth - 1);
  return Date.UTC(first.getUTCFullYear(), first.getUTCMonth(), day, hour);
}
