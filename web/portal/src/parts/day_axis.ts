// Days on a line: each at its own place, so that a day without anything is a gap and not left out.

import type { Day } from "./day_bars";

const DAY_MS = 86_400_000;

export interface DayAxis {
  readonly n: number; // how many days the line is long
  readonly bars: readonly { readonly at: number; readonly day: Day }[];
}

/** The last `most` days up to the newest. Days that cannot be read are left out. */
export function dayAxis(days: readonly Day[], most: number): DayAxis {
  const dated = days
    .map((day) => ({ number: Math.floor(Date.parse(`${day.day.slice(0, 10)}T00:00:00Z`) / DAY_MS), day }))
    .filter(({ number }) => !Number.isNaN(number));
  if (dated.length === 0) return { n: 0, bars: [] };
  const last = Math.max(...dated.map(({ number }) => number));
  const first = Math.max(Math.min(...dated.map(({ number }) => number)), last - most + 1);
  const bars = dated.filter(({ number }) => number >= first).map(({ number, day }) => ({ at: number - first, day }));
  return { n: last - first + 1, bars };
}
