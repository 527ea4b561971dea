// The city as it is, or as it was: a map and a list of the same places.

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { useResource } from "../../api/resource";
import type { Feed, List, Place } from "../../api/types";
import { Legend } from "../../parts/mark";
import { Loaded } from "../../parts/states";
import { said, t } from "../../language";
import { cityNow } from "../../language/format";
import type { ViewProps } from "../../portal";
import { linkTo } from "../../router";
import { Layer } from "./layer";
import { MapBox } from "./map_box";
import { TimeBar } from "./time_bar";

export type Found = ReadonlyMap<string, { readonly feed: Feed; readonly places: readonly Place[] }>;

export function CityView({ route, city }: ViewProps): JSX.Element {
  const feeds = useResource<List<Feed>>("api/v1/feeds?limit=200");
  return (
    <>
      <h1>{t("city.title")}</h1>
      <Loaded of={feeds} isEmpty={(list) => list.items.every((feed) => !isShown(feed))} empty={t("city.no-feeds")}>
        {(list) => <Layers feeds={list.items.filter(isShown)} route={route} city={city} />}
      </Loaded>
    </>
  );
}

/** Feeds of places, whose rows are of nobody in particular. */
function isShown(feed: Feed): boolean {
  return !feed.is_personal && feed.place_field !== null;
}

function Layers({ feeds, route, city }: ViewProps & { readonly feeds: readonly Feed[] }): JSX.Element {
  const chosen = useSignal(firstLayers(feeds, route.query.get("layers")));
  const at = useSignal<number | null>(timeOf(route.query.get("at")));
  const asOf = useSignal<number | null>(timeOf(route.query.get("as_of")));
  const search = useSignal("");
  const found = useSignal<Found>(new Map());
  const shown = feeds.filter((feed) => chosen.value.has(feed.feed));

  // The address says what is shown, so that it can be passed on; going back leaves the view at once.
  useEffect(() => {
    const stamp = (ms: number | null) => (ms === null ? undefined : new Date(ms).toISOString());
    const layers = [...chosen.value].join(",");
    history.replaceState(null, "", linkTo("city", [], { layers, at: stamp(at.value), as_of: stamp(asOf.value) }));
  }, [chosen.value, at.value, asOf.value]);

  const onFound = useMemo(
    () => (feed: Feed, places: readonly Place[] | null) => {
      const next = new Map(found.peek());
      if (places === null) next.delete(feed.feed);
      else next.set(feed.feed, { feed, places });
      found.value = next;
    },
    [],
  );

  return (
    <div class="city-grid">
      <div class="city-side">
        {city !== null && <MapBox found={found.value} box={city.bbox} geometry={city.geometry ?? null} />}
        <Legend />
        <TimeBar at={at} asOf={asOf} end={lastTime(shown)} />
        <fieldset class="layers">
          <legend>{t("city.layers")}</legend>
          {feeds.map((feed) => (
            <label key={feed.feed} class="tick">
              <input
                type="checkbox"
                checked={chosen.value.has(feed.feed)}
                onChange={() => (chosen.value = toggled(chosen.value, feed.feed))}
              />{" "}
              {said(feed.title) || feed.feed} <span class={`tag fresh-${feed.freshness.state}`}>{t(`fresh.${feed.freshness.state}`)}</span>
            </label>
          ))}
        </fieldset>
      </div>
      <div class="city-list">
        <label class="search">
          <span class="hidden">{t("city.search")}</span>
          <input
            type="search"
            placeholder={t("city.search")}
            value={search.value}
            onInput={(event) => (search.value = event.currentTarget.value)}
          />
        </label>
        {shown.length === 0 && <p class="state empty">{t("city.no-layer")}</p>}
        {shown.map((feed) => (
          <Layer key={feed.feed} feed={feed} at={at.value} asOf={asOf.value} search={search.value} onFound={onFound} />
        ))}
      </div>
    </div>
  );
}

/** Where the slider ends: now, or of a city that fell silent its last reading. */
function lastTime(feeds: readonly Feed[]): number {
  const last = feeds.map((feed) => Date.parse(feed.freshness.last_event ?? "")).filter((ms) => !Number.isNaN(ms));
  return last.length === 0 ? cityNow() : Math.min(cityNow(), Math.max(...last));
}

function firstLayers(feeds: readonly Feed[], wanted: string | null | undefined): ReadonlySet<string> {
  const names = new Set(feeds.map((feed) => feed.feed));
  if (wanted !== null && wanted !== undefined) return new Set(wanted.split(",").filter((name) => names.has(name)));
  return new Set([...names].slice(0, 3));
}

function toggled(names: ReadonlySet<string>, name: string): ReadonlySet<string> {
  const next = new Set(names);
  if (!next.delete(name)) next.add(name);
  return next;
}

function timeOf(text: string | undefined): number | null {
  const ms = text === undefined ? NaN : Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}
