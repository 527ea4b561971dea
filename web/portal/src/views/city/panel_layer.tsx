// One column of a panel: every place at one time of its grid, what is missing filled by the panel's rules, and marked.

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { query } from "../../api/client";
import { useResource } from "../../api/resource";
import type { Feed, Panel, PanelColumn, PanelValues } from "../../api/types";
import { Simulated, type Made } from "../../parts/mark";
import { Empty, Loaded } from "../../parts/states";
import { t, tWord } from "../../language";
import { number, sentence, since, span, time } from "../../language/format";
import { isFound } from "../../language/search";
import { unitWords } from "../../language/units";
import { linkTo } from "../../router";
import { fieldWords } from "../words";
import { hrefOf, type Asked } from "./layer";
import type { MapPlace } from "./map";
import { markName } from "./mark_image";
import { useMarks } from "./marks";
import { sitesBy, usePlaces, type Site } from "./sites";
import { Tile, Tiles, Value } from "./tile";
import { stamp } from "./tiles";

type Cell = PanelValues["items"][number];

export function PanelLayer(props: {
  readonly id: string;
  readonly panel: Panel;
  readonly column: PanelColumn;
  readonly feed: Feed;
  readonly asked: Asked;
}): JSX.Element {
  const { id, panel, column, feed, asked } = props;
  const { at, asOf, search, onFound } = asked;
  const path = `api/v1/panels/${encodeURIComponent(panel.panel)}/values`;
  const values = useResource<PanelValues>(
    `${path}${query({ column: column.name, at: stamp(at), as_of: stamp(asOf), limit: 1_000 })}`,
  );
  const places = usePlaces([feed.feed]);
  const key = column.key ?? "";
  const sites = useMemo(() => sitesBy(key, feed.key.includes(key), feed.feed, places.get(feed.feed) ?? []), [places]);
  const matching = (cells: readonly Cell[]) => {
    const found = cells.filter((cell) => isFound(search, `${cell.key} ${sites.get(cell.key)?.title ?? ""}`));
    // Those without a value come last: some places have no sensor of the kind at all.
    return [...found.filter(({ value }) => value !== null), ...found.filter(({ value }) => value === null)];
  };
  useMarks(id, onFound, values, (data) => onMap(data, matching(data.items), sites, feed, column, asked), [search, sites]);
  const title = panelTitle(panel, column);
  return (
    <section aria-label={title} class="layer">
      <h2>
        {title} <Simulated is={panel.simulated} />
      </h2>
      <p class="soft">{panelWords(column)}</p>
      <Loaded of={values} isEmpty={({ items }) => items.length === 0} empty={t("city.no-places")}>
        {(head) => {
          const cells = matching(head.items);
          if (cells.length === 0) return <Empty>{t("city.none-found", { query: search })}</Empty>;
          return (
            <Tiles
              of={cells}
              tile={(cell) => (
                <CellTile key={cell.key} cell={cell} head={head} site={sites.get(cell.key)} feed={feed} column={column} asked={asked} />
              )}
            />
          );
        }}
      </Loaded>
    </section>
  );
}

export function panelTitle(panel: Panel, column: PanelColumn): string {
  return t("panel.title", { field: sentence(fieldWords(column.field)), panel: panel.panel });
}

/** By which rules a column is made. */
export function panelWords(column: Pick<PanelColumn, "aggregate" | "window_s" | "fill" | "longest_age_s">): string {
  const made = t("panel.made", { aggregate: tWord("aggregate", column.aggregate), window: span(column.window_s) });
  if (column.fill === "none") return `${made} ${t("panel.no-fill")}`;
  const fill = column.fill === "linear" ? "panel.fill-linear" : "panel.fill-previous";
  return `${made} ${t(fill, { age: span(column.longest_age_s) })}`;
}

function madeOf({ state }: Cell, head: PanelValues, asked: Asked): Made {
  const old = head.at !== null && asked.now - Date.parse(head.at) > 3 * head.every_s * 1_000;
  return { state: state === "missing" ? "none" : state, simulated: head.simulated, flagged: false, old };
}

function CellTile(props: {
  readonly cell: Cell;
  readonly head: PanelValues;
  readonly site: Site | undefined;
  readonly feed: Feed;
  readonly column: PanelColumn;
  readonly asked: Asked;
}): JSX.Element {
  const { cell, head, site, feed, column, asked } = props;
  const made = madeOf(cell, head, asked);
  const name = site === undefined || site.title === cell.key ? cell.key : `${site.title} (${cell.key})`;
  return (
    <Tile
      made={made}
      name={name}
      href={site === undefined ? null : hrefOf(site.feed, site.key, asked, column.field)}
      values={<Value name={fieldWords(column.field)} value={cell.value} unit={head.unit} state={made.state} />}
      when={head.at !== null && <>{time(head.at)}{since((asked.now - Date.parse(head.at)) / 1_000)}</>}
      proof={
        <span class="proof none">
          {t(head.is_stated ? "panel.stated" : "panel.not-stated")}{" "}
          <a href={linkTo("lineage", [head.entry])} aria-label={`${t("seal.lineage")}: ${feed.feed}, ${name}`}>
            {t("seal.lineage")}
          </a>
        </span>
      }
    />
  );
}

function onMap(
  head: PanelValues,
  cells: readonly Cell[],
  sites: ReadonlyMap<string, Site>,
  feed: Feed,
  column: PanelColumn,
  asked: Asked,
): MapPlace[] {
  return cells.flatMap((cell) => {
    const site = sites.get(cell.key);
    if (site === undefined || site.at === null) return [];
    return [
      {
        href: hrefOf(feed.feed, site.key, asked, column.field),
        at: site.at,
        label: cell.value === null ? site.title : `${number(cell.value, 1)} ${unitWords(head.unit)}`,
        mark: markName(madeOf(cell, head, asked)),
      },
    ];
  });
}
