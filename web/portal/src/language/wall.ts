// Times as a clock on the city's wall shows them, for inputs that know no zone.

/** `2026-09-12T14:05` in a zone, as `<input type="datetime-local">` has it. */
export function toWall(ms: number, zone: string | null): string {
  const parts = new Intl.DateTimeFormat("en-GB", {
    ...(zone === null ? {} : { timeZone: zone }),
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(ms);
  const of = (type: string) => parts.find((part) => part.type === type)?.value ?? "";
  return `${of("year").padStart(4, "0")}-${of("month")}-${of("day")}T${of("hour")}:${of("minute")}`;
}

/** The moment at which a clock in a zone shows a text; null for no time, or one that a changed clock leaves out. */
export function fromWall(text: string, zone: string | null): number | null {
  const asUtc = Date.parse(`${text}Z`);
  if (Number.isNaN(asUtc)) return null;
  const wanted = text.slice(0, 16);
  const offset = Date.parse(`${toWall(asUtc, zone)}Z`) - asUtc;
  for (const guess of [asUtc - offset, asUtc - offset - 3_600_000, asUtc - offset + 3_600_000]) {
    if (toWall(guess, zone) === wanted) return guess;
  }
  return null;
}
