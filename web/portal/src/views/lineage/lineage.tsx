// From a decision or a row back to the devices, and forward to all that used it.

import type { JSX } from "preact";
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { useResource } from "../../api/resource";
import type { Lineage, LineageNode } from "../../api/types";
import { Facts, Table } from "../../parts/facts";
import { Simulated } from "../../parts/mark";
import { SealOf } from "../../parts/seal";
import { Loaded } from "../../parts/states";
import { t, tWord } from "../../language";
import { time } from "../../language/format";
import type { ViewProps } from "../../portal";
import { linkTo } from "../../router";
import { aboutWords } from "../words";
import { ENTRY, entryOf } from "./entry";
import { layOut, type Placed } from "./layers";

const WIDE = 208;
const HIGH = 62;
const GAP_X = 56;
const GAP_Y = 14;
const MOST_DRAWN = 120;

export function LineageView({ route }: ViewProps): JSX.Element {
  const { places } = route;
  const path = pathOf(places);
  const entry = useSignal("");
  return (
    <>
      <h1 tabIndex={-1}>{t("lineage.title")}</h1>
      <p>{t("lineage.intro")}</p>
      <form
        class="tools"
        onSubmit={(event) => {
          event.preventDefault();
          const wanted = entryOf(entry.value);
          if (wanted !== null) location.hash = linkTo("lineage", [wanted]);
        }}
      >
        <label>
          <span>{t("lineage.entry")}</span>
          <input
            type="search"
            inputMode="numeric"
            pattern={ENTRY}
            value={entry.value}
            onInput={(event) => (entry.value = event.currentTarget.value)}
          />
        </label>
        <button type="submit">{t("lineage.show")}</button>
      </form>
      {path === null ? <p class="state empty">{t("lineage.none-chosen")}</p> : <Shown path={path} places={places} />}
    </>
  );
}

function pathOf(places: readonly string[]): string | null {
  if (places[0] === "row" && places.length === 4) {
    return `api/v1/lineage/row/${places.slice(1).map(encodeURIComponent).join("/")}`;
  }
  return places.length === 1 && /^\d{1,12}$/.test(places[0] as string) ? `api/v1/lineage/${places[0]}` : null;
}

function Shown({ path, places }: { readonly path: string; readonly places: readonly string[] }): JSX.Element {
  const lineage = useResource<Lineage>(path);
  const [, feed = "", batch = "", record = ""] = places;
  return (
    <Loaded of={lineage}>
      {(data) => (
        <>
          {places[0] === "row" && (
            <Facts
              items={[
                [t("lineage.row"), t("shown.place-of", { record, batch })],
                [t("shown.feed"), feed],
                [t("shown.device"), data.device],
                [t("shown.agency"), data.agency],
                [t("seal.title"), <SealOf key="s" path={`receipts/${feed}/${batch}/${record}`} about={`${batch}:${record}`} />],
              ]}
            />
          )}
          <p>
            {t("lineage.sum", { entry: data.entry, on: data.rests_on.length, by: data.used_by.length })} {data.is_cut && t("lineage.cut")}
          </p>
          {data.rests_on.length + data.used_by.length <= MOST_DRAWN ? (
            <Graph lineage={data} />
          ) : (
            <p class="state">{t("lineage.too-many")}</p>
          )}
          <Nodes title={t("lineage.rests-on")} nodes={data.rests_on} />
          <Nodes title={t("lineage.used-by")} nodes={data.used_by} />
        </>
      )}
    </Loaded>
  );
}

/** The picture; the tables below it say the same to those who do not see it. */
function Graph({ lineage }: { readonly lineage: Lineage }): JSX.Element {
  const { placed, edges, columns, rows } = layOut(lineage);
  const box = useRef<HTMLDivElement>(null);
  const x = ({ column }: Placed) => 12 + column * (WIDE + GAP_X);
  // Columns begin at the top: one may be a hundred times as high as another, whose middle nobody would find.
  const y = ({ row }: Placed) => 12 + row * (HIGH + GAP_Y);
  const width = 24 + columns * WIDE + (columns - 1) * GAP_X;
  const height = 24 + rows * HIGH + (rows - 1) * GAP_Y;
  const here = placed.find(({ node }) => node.entry === lineage.entry);
  useEffect(() => {
    if (box.current !== null && here !== undefined) box.current.scrollLeft = x(here) - (box.current.clientWidth - WIDE) / 2;
  }, [lineage.entry]);
  return (
    <div ref={box} class="lineage-box" role="region" aria-label={t("lineage.picture")} tabIndex={0}>
      <div class="lineage-graph" style={{ width: `${width}px`, height: `${height}px` }}>
        <svg width={width} height={height} aria-hidden="true">
          {edges.map(([from, to]) => {
            const [x1, y1, x2, y2] = [x(from) + WIDE, y(from) + HIGH / 2, x(to), y(to) + HIGH / 2];
            const isMine = from.node.entry === lineage.entry || to.node.entry === lineage.entry;
            const bend = Math.max(20, (x2 - x1) / 2);
            return (
              <path
                key={`${from.node.entry}-${to.node.entry}`}
                class={isMine ? "mine" : undefined}
                d={`M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`}
              />
            );
          })}
        </svg>
        {placed.map((one) => {
          const { node } = one;
          const isHere = node.entry === lineage.entry;
          return (
            <a
              key={node.entry}
              href={linkTo("lineage", [node.entry])}
              class={`node${isHere ? " here" : ""}${node.simulated ? " simulated" : ""}`}
              aria-current={isHere ? "true" : undefined}
              style={{ left: `${x(one)}px`, top: `${y(one)}px`, width: `${WIDE}px`, height: `${HIGH}px` }}
            >
              <strong>
                {tWord("kind", node.kind)} {node.entry}
              </strong>
              <span>{aboutWords(node.about)}</span>
              <span>{node.at === null ? "" : time(node.at)}</span>
            </a>
          );
        })}
      </div>
    </div>
  );
}

function Nodes({ title, nodes }: { readonly title: string; readonly nodes: readonly LineageNode[] }): JSX.Element {
  if (nodes.length === 0) {
    return (
      <section aria-label={title}>
        <h2>{title}</h2>
        <p class="state empty">{t("lineage.nothing")}</p>
      </section>
    );
  }
  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      <Table caption={title} head={[t("lineage.entry"), t("shown.kind"), t("lineage.about"), t("sensor.when")]}>
        {nodes.map((node) => (
          <tr key={node.entry}>
            <th scope="row">
              <a href={linkTo("lineage", [node.entry])}>{node.entry}</a>
            </th>
            <td>
              {tWord("kind", node.kind)} <Simulated is={node.simulated} />
            </td>
            <td>{aboutWords(node.about)}</td>
            <td>{node.at === null ? "" : time(node.at)}</td>
          </tr>
        ))}
      </Table>
    </section>
  );
}
