// A tile: what is said of one place, how it came to be, how old and how sound it is, and its proof.

import type { ComponentChildren, JSX } from "preact";
import { useSignal } from "@preact/signals";
import type { Shown } from "../../api/types";
import { Mark, madeWords, Simulated, type Made } from "../../parts/mark";
import { t } from "../../language";
import { number } from "../../language/format";
import { unitWords } from "../../language/units";

const PAGE = 30;
const PAGE_NARROW = 12; // the next layer is not far below on a phone

export function Tile(props: {
  readonly made: Made;
  readonly name: string;
  readonly href: string | null;
  readonly values: ComponentChildren; // items of a list
  readonly when: ComponentChildren;
  readonly flags?: readonly string[]; // in words
  readonly proof: ComponentChildren;
}): JSX.Element {
  const { made, name, href } = props;
  return (
    <li class={`tile made-${made.state}${made.simulated ? " made-simulated" : ""}`}>
      <p class="tile-head">
        <Mark made={made} />
        {href === null ? name : <a href={href}>{name}</a>}
        <Simulated is={made.simulated} />
      </p>
      <ul class="values">{props.values}</ul>
      <p class="soft">
        <span class="hidden">{madeWords(made)}. </span>
        {props.when}
        {made.old && (
          <>
            {" "}
            <span class="tag bad">{t("made.old")}</span>
          </>
        )}
      </p>
      {props.flags !== undefined && props.flags.length > 0 && (
        <p class="flags">
          {props.flags.map((flag) => (
            <span key={flag} class="tag bad">
              ⚑ {flag}
            </span>
          ))}
        </p>
      )}
      {props.proof}
    </li>
  );
}

/** One value of a tile; what is not measured says so in words as well. */
export function Value(props: {
  readonly name: string;
  readonly title?: string;
  readonly value: Shown["value"];
  readonly unit: string | null;
  readonly state: Made["state"];
  readonly also?: string;
}): JSX.Element {
  const { name, title, value, unit, state, also } = props;
  const words = value === null ? "–" : typeof value === "number" ? number(value) : String(value);
  return (
    <li class={`value-${state}`}>
      <span class="soft" title={title}>
        {name}
      </span>{" "}
      <strong>{words}</strong> {unitWords(unit) !== "" && <span class="soft">{unitWords(unit)}</span>}
      {also !== undefined && <span class="soft"> {also}</span>}
      {state !== "measured" && (
        <>
          {" "}
          <span class="tag">{t(`made.${state}`)}</span>
        </>
      )}
    </li>
  );
}

/** Tiles, some at a time. */
export function Tiles<T>({ of, tile }: { readonly of: readonly T[]; readonly tile: (one: T) => JSX.Element }): JSX.Element {
  const page = matchMedia("(max-width: 40rem)").matches ? PAGE_NARROW : PAGE;
  const most = useSignal(page);
  return (
    <>
      <ul class="tiles">{of.slice(0, most.value).map(tile)}</ul>
      {of.length > most.value && (
        <button type="button" onClick={() => (most.value += page)}>
          {t("more", { n: of.length - most.value })}
        </button>
      )}
    </>
  );
}
