// What an application expects at each of its places: the middle, the range, since when, and the decision's receipt.

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { query } from "../../api/client";
import { useResource } from "../../api/resource";
import type { App, AppPlace, AppPlaces } from "../../api/types";
import { Simulated, type Made } from "../../parts/mark";
import { SealOf } from "../../parts/seal";
import { Empty, Loaded } from "../../parts/states";
import { said, t, tWord } from "../../language";
import { age, number, sentence, shortTime, time } from "../../language/format";
import { isFound } from "../../language/search";
import { unitWords } from "../../language/units";
import { linkTo } from "../../router";
import { fieldWords } from "../words";
import { middleAndRange } from "./forecasts";
import { hrefOf, type Asked } from "./layer";
import type { MapPlace } from "./map";
import { markName } from "./mark_image";
import { useMarks } from "./marks";
import { sitesOf, usePlaces, type Site } from "./sites";
import { Tile, Tiles, Value } from "./tile";
import { stamp } from "./tiles";

interface Said {
  readonly place: AppPlace;
  readonly name: string;
  readonly site: Site | undefined;
}

interface OfLayer {
  readonly app: App;
  readonly target: string;
  readonly head: AppPlaces;
  readonly asked: Asked;
}

export function AppLayer(props: {
  readonly id: string;
  readonly app: App;
  readonly target: string;
  readonly asked: Asked;
}): JSX.Element {
  const { id, app, target, asked } = props;
  const { at, asOf, search, onFound } = asked;
  const path = `api/v1/apps/${encodeURIComponent(app.app)}/layers/${encodeURIComponent(target)}`;
  const layer = useResource<AppPlaces>(path + query({ at: stamp(at), as_of: stamp(asOf) }));
  const places = usePlaces(app.feeds);
  const sites = useMemo(() => sitesOf(app.feeds, places), [places]);
  const matching = ({ items }: AppPlaces) =>
    items
      .map((place): Said => ({ place, site: sites.get(place.key), name: sites.get(place.key)?.title ?? place.key }))
      .filter(({ place, name }) => isFound(search, `${place.key} ${name}`));
  const marks = (head: AppPlaces) => matching(head).flatMap((one) => onMap(one, { app, target, head, asked }));
  useMarks(id, onFound, layer, marks, [search, sites]);
  const title = appTitle(app, target);
  const hasNotRun = layer.state === "failed" && layer.error.status === 404;
  return (
    <section aria-label={title} class="layer">
      <h2>
        {title} <Simulated is={app.simulated} />
      </h2>
      <p class="soft">
        {app.stage === null ? t("models.not-released") : tWord("stage", app.stage)} ·{" "}
        <a href={linkTo("models", ["app", app.app])}>{t("models.app-page")}</a>
      </p>
      {hasNotRun ? (
        <Empty>{t("forecast.none")}</Empty>
      ) : (
        <Loaded of={layer} isEmpty={({ items }) => items.length === 0} empty={t("forecast.none")}>
          {(data) => {
            const found = matching(data);
            if (found.length === 0) return <Empty>{t("city.none-found", { query: search })}</Empty>;
            return (
              <>
                {data.is_cut && <p class="soft">{t("city.first-places", { n: data.items.length, of: app.keys.length })}</p>}
                <Tiles of={found} tile={(one) => <ForecastTile key={one.place.key} of={one} in={{ app, target, head: data, asked }} />} />
                {data.silent.length > 0 && <p class="soft">{t("forecast.silent", { places: data.silent.slice(0, 20).join(", ") })}</p>}
              </>
            );
          }}
        </Loaded>
      )}
    </section>
  );
}

export function appTitle(app: App, target: string): string {
  return t("layer.forecast", { target: sentence(fieldWords(target)), app: said(app.title) || app.app });
}

function madeOf({ head, asked }: OfLayer): Made {
  // Old is what two runs should have replaced, as far apart as the last two were.
  const gap = head.made_before === null ? 0 : Date.parse(head.made_at) - Date.parse(head.made_before);
  const old = asked.now - Date.parse(head.made_at) > 2 * Math.max(gap, head.every_s * 1_000);
  return { state: "forecast", simulated: head.simulated, flagged: false, old };
}

function ForecastTile({ of, in: layer }: { readonly of: Said; readonly in: OfLayer }): JSX.Element {
  const { place, name, site } = of;
  const { target, head, asked } = layer;
  const { middle, low, high } = middleAndRange(place);
  const range = low === null || high === null ? undefined : t("forecast.range", { low: number(low), high: number(high) });
  return (
    <Tile
      made={madeOf(layer)}
      name={name === place.key ? name : `${name} (${place.key})`}
      href={site === undefined ? null : hrefOf(site.feed, site.key, asked, target)}
      values={
        <Value name={fieldWords(target)} value={middle} unit={head.unit} state="forecast" {...(range === undefined ? {} : { also: range })} />
      }
      when={
        <>
          {t("forecast.for", { time: shortTime(place.due) })} · {t("forecast.made", { time: time(head.made_at) })} (
          {age((asked.now - Date.parse(head.made_at)) / 1_000)})
        </>
      }
      flags={place.override === null ? [] : [`${t("forecast.overruled")}: ${place.override}`]}
      proof={<SealOf path={place.receipt} about={`${name}, ${fieldWords(target)}`} lineage={linkTo("lineage", [head.decision])} />}
    />
  );
}

function onMap({ place, site, name }: Said, layer: OfLayer): MapPlace[] {
  if (site === undefined || site.at === null) return [];
  const { middle } = middleAndRange(place);
  return [
    {
      href: hrefOf(site.feed, site.key, layer.asked, layer.target),
      at: site.at,
      label: middle === null ? name : `${number(middle, 1)} ${unitWords(layer.head.unit)}`,
      mark: markName(madeOf(layer)),
    },
  ];
}
