// The city as it is, or as it was: a map and a list of the same places.

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { useResource, type Resource } from "../../api/resource";
import type { App, Feed, List, Panel } from "../../api/types";
import { Legend } from "../../parts/mark";
import { Loaded } from "../../parts/states";
import { said, t } from "../../language";
import { cityNow } from "../../language/format";
import { unitWords } from "../../language/units";
import type { ViewProps } from "../../portal";
import { linkTo } from "../../router";
import { fieldWords } from "../words";
import { AppLayer } from "./app_layer";
import { Layer, type Asked } from "./layer";
import { firstLayers, idsOf, layersOf, type LayerOf } from "./layers";
import type { MapLayer, MapPlace } from "./map";
import { MapBox } from "./map_box";
import { PanelLayer } from "./panel_layer";
import { TimeBar } from "./time_bar";
import { stamp, timeOf } from "./tiles";

export function CityView({ route, city }: ViewProps): JSX.Element {
  const feeds = useResource<List<Feed>>("api/v1/feeds?limit=200");
  const panels = useResource<List<Panel>>("api/v1/panels");
  const apps = useResource<List<App>>("api/v1/apps");
  // Layers of panels and apps come beside those of feeds; without them the city is still to be seen.
  const isWhole = panels.state !== "loading" && apps.state !== "loading";
  const layers = useMemo(
    () =>
      layersOf(
        feeds.state === "ready" ? feeds.data.items.filter(isShown) : [],
        panels.state === "ready" ? panels.data.items : [],
        apps.state === "ready" ? apps.data.items : [],
      ),
    [feeds, panels, apps],
  );
  return (
    <>
      <h1>{t("city.title")}</h1>
      <Loaded of={feeds} isEmpty={(list) => !list.items.some(isShown)} empty={t(hasNone(feeds) ? "city.none-yet" : "city.no-feeds")}>
        {() => <Layers layers={layers} isWhole={isWhole} route={route} city={city} />}
      </Loaded>
    </>
  );
}

function hasNone(feeds: Resource<List<Feed>>): boolean {
  return feeds.state === "ready" && feeds.data.items.length === 0;
}

/** Feeds of places, whose rows are of nobody in particular. */
function isShown(feed: Feed): boolean {
  return !feed.is_personal && feed.place_field !== null;
}

function Layers(props: ViewProps & { readonly layers: readonly LayerOf[]; readonly isWhole: boolean }): JSX.Element {
  const { layers, isWhole, route, city } = props;
  const wanted = useSignal<ReadonlySet<string> | null>(idsOf(route.query.get("layers")));
  const chosen = firstLayers(layers, wanted.value);
  const at = useSignal<number | null>(timeOf(route.query.get("at")));
  const asOf = useSignal<number | null>(timeOf(route.query.get("as_of")));
  const search = useSignal("");
  const found = useSignal<ReadonlyMap<string, readonly MapPlace[]>>(new Map());
  const shown = layers.filter((layer) => chosen.has(layer.id));
  const end = lastTime(layers);

  // The address says what is shown, so that it can be passed on; going back leaves the view at once. Layers that it
  // names may still be on their way: until all are there it stays as it came.
  const named = [...chosen].join(",");
  useEffect(() => {
    if (!isWhole) return;
    const query = { layers: named, at: stamp(at.value) ?? undefined, as_of: stamp(asOf.value) ?? undefined };
    history.replaceState(null, "", linkTo("city", [], query));
  }, [isWhole, named, at.value, asOf.value]);

  const onFound = useMemo<Asked["onFound"]>(
    () => (id, places) => {
      const next = new Map(found.peek());
      if (places === null) next.delete(id);
      else next.set(id, places);
      found.value = next;
    },
    [],
  );
  const asked: Asked = { at: at.value, asOf: asOf.value, end, now: at.value ?? cityNow(), search: search.value, onFound };
  // In one order, whichever answer came first: where labels have no room, those of the first layer stay.
  const drawn = useMemo(
    () =>
      layers.flatMap(({ id, kind }, order): MapLayer[] => {
        const places = found.value.get(id);
        return places === undefined ? [] : [{ kind, order, places }];
      }),
    [layers, found.value],
  );

  return (
    <div class="city-grid">
      <div class="city-side">
        {city !== null && <MapBox layers={drawn} city={city} />}
        <Legend forecast={shown.some(({ kind }) => kind === "app")} />
        <TimeBar at={at} asOf={asOf} end={end} />
      </div>
      <div class="city-list">
        <Choices layers={layers} chosen={chosen} onToggle={(id) => (wanted.value = toggled(wanted.value ?? chosen, id))} />
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
        {shown.map((layer) => (
          <OneLayer key={layer.id} of={layer} asked={asked} />
        ))}
      </div>
    </div>
  );
}

function OneLayer({ of, asked }: { readonly of: LayerOf; readonly asked: Asked }): JSX.Element {
  switch (of.kind) {
    case "feed":
      return <Layer feed={of.feed} asked={asked} />;
    case "panel":
      return <PanelLayer id={of.id} panel={of.panel} column={of.column} feed={of.feed} asked={asked} />;
    case "app":
      return <AppLayer id={of.id} app={of.app} target={of.target} asked={asked} />;
  }
}

function Choices(props: {
  readonly layers: readonly LayerOf[];
  readonly chosen: ReadonlySet<string>;
  readonly onToggle: (id: string) => void;
}): JSX.Element {
  const { layers, chosen, onToggle } = props;
  const groups = new Map<string, LayerOf[]>();
  for (const layer of layers) {
    const title = layer.kind === "feed" ? t("layer.feeds") : layer.kind === "panel" ? t("layer.panel", { panel: layer.panel.panel }) : forecastOf(layer.app);
    groups.set(title, [...(groups.get(title) ?? []), layer]);
  }
  return (
    <section aria-label={t("city.layers")}>
      {[...groups].map(([title, group]) => (
        <fieldset key={title} class="layers">
          <legend>{title}</legend>
          {group.map((layer) => (
            <label key={layer.id} class="tick">
              <input type="checkbox" checked={chosen.has(layer.id)} onChange={() => onToggle(layer.id)} /> {nameOf(layer)}
              {layer.kind === "feed" && (
                <>
                  {" "}
                  <span class={`tag fresh-${layer.feed.freshness.state}`}>{t(`fresh.${layer.feed.freshness.state}`)}</span>
                </>
              )}
            </label>
          ))}
        </fieldset>
      ))}
    </section>
  );
}

function forecastOf(app: App): string {
  return t("layer.app", { app: said(app.title) || app.app });
}

function nameOf(layer: LayerOf): string {
  if (layer.kind === "feed") return said(layer.feed.title) || layer.feed.feed;
  if (layer.kind === "panel") return fieldWords(layer.column.field);
  const unit = unitWords(layer.app.targets[layer.target]);
  return unit === "" ? fieldWords(layer.target) : `${fieldWords(layer.target)} (${unit})`;
}

/** Where the slider ends: now, or of a city that fell silent its last reading. */
function lastTime(layers: readonly LayerOf[]): number {
  const last = layers.map((layer) => (layer.kind === "feed" ? Date.parse(layer.feed.freshness.last_event ?? "") : NaN));
  const known = last.filter((ms) => !Number.isNaN(ms));
  return known.length === 0 ? cityNow() : Math.min(cityNow(), Math.max(...known));
}

function toggled(names: ReadonlySet<string>, name: string): ReadonlySet<string> {
  const next = new Set(names);
  if (!next.delete(name)) next.add(name);
  return next;
}
