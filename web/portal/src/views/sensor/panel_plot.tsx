// A sensor on a panel's grid: what was measured, and apart from it what the panel's rules filled or estimated.

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { query } from "../../api/client";
import { useResource } from "../../api/resource";
import type { Feed, List, Panel, PanelColumn, PanelSeries, Place, SeriesPoint } from "../../api/types";
import { Table } from "../../parts/facts";
import { Legend, Mark, madeWords, Simulated } from "../../parts/mark";
import { Loaded } from "../../parts/states";
import { t } from "../../language";
import { number, shortTime } from "../../language/format";
import { unitWords } from "../../language/units";
import { linkTo } from "../../router";
import { panelTitle, panelWords } from "../city/panel_layer";
import { fieldWords } from "../words";
import { SeriesPlot } from "./series_plot";

const MOST_CELLS = 10_000;
const MOST_ROWS = 60;

export interface Span {
  readonly from: string;
  readonly to: string;
  readonly asOf: string | null;
}

/** All panels with a column of this field, at the key that stands for this place; none where none is made of it. */
export function Panels(props: { readonly feed: Feed; readonly place: Place; readonly field: string; readonly span: Span }): JSX.Element {
  const { feed, place, field, span } = props;
  const panels = useResource<List<Panel>>("api/v1/panels");
  const all = panels.state === "ready" ? panels.data.items : [];
  const found = all.flatMap((panel) =>
    panel.columns.flatMap((column) => {
      const key = keyOf(feed, place, column);
      return column.feed === feed.feed && column.field === field && key !== null ? [{ panel, column, key }] : [];
    }),
  );
  return (
    <>
      {found.map(({ panel, column, key }) => (
        <OnePanel key={`${panel.panel} ${column.name} ${key}`} panel={panel} column={column} id={key} span={span} />
      ))}
    </>
  );
}

/** The panel's key of a place: its own, or what its row says of the column that the panel is keyed by. */
export function keyOf(feed: Feed, place: Place, column: PanelColumn): string | null {
  if (typeof column.key !== "string") return null;
  if (feed.key.includes(column.key)) return place.properties.key;
  const value = place.properties.values[column.key]?.value;
  return value === null || value === undefined ? null : String(value);
}

function OnePanel(props: {
  readonly panel: Panel;
  readonly column: PanelColumn;
  readonly id: string;
  readonly span: Span;
}): JSX.Element {
  const { panel, column, id, span } = props;
  const asked = query({ column: column.name, key: id, from: span.from, to: span.to, as_of: span.asOf, limit: MOST_CELLS });
  const series = useResource<PanelSeries>(`api/v1/panels/${encodeURIComponent(panel.panel)}/series${asked}`);
  const title = `${panelTitle(panel, column)}, ${fieldWords(column.key ?? "")} ${id}`;
  return (
    <section aria-label={title}>
      <h2>
        {title} <Simulated is={panel.simulated} />
      </h2>
      <p class="soft">
        {panelWords(column)} <a href={linkTo("lineage", [panel.entry])}>{t("seal.lineage")}</a>
      </p>
      <Loaded of={series} isEmpty={({ items }) => items.length === 0} empty={t("sensor.no-points")}>
        {(data) => <Cells data={data} title={title} />}
      </Loaded>
    </section>
  );
}

function Cells({ data, title }: { readonly data: PanelSeries; readonly title: string }): JSX.Element {
  const points = useMemo(() => data.items.map(pointOf), [data]);
  const n = (state: string) => number(data.items.filter((item) => item.state === state).length);
  return (
    <>
      <SeriesPlot series={{ points, unit: data.unit, simulated: data.simulated }} title={title} />
      <Legend />
      <p>
        {t("panel.counts", { measured: n("measured"), filled: n("filled"), estimated: n("estimated"), missing: n("missing") })}{" "}
        <span class="soft">{t(data.is_stated ? "panel.stated" : "panel.not-stated")}</span>
      </p>
      <details>
        <summary>{t("as-table")}</summary>
        <Table caption={`${title} (${unitWords(data.unit)})`} head={[t("sensor.when"), t("shown.value"), t("sensor.made")]} numeric={[1]}>
          {[...data.items]
            .reverse()
            .slice(0, MOST_ROWS)
            .map(({ at, value, state }) => {
              const made = { state: state === "missing" ? "none" : state, simulated: data.simulated, flagged: false, old: false } as const;
              return (
                <tr key={at}>
                  <th scope="row">{shortTime(at)}</th>
                  <td class="num">{value === null ? "–" : number(value)}</td>
                  <td>
                    <Mark made={made} /> {madeWords(made)}
                  </td>
                </tr>
              );
            })}
        </Table>
      </details>
    </>
  );
}

function pointOf({ at, value, state }: PanelSeries["items"][number]): SeriesPoint {
  return { at, value, record: null, state: state === "missing" ? "measured" : state, flags: [] };
}
