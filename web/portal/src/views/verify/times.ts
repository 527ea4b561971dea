// A contract's own shapes of time, read where no reading of them could differ: every digit in its place, and a zone whose
// clock stands still. What is written in a looser way is not read here.

/** What a shape makes of a text: microseconds since 1970, `null` where it surely does not fit, undefined where we cannot tell. */
export type Reading = bigint | null | undefined;

/** Zones without a change of their clocks from 1995 to 2037: minutes east of Greenwich. Checked against Python's. */
export const STEADY_ZONES: Readonly<Record<string, number>> = {
  "UTC": 0,
  "Etc/UTC": 0,
  "Asia/Bangkok": 420,
  "Asia/Ho_Chi_Minh": 420,
  "Asia/Jakarta": 420,
  "Asia/Jayapura": 540,
  "Asia/Kolkata": 330,
  "Asia/Kuala_Lumpur": 480,
  "Asia/Makassar": 480,
  "Asia/Manila": 480,
  "Asia/Pontianak": 420,
  "Asia/Saigon": 420,
  "Asia/Singapore": 480,
  "Asia/Tokyo": 540,
};

const TOKEN = /'([^']*)'|([A-Za-z])\2*|[^A-Za-z']+/g;
const PARTS: Readonly<Record<string, string>> = {
  yyyy: "(?<Y>\\d{4})",
  uuuu: "(?<Y>\\d{4})",
  MM: "(?<M>\\d\\d)",
  M: "(?<M>\\d\\d?)",
  dd: "(?<D>\\d\\d)",
  d: "(?<D>\\d\\d?)",
  HH: "(?<H>\\d\\d)",
  H: "(?<H>\\d\\d?)",
  hh: "(?<h>\\d\\d)",
  h: "(?<h>\\d\\d?)",
  mm: "(?<m>\\d\\d)",
  m: "(?<m>\\d\\d?)",
  ss: "(?<s>\\d\\d)",
  s: "(?<s>\\d\\d?)",
  a: "(?<a>AM|PM)",
  SSSSSS: "(?<f>\\d{6})",
  SSS: "(?<f>\\d{3})",
  XXX: "(?<z>[+-]\\d\\d:\\d\\d)",
};
const LOOSE = ["M", "d", "H", "h", "m", "s"]; // one digit or two: clear only before what is no digit

export interface Shape {
  readonly pattern: RegExp;
  readonly marks: readonly string[]; // what stands in every text of this shape, and is no letter, digit or blank
  readonly isZoned: boolean;
  readonly has: ReadonlySet<string>;
}

/** A JDK pattern (`MM/dd/yyyy HH:mm`) as what it must match; null for one that is not read here. */
export function shapeOf(jdk: string): Shape | null {
  let source = "";
  let end = 0;
  let isLoose = false;
  const has = new Set<string>();
  const marks: string[] = [];
  for (const match of jdk.matchAll(TOKEN)) {
    if (match.index !== end) return null;
    const [token, quoted, letter] = match;
    end += token.length;
    if (letter !== undefined) {
      const part = PARTS[token];
      const name = part?.[3];
      if (part === undefined || name === undefined || has.has(name) || has.has("z") || (isLoose && name !== "z")) return null;
      has.add(name);
      source += part;
      isLoose = LOOSE.includes(token);
    } else {
      const literal = quoted === undefined ? token : quoted || "'";
      if (/^\d/.test(literal) || /[^\x20-\x7e]/.test(literal)) return null;
      source += literal.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
      marks.push(...literal.replace(/[A-Za-z0-9 ]/g, ""));
      isLoose = false;
    }
  }
  if (end !== jdk.length || !["Y", "M", "D"].every((name) => has.has(name))) return null;
  if (has.has("h") !== has.has("a") || (has.has("h") && has.has("H"))) return null;
  return { pattern: new RegExp(`^${source}$`), marks, isZoned: has.has("z"), has };
}

/** ISO 8601 without a zone, to the second or the minute: what is tried after a contract's own shapes. */
const ISO = /^(?<Y>\d{4})-(?<M>\d\d)-(?<D>\d\d)[T ](?<H>\d\d):(?<m>\d\d)(?::(?<s>\d\d)(?:\.(?<f>\d{1,6}))?)?$/;
const ISO_ZONED =
  /^(?<Y>\d{4})-(?<M>\d\d)-(?<D>\d\d)[T ](?<H>\d\d):(?<m>\d\d):(?<s>\d\d)(?:\.(?<f>\d{1,9}))?(?<z>Z|[+-]\d\d:?\d\d)$/;

/** Read a time as Python does: the contract's own shapes in their order, then ISO 8601; undefined where it is not clear. */
export function readTime(text: string, shapes: readonly (Shape | null)[], zone: string): bigint | undefined {
  const offset = STEADY_ZONES[zone];
  for (const shape of shapes) {
    const reading = shape === null ? undefined : readBy(text, shape, offset);
    if (reading !== null) return reading;
  }
  const zoned = ISO_ZONED.exec(text)?.groups;
  if (zoned !== undefined) return momentOf(zoned, undefined) ?? undefined;
  const local = ISO.exec(text)?.groups;
  return local === undefined ? undefined : (momentOf(local, offset) ?? undefined);
}

function readBy(text: string, shape: Shape, offset: number | undefined): Reading {
  if (shape.marks.some((mark) => !text.includes(mark))) return null;
  if (!shape.has.has("m") || !(shape.has.has("H") || shape.has.has("h"))) return undefined;
  const found = shape.pattern.exec(text)?.groups;
  if (found === undefined) return undefined; // written otherwise: a looser reader may still take it
  return momentOf(found, offset);
}

/** Read a date of one shape that is just that; undefined where it is not clear. */
export function readDate(text: string, shapes: readonly (Shape | null)[]): string | undefined {
  for (const shape of shapes) {
    if (shape === null || shape.has.size !== 3) return undefined;
    if (shape.marks.some((mark) => !text.includes(mark))) continue;
    const found = shape.pattern.exec(text)?.groups;
    return found === undefined ? undefined : dateOf(found);
  }
  const iso = /^(?<Y>\d{4})-(?<M>\d\d)-(?<D>\d\d)$/.exec(text)?.groups;
  return iso === undefined ? undefined : dateOf(iso);
}

type Found = Readonly<Record<string, string | undefined>>;

function dateOf(found: Found): string | undefined {
  const [year, month, day] = [Number(found["Y"]), Number(found["M"]), Number(found["D"])];
  return daysOf(year, month, day) === null ? undefined : `${found["Y"]}-${pad(month)}-${pad(day)}`;
}

function pad(number: number): string {
  return String(number).padStart(2, "0");
}

/** Milliseconds since 1970 of a day; null for one that no calendar has. */
function daysOf(year: number, month: number, day: number): number | null {
  if (year < 1000) return null; // Date.UTC reads 0 to 99 otherwise
  const at = new Date(Date.UTC(year, month - 1, day));
  return at.getUTCFullYear() === year && at.getUTCMonth() === month - 1 && at.getUTCDate() === day ? at.getTime() : null;
}

function momentOf(found: Found, offset: number | undefined): Reading {
  const day = daysOf(Number(found["Y"]), Number(found["M"]), Number(found["D"]));
  const hour = hourOf(found);
  if (Number(found["Y"]) < 1000) return undefined; // no feed of ours is so old
  const [minute, second] = [Number(found["m"]), Number(found["s"] ?? 0)];
  if (second > 59) return undefined; // a second that some readers take
  if (day === null || hour === null || minute > 59) return null;
  const east = found["z"] === undefined ? offset : eastOf(found["z"]);
  const year = Number(found["Y"]);
  if (east === undefined || (found["z"] === undefined && offset !== 0 && (year < 1995 || year > 2037))) return undefined;
  const ms = day + ((hour * 60 + minute - east) * 60 + second) * 1_000;
  return BigInt(ms) * 1_000n + BigInt((found["f"] ?? "").padEnd(6, "0").slice(0, 6));
}

function hourOf(found: Found): number | null {
  const hour = Number(found["H"] ?? found["h"]);
  if (found["a"] === undefined) return hour > 23 ? null : hour;
  if (hour < 1 || hour > 12) return null;
  return (hour % 12) + (found["a"] === "PM" ? 12 : 0);
}

function eastOf(zone: string): number | undefined {
  if (zone === "Z") return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(-2))];
  if (hours > 23 || minutes > 59) return undefined;
  return (zone.startsWith("-") ? -1 : 1) * (hours * 60 + minutes);
}
