// The places of one feed: what each says, how old and how sound it is, and its seal.

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { query } from "../../api/client";
import { useResource } from "../../api/resource";
import type { Feed, Place, Places } from "../../api/types";
import { Mark, madeWords, Simulated } from "../../parts/mark";
import { Empty, Loaded } from "../../parts/states";
import { receiptPath, rowLineage, SealOf } from "../../parts/seal";
import { said, t, tWord } from "../../language";
import { age, number, percent, time } from "../../language/format";
import { unitWords } from "../../language/units";
import { linkTo } from "../../router";
import { isOld, madeOf, matches, valuesOf } from "./tiles";

const PAGE = 30;

export function placesPath(feed: string, at: number | null, asOf: number | null): string {
  const stamp = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  return `api/v1/feeds/${encodeURIComponent(feed)}/places${query({ at: stamp(at), as_of: stamp(asOf) })}`;
}

export function Layer(props: {
  readonly feed: Feed;
  readonly at: number | null;
  readonly asOf: number | null;
  readonly search: string;
  readonly onFound: (feed: Feed, places: readonly Place[] | null) => void;
}): JSX.Element {
  const { feed, search, onFound } = props;
  const places = useResource<Places>(placesPath(feed.feed, props.at, props.asOf));
  const most = useSignal(PAGE);
  const data = places.state === "ready" ? places.data : null;
  useEffect(() => {
    if (data !== null) onFound(feed, data.features.filter((place) => matches(search, place)));
  }, [data, search]);
  useEffect(() => () => onFound(feed, null), []);
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
          return (
            <>
              <ul class="tiles">
                {found.slice(0, most.value).map((place) => (
                  <Tile key={place.id} feed={feed} place={place} />
                ))}
              </ul>
              {found.length > most.value && (
                <button type="button" onClick={() => (most.value += PAGE)}>
                  {t("more", { n: found.length - most.value })}
                </button>
              )}
            </>
          );
        }}
      </Loaded>
    </section>
  );
}

function Tile({ feed, place }: { readonly feed: Feed; readonly place: Place }): JSX.Element {
  const { key, title, observed_at, age_s, record, trust, simulated } = place.properties;
  const name = said(title) || key;
  const made = madeOf(feed, place);
  const flags = [...new Set(valuesOf(feed, place).flatMap(({ shown }) => shown.flags))];
  return (
    <li class={`tile made-${made.state}${made.simulated ? " made-simulated" : ""}`}>
      <p class="tile-head">
        <Mark made={made} />
        <a href={linkTo("sensor", [feed.feed, key])}>{name}</a>
        <Simulated is={simulated} />
      </p>
      <ul class="values">
        {valuesOf(feed, place).map(({ field, shown }) => (
          <li key={field} class={`value-${shown.state}`}>
            <span class="soft" title={fieldTitle(feed, field)}>
              {field}
            </span>{" "}
            <strong>{shown.value === null ? "–" : typeof shown.value === "number" ? number(shown.value) : String(shown.value)}</strong>{" "}
            <span class="soft">{unitWords(shown.unit)}</span>
            {shown.state !== "measured" && <span class="tag">{t(`made.${shown.state}`)}</span>}
          </li>
        ))}
      </ul>
      <p class="soft">
        <span class="hidden">{madeWords(made)}. </span>
        {observed_at !== null && <>{time(observed_at)} · </>}
        {age(age_s)} {isOld(feed, age_s) && <span class="tag bad">{t("made.old")}</span>}
        {trust !== null && <> · {t("city.trust", { score: percent(trust) })}</>}
      </p>
      {flags.length > 0 && (
        <p class="flags">
          {flags.map((flag) => (
            <span key={flag} class="tag bad">
              ⚑ {flagWords(flag)}
            </span>
          ))}
        </p>
      )}
      <SealOf path={receiptPath(feed.feed, record)} about={name} lineage={rowLineage(feed.feed, record)} />
    </li>
  );
}

export function fieldTitle(feed: Feed, name: string): string {
  return said(feed.fields.find((field) => field.name === name)?.title).replace(/\.$/, "") || name;
}

/** A flag `range:pm25` in words where there are some. */
export function flagWords(flag: string): string {
  const [rule = "", about = ""] = flag.split(":");
  const words = tWord("rule", rule);
  return about === "" ? words : `${words}: ${about}`;
}
