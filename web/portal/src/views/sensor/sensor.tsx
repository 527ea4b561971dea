// One sensor: what it said, what was said of it, and what is expected of it.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { JSX } from "preact";
import { isNotThen, query } from "../../api/client";
import { useResource } from "../../api/resource";
import type { App, Feed, Field, Forecast, List, Place, Places, Series } from "../../api/types";
import { Facts, Table } from "../../parts/facts";
import { Legend, Mark, madeWords, Simulated } from "../../parts/mark";
import { Empty, Failed, Loaded } from "../../parts/states";
import { receiptPath, rowLineage, SealOf } from "../../parts/seal";
import { said, t } from "../../language";
import { age, cityNow, number, percent, time } from "../../language/format";
import { unitWords } from "../../language/units";
import type { ViewProps } from "../../portal";
import { linkTo } from "../../router";
import { placesPath } from "../city/layer";
import { TimeBar } from "../city/time_bar";
import { stamp, timeOf } from "../city/tiles";
import { fieldTitle, flagWords } from "../words";
import { FanPlot } from "./fan_plot";
import { Panels, type Span } from "./panel_plot";
import { SeriesPlot } from "./series_plot";

const HOURS = [6, 24, 48, 168, 720] as const;
const MOST_POINTS = 10_000;
const MOST_ROWS = 60;

export function SensorView({ route }: ViewProps): JSX.Element {
  const [name = "", key = ""] = route.places;
  const feed = useResource<Feed>(`api/v1/feeds/${encodeURIComponent(name)}`);
  return (
    <Loaded of={feed}>
      {(known) => <Sensor key={`${name} ${key}`} feed={known} id={key} asked={route.query} />}
    </Loaded>
  );
}

function Sensor(props: { readonly feed: Feed; readonly id: string; readonly asked: ReadonlyMap<string, string> }): JSX.Element {
  const { feed, id, asked } = props;
  const at = useSignal<number | null>(timeOf(asked.get("at")));
  const asOf = useSignal<number | null>(timeOf(asked.get("as_of")));
  const places = useResource<Places>(placesPath(feed.feed, at.value, asOf.value));
  const place = places.state === "ready" ? places.data.features.find((one) => one.properties.key === id) : undefined;
  const numbers = feed.fields.filter((field) => isPlotted(feed, field));
  const chosen = useSignal(numbers.find((field) => field.name === asked.get("field"))?.name ?? numbers[0]?.name ?? "");
  const hours = useSignal<number>(48);
  const field = numbers.find((one) => one.name === chosen.value);
  const end = lastTime(feed);
  const span = spanOf(at.value ?? end, hours.value, asOf.value);
  // The address says what is shown, so that it can be passed on.
  useEffect(() => {
    const query = { field: asked.get("field") === undefined ? undefined : chosen.value, at: stamp(at.value) ?? undefined, as_of: stamp(asOf.value) ?? undefined };
    history.replaceState(null, "", linkTo("sensor", [feed.feed, id], query));
  }, [at.value, asOf.value, chosen.value]);
  return (
    <>
      <p class="soft">
        <a href={linkTo("city")}>{t("nav.city")}</a> › {said(feed.title) || feed.feed}
      </p>
      <h1 tabIndex={-1}>
        {said(place?.properties.title) || id} <Simulated is={feed.simulated} />
      </h1>
      {place !== undefined && <PlaceFacts feed={feed} place={place} />}
      {(places.state === "ready" || (places.state === "failed" && isNotThen(places.error))) && place === undefined && <Empty>{t("sensor.not-known")}</Empty>}
      <TimeBar at={at} asOf={asOf} end={end} />
      <div class="tools">
        <label>
          <span>{t("sensor.field")}</span>
          <select value={chosen.value} onChange={(event) => (chosen.value = event.currentTarget.value)}>
            {numbers.map((one) => (
              <option key={one.name} value={one.name}>
                {fieldTitle(feed, one.name)}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>{t("sensor.span")}</span>
          <select value={String(hours.value)} onChange={(event) => (hours.value = Number(event.currentTarget.value))}>
            {HOURS.map((n) => (
              <option key={n} value={String(n)}>
                {n < 72 ? t("sensor.hours", { n }) : t("sensor.days", { n: n / 24 })}
              </option>
            ))}
          </select>
        </label>
      </div>
      {field === undefined ? <Empty>{t("sensor.no-field")}</Empty> : <Readings feed={feed} id={id} field={field} span={span} />}
      {field !== undefined && place !== undefined && <Panels feed={feed} place={place} field={field.name} span={span} />}
      {field !== undefined && <Forecasts id={id} field={field} until={least(at.value, asOf.value)} />}
    </>
  );
}

/** The feed's last reading, not now: of a city that was recorded there is else nothing to see. */
function lastTime(feed: Feed): number {
  const last = Date.parse(feed.freshness.last_event ?? "");
  return Number.isNaN(last) ? cityNow() : Math.min(last, cityNow());
}

/** Hours back from a time. To the last minute, so that the same question has the same words and its answer is kept. */
function spanOf(last: number, hours: number, asOf: number | null): Span {
  const end = Math.ceil(last / 60_000) * 60_000;
  return { from: new Date(end - hours * 3_600_000).toISOString(), to: new Date(end).toISOString(), asOf: stamp(asOf) };
}

function least(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

function isPlotted(feed: Feed, field: Field): boolean {
  return /int|float|number|decimal|double/i.test(field.type) && !field.is_personal && !feed.key.includes(field.name);
}

function PlaceFacts({ feed, place }: { readonly feed: Feed; readonly place: Place }): JSX.Element {
  const { key, agency, observed_at, age_s, record, trust } = place.properties;
  return (
    <Facts
      items={[
        [t("sensor.key"), <code key="k">{key}</code>],
        [t("shown.agency"), agency ?? feed.agency],
        [t("sensor.last"), observed_at === null ? null : `${time(observed_at)} (${age(age_s)})`],
        [t("sensor.trust"), trust === null ? null : percent(trust)],
        [t("seal.title"), <SealOf key="s" path={receiptPath(feed.feed, record)} about={key} {...lineageOf(feed, record)} />],
        [t("sensor.more"), <a href={linkTo("quality", [feed.feed])}>{t("city.quality-of")}</a>],
      ]}
    />
  );
}

function lineageOf(feed: Feed, record: string | null): { lineage?: string } {
  const lineage = rowLineage(feed.feed, record);
  return lineage === undefined ? {} : { lineage };
}

function Readings(props: { readonly feed: Feed; readonly id: string; readonly field: Field; readonly span: Span }): JSX.Element {
  const { feed, id, field, span } = props;
  const values = { key: id, field: field.name, from: span.from, to: span.to, as_of: span.asOf, limit: MOST_POINTS };
  const series = useResource<Series>(`api/v1/feeds/${encodeURIComponent(feed.feed)}/series${query(values)}`);
  const title = fieldTitle(feed, field.name);
  return (
    <section aria-label={title}>
      <Loaded of={series} isEmpty={({ points }) => points.length === 0} empty={t("sensor.no-points")}>
        {(data) => (
          <>
            <SeriesPlot series={data} title={title} />
            <Legend />
            {data.next !== null && <p class="soft">{t("sensor.cut", { n: data.points.length })}</p>}
            <details>
              <summary>{t("as-table")}</summary>
              <Rows feed={feed} series={data} title={title} />
            </details>
          </>
        )}
      </Loaded>
    </section>
  );
}

function Rows(props: { readonly feed: Feed; readonly series: Series; readonly title: string }): JSX.Element {
  const { feed, series, title } = props;
  const rows = [...series.points].reverse().slice(0, MOST_ROWS);
  return (
    <Table
      caption={`${title} (${unitWords(series.unit)})`}
      head={[t("sensor.when"), t("shown.value"), t("sensor.made"), t("sensor.flags"), t("seal.title")]}
    >
      {rows.map((point) => {
        const made = { state: point.state, simulated: series.simulated, flagged: point.flags.length > 0, old: false };
        const lineage = rowLineage(feed.feed, point.record);
        return (
          <tr key={point.at}>
            <th scope="row">{time(point.at)}</th>
            <td>{point.value === null ? "–" : number(point.value)}</td>
            <td>
              <Mark made={made} /> {madeWords(made)}
            </td>
            <td>{point.flags.map(flagWords).join("; ")}</td>
            <td>
              <SealOf path={receiptPath(feed.feed, point.record)} about={time(point.at)} {...(lineage ? { lineage } : {})} />
            </td>
          </tr>
        );
      })}
    </Table>
  );
}

function Forecasts(props: { readonly id: string; readonly field: Field; readonly until: number | null }): JSX.Element {
  const { id, field, until } = props;
  const apps = useResource<List<App>>("api/v1/apps");
  return (
    <section aria-labelledby="forecasts">
      <h2 id="forecasts">{t("forecast.heading")}</h2>
      <Loaded of={apps} isEmpty={({ items }) => !items.some((app) => Object.hasOwn(app.targets, field.name))} empty={t("forecast.none")}>
        {({ items }) =>
          items
            .filter((app) => Object.hasOwn(app.targets, field.name))
            .map((app) => <OneForecast key={`${app.app} ${until}`} app={app.app} id={id} target={field.name} until={until} />)
        }
      </Loaded>
    </section>
  );
}

export function OneForecast(props: {
  readonly app: string;
  readonly id: string;
  readonly target: string;
  readonly until?: number | null; // what is shown is as of then: no later run
}): JSX.Element {
  const until = stamp(props.until ?? null);
  const origin = useSignal(until ?? "");
  const values = { key: props.id, target: props.target, origin: origin.value };
  const path = `api/v1/apps/${encodeURIComponent(props.app)}/forecasts${query(values)}`;
  const forecast = useResource<Forecast>(path);
  if (forecast.state === "failed") {
    return forecast.error.status === 404 ? <Empty>{t("forecast.none")}</Empty> : <Failed error={forecast.error} />;
  }
  return (
    <Loaded of={forecast} isEmpty={({ points }) => points.length === 0} empty={t("forecast.none")}>
      {(data) => (
        <>
          <div class="tools">
            <label>
              <span>{t("forecast.when")}</span>
              <select value={data.made_at} onChange={(event) => (origin.value = event.currentTarget.value)}>
                {[...data.origins]
                  .filter((made) => until === null || Date.parse(made) <= Date.parse(until))
                  .reverse()
                  .map((made) => (
                  <option key={made} value={made}>
                    {time(made)}
                  </option>
                ))}
              </select>
            </label>
          </div>
          <FanPlot forecast={data} />
        </>
      )}
    </Loaded>
  );
}
