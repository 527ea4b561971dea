// What an application expects at each of its places: the middle, the range, since when, and the decision's receipt.

import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import type { App, Forecast } from "../../api/types";
import { Simulated, type Made } from "../../parts/mark";
import { SealOf } from "../../parts/seal";
import { Empty, Failed, Loading } from "../../parts/states";
import { said, t, tWord } from "../../language";
import { age, number, sentence, shortTime, time } from "../../language/format";
import { isFound } from "../../language/search";
import { unitWords } from "../../language/units";
import { linkTo } from "../../router";
import { fieldWords } from "../words";
import { middleAndRange, MOST_PLACES, nextPoint, useForecasts } from "./forecasts";
import { hrefOf, type Asked } from "./layer";
import type { MapPlace } from "./map";
import { markName } from "./mark_image";
import { sitesOf, usePlaces, type Site } from "./sites";
import { Tile, Tiles, Value } from "./tile";

interface Said {
  readonly key: string;
  readonly name: string;
  readonly site: Site | undefined;
  readonly forecast: Forecast;
}

export function AppLayer(props: {
  readonly id: string;
  readonly app: App;
  readonly target: string;
  readonly asked: Asked;
}): JSX.Element {
  const { id, app, target, asked } = props;
  const { at, asOf, search, onFound } = asked;
  // As known then, no run counts that came later.
  const until = at === null || asOf === null ? (at ?? asOf) : Math.min(at, asOf);
  const { forecasts, problem, isDone } = useForecasts(app, target, until);
  const places = usePlaces(app.feeds);
  const sites = useMemo(() => sitesOf(app.feeds, places), [places]);
  const all = useMemo(
    () =>
      [...forecasts].flatMap(([key, forecast]): Said[] => {
        const site = sites.get(key);
        return forecast === null ? [] : [{ key, name: site?.title ?? key, site, forecast }];
      }),
    [forecasts, sites],
  );
  const found = all.filter(({ key, name }) => isFound(search, `${key} ${name}`));
  useEffect(() => {
    if (isDone) onFound(id, found.flatMap((one) => onMap(one, app, asked)));
  }, [all, search, isDone]);
  useEffect(() => () => onFound(id, null), []);
  const title = appTitle(app, target);
  return (
    <section aria-label={title} class="layer">
      <h2>
        {title} <Simulated is={app.simulated} />
      </h2>
      <p class="soft">
        {app.stage === null ? t("models.not-released") : tWord("stage", app.stage)} ·{" "}
        <a href={linkTo("models", ["app", app.app])}>{t("models.app-page")}</a>
      </p>
      {app.keys.length > MOST_PLACES && <p class="soft">{t("city.first-places", { n: MOST_PLACES, of: app.keys.length })}</p>}
      {problem !== null && <Failed error={problem} />}
      {problem === null && !isDone && <Loading />}
      {isDone && all.length === 0 && <Empty>{t("forecast.none")}</Empty>}
      {isDone && all.length > 0 && found.length === 0 && <Empty>{t("city.none-found", { query: search })}</Empty>}
      {isDone && <Tiles of={found} tile={(one) => <ForecastTile key={one.key} of={one} app={app} asked={asked} />} />}
    </section>
  );
}

export function appTitle(app: App, target: string): string {
  return t("layer.forecast", { target: sentence(fieldWords(target)), app: said(app.title) || app.app });
}

/** A city that fell silent is shown as it was last. */
function nowOf(asked: Asked): number {
  return asked.at ?? asked.end;
}

function madeOf(forecast: Forecast, app: App, asked: Asked): Made {
  // Old is what two runs should have replaced, as far apart as the last two were.
  const [last, before] = [forecast.origins.at(-1), forecast.origins.at(-2)];
  const gap = last === undefined || before === undefined ? 0 : Date.parse(last) - Date.parse(before);
  const old = asked.now - Date.parse(forecast.made_at) > 2 * Math.max(gap, app.every_s * 1_000);
  return { state: "forecast", simulated: forecast.simulated, flagged: false, old };
}

function ForecastTile({ of, app, asked }: { readonly of: Said; readonly app: App; readonly asked: Asked }): JSX.Element {
  const { key, name, site, forecast } = of;
  const point = nextPoint(forecast.points, nowOf(asked));
  const { middle, low, high } = point === null ? { middle: null, low: null, high: null } : middleAndRange(point);
  const range = low === null || high === null ? undefined : t("forecast.range", { low: number(low), high: number(high) });
  const made = madeOf(forecast, app, asked);
  return (
    <Tile
      made={made}
      name={name === key ? key : `${name} (${key})`}
      href={site === undefined ? null : hrefOf(site.feed, site.key, asked, forecast.target)}
      values={
        <Value
          name={fieldWords(forecast.target)}
          value={middle}
          unit={forecast.unit}
          state="forecast"
          {...(range === undefined ? {} : { also: range })}
        />
      }
      when={
        <>
          {point !== null && <>{t("forecast.for", { time: shortTime(point.at) })} · </>}
          {t("forecast.made", { time: time(forecast.made_at) })} ({age((asked.now - Date.parse(forecast.made_at)) / 1_000)})
        </>
      }
      flags={point?.override ? [`${t("forecast.overruled")}: ${point.override}`] : []}
      proof={
        <SealOf
          path={point?.receipt ?? forecast.receipt}
          about={`${name}, ${fieldWords(forecast.target)}`}
          {...(forecast.decision === null ? {} : { lineage: linkTo("lineage", [forecast.decision]) })}
        />
      }
    />
  );
}

function onMap({ site, forecast, name }: Said, app: App, asked: Asked): MapPlace[] {
  if (site === undefined || site.at === null) return [];
  const point = nextPoint(forecast.points, nowOf(asked));
  const middle = point === null ? null : middleAndRange(point).middle;
  return [
    {
      href: hrefOf(site.feed, site.key, asked, forecast.target),
      at: site.at,
      label: middle === null ? name : `${number(middle, 1)} ${unitWords(forecast.unit)}`,
      mark: markName(madeOf(forecast, app, asked)),
    },
  ];
}
