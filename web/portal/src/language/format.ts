// Numbers, times and ages as people of the reader's language write them.

import { language, t } from "./index";
import { signal } from "@preact/signals";

const LOCALES = { en: "en-GB", vi: "vi-VN", id: "id-ID" } as const;

/** The city's time zone; the reader's until it is known. */
export const zone = signal<string | null>(null);

/** The city's clock: milliseconds to add to ours. A played city lives in its own time. */
export const clockOffsetMs = signal(0);

export function cityNow(): number {
  return Date.now() + clockOffsetMs.value;
}

const made = new Map<string, unknown>();

function kept<T>(key: string, make: () => T): T {
  if (!made.has(key)) made.set(key, make());
  return made.get(key) as T;
}

export function number(value: number, digits = 2): string {
  const name = LOCALES[language.value];
  return kept(`n ${name} ${digits}`, () => new Intl.NumberFormat(name, { maximumFractionDigits: digits })).format(value);
}

export function percent(value: number, digits = 0): string {
  const name = LOCALES[language.value];
  const options = { style: "percent", maximumFractionDigits: digits } as const;
  return kept(`p ${name} ${digits}`, () => new Intl.NumberFormat(name, options)).format(value);
}

/** A time in the city's zone, with the zone: `12 Sep 2026, 14:05 GMT+7`. */
export function time(value: string | number | Date): string {
  return formatTime(value, { dateStyle: undefined, day: "numeric", month: "short", year: "numeric", ...CLOCK, ...ZONED });
}

/** The same without year and zone, where both stand nearby. */
export function shortTime(value: string | number | Date): string {
  return formatTime(value, { day: "numeric", month: "short", ...CLOCK });
}

/** The time of day alone. */
export function clock(value: number): string {
  return formatTime(value, CLOCK);
}

/** The day alone, in the city's zone. */
export function dayAndMonth(value: number): string {
  return formatTime(value, { day: "numeric", month: "short" });
}

/** A day as such, which has no zone: `2026-09-12`. */
export function day(value: string): string {
  const date = new Date(`${value.slice(0, 10)}T00:00:00Z`);
  if (Number.isNaN(date.getTime())) return value;
  const name = LOCALES[language.value];
  const options = { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" } as const;
  const format = kept(`d ${name}`, () => new Intl.DateTimeFormat(name, options));
  return language.value === "vi" ? inVietnamese(format.formatToParts(date)) : format.format(date);
}

const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
const ZONED = { timeZoneName: "short" } as const;

function formatTime(value: string | number | Date, options: Intl.DateTimeFormatOptions): string {
  const date = new Date(value);
  if (Number.isNaN(date.getTime())) return String(value);
  const name = LOCALES[language.value];
  const where = zone.value === null ? {} : { timeZone: zone.value };
  const key = `t ${name} ${zone.value} ${Object.keys(options).join()}`;
  const format = kept(key, () => new Intl.DateTimeFormat(name, { ...options, ...where }));
  return language.value === "vi" ? inVietnamese(format.formatToParts(date)) : format.format(date);
}

/** `21:00 ngày 16/9/2026 (GMT+7)`, as offices write it; Unicode's own order is no one's. */
function inVietnamese(parts: readonly Intl.DateTimeFormatPart[]): string {
  const of = (type: Intl.DateTimeFormatPartTypes) => parts.find((part) => part.type === type)?.value.replace(/^thg /, "");
  const [hour, minute, zoned] = [of("hour"), of("minute"), of("timeZoneName")];
  const date = [of("day"), of("month"), of("year")].filter(Boolean).join("/");
  const clocked = hour === undefined ? "" : `${hour}:${minute}`;
  const both = clocked !== "" && date !== "" ? `${clocked} ngày ${date}` : clocked + date;
  return zoned === undefined ? both : `${both} (${zoned})`;
}

const STEPS = [
  ["second", 60],
  ["minute", 60],
  ["hour", 24],
  ["day", Infinity],
] as const;

/** How long something is: `5 minutes`. */
export function span(seconds: number): string {
  let left = Math.max(0, Math.round(seconds));
  for (const [unit, most] of STEPS) {
    if (left < most) {
      const name = LOCALES[language.value];
      const options = { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: 0 } as const;
      return kept(`s ${name} ${unit}`, () => new Intl.NumberFormat(name, options)).format(left);
    }
    left = Math.floor(left / most);
  }
  return "";
}

/** How old something is, in words. */
export function age(seconds: number | null | undefined): string {
  return seconds === null || seconds === undefined ? t("age.unknown") : t("age.ago", { span: span(seconds) });
}

/** How old something is beside its time, where it is not of the very time that is shown. */
export function since(seconds: number | null): string {
  return seconds !== null && seconds < 1 ? "" : ` · ${age(seconds)}`;
}

/** A text that begins a heading: its first letter is a capital one. */
export function sentence(text: string): string {
  return text.slice(0, 1).toLocaleUpperCase(LOCALES[language.value]) + text.slice(1);
}

/** The start of a long digest, the whole of which stands beside it somewhere. */
export function short(digest: string): string {
  return digest.length > 16 ? `${digest.slice(0, 12)}…` : digest;
}
