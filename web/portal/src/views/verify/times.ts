// A contract's own shapes of time, read where no reading of them could differ: every digit in its place, and a zone that we
// know. What is written in a looser way is not read here.

import { eastAt } from "./zones";

/** What a shape makes of a text: microseconds since 1970, `null` where it surely does not fit, undefined where we cannot tell. */
export type Reading = bigint | null | undefined;

const TOKEN = /'([^']*)'|([A-Za-z])\2*|[^A-Za-z']+/g;
const PARTS: Readonly<Record<string, string>> = {
  yyyy: "(?<Y>\\d{4})",
  uuuu: "(?<Y>\\d{4})",
  yy: "(?<y>\\d\\d)",
  MMM: "(?<b>[A-Za-z]{3})",
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
/** A part that stands for another: of each a shape has one. */
const SAME: Readonly<Record<string, string>> = { y: "Y", b: "M" };
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const MONTH = new RegExp(MONTHS.join("|"), "i");
const CENTURY = 70; // years of two digits from here are of the last century, as Python's reader has it
const LOOSE = ["M", "d", "H", "h", "m", "s"]; // one digit or two: clear only before what is no digit

export interface Shape {
  readonly pattern: RegExp;
  readonly marks: readonly string[]; // what stands in every text of this shape, and is no letter, digit or blank
  readonly isNamed: boolean; // its month is a name of three letters
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
      const letter = part?.[3];
      const name = SAME[letter ?? ""] ?? letter;
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
  return { pattern: new RegExp(`^${source}$`), marks, isNamed: source.includes("<b>"), has };
}

/** ISO 8601 without a zone, to the second or the minute: what is tried after a contract's own shapes. */
const ISO = /^(?<Y>\d{4})-(?<M>\d\d)-(?<D>\d\d)[T ](?<H>\d\d):(?<m>\d\d)(?::(?<s>\d\d)(?:\.(?<f>\d{1,6}))?)?$/;
const ISO_ZONED =
  /^(?<Y>\d{4})-(?<M>\d\d)-(?<D>\d\d)[T ](?<H>\d\d):(?<m>\d\d):(?<s>\d\d)(?:\.(?<f>\d{1,9}))?(?<z>Z|[+-]\d\d:?\d\d)$/;

/** Read a time as Python does: the contract's own shapes in their order, then ISO 8601; undefined where it is not clear. */
export function readTime(text: string, shapes: readonly (Shape | null)[], zone: string): bigint | undefined {
  for (const shape of shapes) {
    const reading = shape === null ? undefined : readBy(text, shape, zone);
    if (reading !== null) return reading;
  }
  const zoned = ISO_ZONED.exec(text)?.groups;
  if (zoned !== undefined) return momentOf(zoned, "") ?? undefined;
  const local = ISO.exec(text)?.groups;
  return local === undefined ? undefined : (momentOf(local, zone) ?? undefined);
}

/** Whether no reader could take a text for one of a shape: it lacks a mark, or any month's name. */
function isAnother(text: string, { marks, isNamed }: Shape): boolean {
  return marks.some((mark) => !text.includes(mark)) || (isNamed && !MONTH.test(text));
}

function readBy(text: string, shape: Shape, zone: string): Reading {
  if (isAnother(text, shape)) return null;
  if (!shape.has.has("m") || !(shape.has.has("H") || shape.has.has("h"))) return undefined;
  const found = shape.pattern.exec(text)?.groups;
  if (found === undefined) return undefined; // written otherwise: a looser reader may still take it
  return momentOf(found, zone);
}

/** Read a date of one shape that is just that; undefined where it is not clear. */
export function readDate(text: string, shapes: readonly (Shape | null)[]): string | undefined {
  for (const shape of shapes) {
    if (shape === null || shape.has.size !== 3) return undefined;
    if (isAnother(text, shape)) continue;
    const found = shape.pattern.exec(text)?.groups;
    return found === undefined ? undefined : dateOf(found);
  }
  const iso = /^(?<Y>\d{4})-(?<M>\d\d)-(?<D>\d\d)$/.exec(text)?.groups;
  return iso === undefined ? undefined : dateOf(iso);
}

type Found = Readonly<Record<string, string | undefined>>;

function dateOf(found: Found): string | undefined {
  const [year, month, day] = calendarOf(found);
  return daysOf(year, month, day) === null ? undefined : `${year}-${pad(month)}-${pad(day)}`;
}

/** Year, month and day; a month of another name is none. */
function calendarOf(found: Found): readonly [year: number, month: number, day: number] {
  const short = Number(found["y"]);
  const year = found["y"] === undefined ? Number(found["Y"]) : short + (short < CENTURY ? 2000 : 1900);
  const month = found["b"] === undefined ? Number(found["M"]) : MONTHS.indexOf(found["b"].toLowerCase()) + 1;
  return [year, month, Number(found["D"])];
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

/** The moment that a wall's time is; of a zone, unless it says itself how far from Greenwich it is. */
function momentOf(found: Found, zone: string): Reading {
  const [year, month, date] = calendarOf(found);
  const day = daysOf(year, month, date);
  const hour = hourOf(found);
  if (year < 1000) return undefined; // no feed of ours is so old
  const [minute, second] = [Number(found["m"]), Number(found["s"] ?? 0)];
  if (second > 59) return undefined; // a second that some readers take
  if (day === null || hour === null || minute > 59) return null;
  const wall = day + ((hour * 60 + minute) * 60 + second) * 1_000;
  const east = found["z"] === undefined ? eastAt(zone, wall) : eastOf(found["z"]);
  if (east === undefined) return undefined;
  const ms = wall - east * 60_000;
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
