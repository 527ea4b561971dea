// Which time is shown, and as known when: two clocks, both the city's.

import { useSignal, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { t } from "../../language";
import { cityNow, shortTime, time, zone } from "../../language/format";
import { fromWall, toWall } from "../../language/wall";

const REACH_MIN = 48 * 60;
const STEP_MIN = 5;
const PAUSE_MS = 250; // a slider that is dragged asks once
const SILENT_MS = 15 * 60_000; // a city that said nothing for so long has no now

export function TimeBar(props: {
  readonly at: Signal<number | null>;
  readonly asOf: Signal<number | null>;
  readonly end: number; // milliseconds: the newest time that can be chosen
}): JSX.Element {
  const { at, asOf } = props;
  const end = Math.ceil(props.end / 300_000) * 300_000;
  const dragged = useSignal<number | null>(null);
  const shown = dragged.value ?? at.value;
  useEffect(() => {
    const chosen = dragged.value;
    if (chosen === null) return undefined;
    const timer = setTimeout(() => {
      at.value = chosen >= end ? null : chosen;
      dragged.value = null;
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [dragged.value]);
  const isSilent = cityNow() - props.end > SILENT_MS;
  const position = shown === null ? 0 : Math.max(-REACH_MIN, Math.min(0, Math.round((shown - end) / 60_000)));
  const newest = isSilent ? t("time.newest", { time: time(props.end) }) : t("time.now");
  const words = shown === null ? newest : time(shown);
  return (
    <fieldset class="time-bar">
      <legend>{t("time.title")}</legend>
      <div>
        <span>
          {t("time.at")} <output>{words}</output>
        </span>
        <input
          type="range"
          aria-label={t("time.at-exactly")}
          min={-REACH_MIN}
          max={0}
          step={STEP_MIN}
          value={position}
          aria-valuetext={words}
          onInput={(event) => (dragged.value = end + Number(event.currentTarget.value) * 60_000)}
        />
      </div>
      <p class="soft ends" aria-hidden="true">
        <span>{shortTime(end - REACH_MIN * 60_000)}</span>
        <span>{isSilent ? shortTime(end) : t("time.now")}</span>
      </p>
      <div class="tools">
        <Clock label={t("time.at-exactly")} of={at} />
        <Clock label={t("time.as-of")} of={asOf} />
        <button type="button" disabled={at.value === null} onClick={() => (asOf.value = at.value)}>
          {t("time.as-then")}
        </button>
        <button
          type="button"
          disabled={at.value === null && asOf.value === null}
          onClick={() => {
            at.value = null;
            asOf.value = null;
          }}
        >
          {t(isSilent ? "time.back-newest" : "time.back")}
        </button>
      </div>
      <p class="soft">{t(asOf.value === null ? "time.known-now" : "time.known-then", { time: time(asOf.value ?? 0) })}</p>
    </fieldset>
  );
}

/** A time to choose, by the city's clock; null for none. */
export function Clock({ label, of }: { readonly label: string; readonly of: Signal<number | null> }): JSX.Element {
  return (
    <label>
      <span>{label}</span>
      <input
        type="datetime-local"
        value={of.value === null ? "" : toWall(of.value, zone.value)}
        onChange={(event) => (of.value = fromWall(event.currentTarget.value, zone.value))}
      />
    </label>
  );
}
