// Times: RFC 3339 in UTC, written with `Z`, as microseconds since 1970.

const TIME = /^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,6}))?Z$/;
const MICROSECONDS = 1_000_000n;
const END_OF_TIME = 253_402_300_800n; // the year 10000, in seconds

/** A time of the calendar; null for any other text. */
export function parseTime(text: string): bigint | null {
  const found = TIME.exec(text);
  if (found === null) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found.slice(1, 7).map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (year === 0 || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  if (hour > 23 || minute > 59 || second > 59) return null;
  date.setUTCHours(hour, minute, second);
  return BigInt(date.getTime() / 1000) * MICROSECONDS + BigInt((found[7] ?? "").padEnd(6, "0"));
}

/** A POSIX time in seconds; null for one that no calendar of four-digit years has. */
export function fromSeconds(seconds: bigint): bigint | null {
  return 0n < seconds && seconds < END_OF_TIME ? seconds * MICROSECONDS : null;
}

/** A time without its fraction of a second. */
export function wholeSeconds(time: bigint): bigint {
  return time - fractionOf(time);
}

function fractionOf(time: bigint): bigint {
  return ((time % MICROSECONDS) + MICROSECONDS) % MICROSECONDS;
}

/** Write a time for people; `parseTime` reads it again. */
export function formatTime(time: bigint): string {
  const fraction = fractionOf(time);
  const whole = new Date(Number((time - fraction) / 1000n)).toISOString().slice(0, 19);
  return `${whole}${fraction === 0n ? "" : `.${fraction.toString().padStart(6, "0")}`}Z`;
}
