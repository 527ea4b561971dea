// Where places are that a panel or an application speaks of by their keys: as the feeds know them that it rests on.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { getJson } from "../../api/client";
import type { Place, Places } from "../../api/types";
import { said } from "../../language";
import { placesPath } from "./layer";

export interface Site {
  readonly title: string;
  readonly at: readonly [number, number] | null;
  readonly feed: string;
  readonly key: string; // of the sensor's page
}

/** Fetch the places of feeds, which move seldom; a feed that cannot be read has none. */
export function usePlaces(feeds: readonly string[]): ReadonlyMap<string, readonly Place[]> {
  const found = useSignal<ReadonlyMap<string, readonly Place[]>>(new Map());
  const names = feeds.join("\n");
  useEffect(() => {
    const stop = new AbortController();
    for (const feed of feeds) {
      getJson<Places>(placesPath(feed, null, null), stop.signal).then(
        ({ features }) => (found.value = new Map([...found.peek(), [feed, features]])),
        () => undefined,
      );
    }
    return () => stop.abort();
  }, [names]);
  return found.value;
}

/**
 * Sites by the values of a column: a place's own key, or what many places share, such as a ward, which is then in the
 * middle of them and called as the first of them is.
 */
export function sitesBy(column: string, isKey: boolean, feed: string, places: readonly Place[]): ReadonlyMap<string, Site> {
  const groups = new Map<string, Place[]>();
  for (const place of places) {
    const value = isKey ? place.properties.key : place.properties.values[column]?.value;
    if (value === null || value === undefined) continue;
    groups.set(String(value), [...(groups.get(String(value)) ?? []), place]);
  }
  return new Map(
    [...groups].map(([value, group]) => {
      const points = group.flatMap((place) => (place.geometry === null ? [] : [place.geometry.coordinates]));
      const mean = (i: 0 | 1) => points.reduce((sum, point) => sum + point[i], 0) / points.length;
      const first = group[0] as Place;
      const site: Site = {
        title: said(first.properties.title) || value,
        at: points.length === 0 ? null : [mean(0), mean(1)],
        feed,
        key: first.properties.key,
      };
      return [value, site];
    }),
  );
}

/** Sites by their own keys, of several feeds; the first that knows one counts. */
export function sitesOf(feeds: readonly string[], places: ReadonlyMap<string, readonly Place[]>): ReadonlyMap<string, Site> {
  const all = new Map<string, Site>();
  for (const feed of feeds) {
    for (const [key, site] of sitesBy("", true, feed, places.get(feed) ?? [])) if (!all.has(key)) all.set(key, site);
  }
  return all;
}
