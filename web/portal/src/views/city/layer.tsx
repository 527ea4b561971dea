// The readings of one feed: each place's last row, with its age, its flags, the trust in it, and its seal.

import type { JSX } from "preact";
import { query } from "../../api/client";
import { useResource } from "../../api/resource";
import type { Feed, Place, Places } from "../../api/types";
import { Simulated } from "../../parts/mark";
import { Empty, Loaded } from "../../parts/states";
import { receiptPath, rowLineage, SealOf } from "../../parts/seal";
import { said, t } from "../../language";
import { age, number, percent, since, time } from "../../language/format";
import { unitWords } from "../../language/units";
import { linkTo } from "../../router";
import { fieldTitle, fieldWords, flagWords } from "../words";
import type { MapPlace } from "./map";
import { markName } from "./mark_image";
import { useMarks } from "./marks";
import { Tile, Tiles, Value } from "./tile";
import { madeOf, matches, stamp, valuesOf } from "./tiles";

/** What is asked of every layer: which time, as known when, which places; and where it tells what the map draws. */
export interface Asked {
  readonly at: number | null;
  readonly asOf: number | null;
  readonly end: number; // milliseconds: the newest time that there is something of
  readonly now: number; // milliseconds: what ages are counted to
  readonly search: string;
  readonly onFound: (id: string, places: readonly MapPlace[] | null) => void;
}

export function placesPath(feed: string, at: number | null, asOf: number | null): string {
  return `api/v1/feeds/${encodeURIComponent(feed)}/places${query({ at: stamp(at), as_of: stamp(asOf) })}`;
}

export function Layer({ feed, asked }: { readonly feed: Feed; readonly asked: Asked }): JSX.Element {
  const { at, asOf, search, onFound } = asked;
  const places = useResource<Places>(placesPath(feed.feed, at, asOf));
  const marks = ({ features }: Places) => onMap(feed, features.filter((place) => matches(search, place)), asked);
  useMarks(feed.feed, onFound, places, marks, [search]);
  const title = said(feed.title) || feed.feed;
  return (
    <section aria-label={title} class="layer">
      <h2>
        {title} <Simulated is={feed.simulated} />
      </h2>
      <p class="soft">
        {feed.agency !== null && <>{feed.agency} · </>}
        <a href={linkTo("quality", [feed.feed])}>{t("city.quality-of")}</a>
      </p>
      <Loaded of={places} isEmpty={({ features }) => features.length === 0} empty={t("city.no-places")}>
        {({ features }) => {
          const found = features.filter((place) => matches(search, place));
          if (found.length === 0) return <Empty>{t("city.none-found", { query: search })}</Empty>;
          return <Tiles of={found} tile={(place) => <PlaceTile key={place.id} feed={feed} place={place} asked={asked} />} />;
        }}
      </Loaded>
    </section>
  );
}

function PlaceTile({ feed, place, asked }: { readonly feed: Feed; readonly place: Place; readonly asked: Asked }): JSX.Element {
  const { key, title, observed_at, age_s, record, trust } = place.properties;
  const name = said(title) || key;
  const flags = [...new Set(valuesOf(feed, place).flatMap(({ shown }) => shown.flags))];
  return (
    <Tile
      made={madeOf(feed, place)}
      name={name}
      href={hrefOf(feed.feed, key, asked)}
      values={valuesOf(feed, place).map(({ field, shown }) => (
        <Value
          key={field}
          name={fieldWords(field)}
          title={fieldTitle(feed, field)}
          value={shown.value}
          unit={shown.unit}
          state={shown.state}
        />
      ))}
      when={
        <>
          {observed_at === null ? age(age_s) : time(observed_at) + since(age_s)}
          {trust !== null && <> · {t("city.trust", { score: percent(trust) })}</>}
        </>
      }
      flags={flags.map(flagWords)}
      proof={<SealOf path={receiptPath(feed.feed, record)} about={`${name} (${key}), ${said(feed.title) || feed.feed}`} lineage={rowLineage(feed.feed, record)} />}
    />
  );
}

/** A place's own page, at the time that is shown here. */
export function hrefOf(feed: string, key: string, { at, asOf }: Pick<Asked, "at" | "asOf">, field?: string): string {
  return linkTo("sensor", [feed, key], { field, at: stamp(at) ?? undefined, as_of: stamp(asOf) ?? undefined });
}

function onMap(feed: Feed, places: readonly Place[], asked: Asked): MapPlace[] {
  return places.flatMap((place) => {
    if (place.geometry === null) return [];
    const first = valuesOf(feed, place, 1)[0]?.shown;
    const value = typeof first?.value === "number" ? `${number(first.value, 1)} ${unitWords(first.unit)}` : "";
    return [
      {
        href: hrefOf(feed.feed, place.properties.key, asked),
        at: place.geometry.coordinates,
        label: value === "" ? said(place.properties.title) || place.properties.key : value,
        mark: markName(madeOf(feed, place)),
      },
    ];
  });
}
