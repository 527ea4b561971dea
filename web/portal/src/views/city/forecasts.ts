// The forecasts of one application for many places: asked for one by one, a few at a time.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ApiError, getJson, isAbort, query } from "../../api/client";
import { revision } from "../../api/resource";
import type { App, Forecast, ForecastPoint } from "../../api/types";
import { stamp } from "./tiles";

export const MOST_PLACES = 80;
const AT_ONCE = 4;

export interface Found {
  /** By place; null for one of which nothing was said. */
  readonly forecasts: ReadonlyMap<string, Forecast | null>;
  readonly problem: ApiError | null;
}

/** Fetch what the last run up to a time said of each place of an application. */
export function useForecasts(app: App, target: string, until: number | null): Found & { readonly isDone: boolean } {
  const found = useSignal<Found>({ forecasts: new Map(), problem: null });
  const keys = app.keys.slice(0, MOST_PLACES);
  const which = `${app.app}\n${target}\n${until}\n${keys.join("\n")}`;
  const grown = revision.value;
  useEffect(() => {
    const stop = new AbortController();
    const waiting = [...keys];
    const fresh = new Map<string, Forecast | null>();
    const ask = async (): Promise<void> => {
      for (let key = waiting.shift(); key !== undefined && !stop.signal.aborted; key = waiting.shift()) {
        const path = `api/v1/apps/${encodeURIComponent(app.app)}/forecasts${query({ key, target, origin: stamp(until) })}`;
        try {
          fresh.set(key, await getJson<Forecast>(path, stop.signal));
        } catch (error) {
          if (stop.signal.aborted || isAbort(error)) return;
          const problem = error instanceof ApiError ? error : new ApiError(0, "bug", String(error));
          if (problem.status !== 404) {
            waiting.length = 0;
            found.value = { ...found.peek(), problem };
            return;
          }
          fresh.set(key, null);
        }
      }
    };
    void Promise.all(Array.from({ length: AT_ONCE }, ask)).then(() => {
      if (!stop.signal.aborted && fresh.size === keys.length) found.value = { forecasts: fresh, problem: null };
    });
    return () => stop.abort();
  }, [which, grown]);
  return { ...found.value, isDone: keys.every((key) => found.value.forecasts.has(key)) };
}

/** What a forecast says of the time just after `now`; of one that lies all before, its last word. */
export function nextPoint(points: readonly ForecastPoint[], now: number): ForecastPoint | null {
  const sorted = [...points].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  return sorted.find((point) => Date.parse(point.at) > now) ?? sorted.at(-1) ?? null;
}

/** The middle of what is said, and the narrowest interval that holds at least four fifths; null where not said. */
export function middleAndRange({ quantiles }: ForecastPoint): { middle: number | null; low: number | null; high: number | null } {
  return { middle: quantiles["0.5"] ?? null, low: quantiles["0.1"] ?? null, high: quantiles["0.9"] ?? null };
}
