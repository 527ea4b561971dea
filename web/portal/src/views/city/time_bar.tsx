// Which time is shown, and as known when: two clocks, both the city's.

import { useSignal, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { t } from "../../language";
import { time, zone } from "../../language/format";
import { fromWall, toWall } from "../../language/wall";

const REACH_MIN = 48 * 60;
const STEP_MIN = 5;
const PAUSE_MS = 250; // a slider that is dragged asks once

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
  const position = shown === null ? 0 : Math.max(-REACH_MIN, Math.min(0, Math.round((shown - end) / 60_000)));
  const words = shown === null ? t("time.now") : time(shown);
  return (
    <fieldset class="time-bar">
      <legend>{t("time.title")}</legend>
      <label>
        <span>
          {t("time.at")} <output>{words}</output>
        </span>
        <input
          type="range"
          min={-REACH_MIN}
          max={0}
          step={STEP_MIN}
          value={position}
          aria-valuetext={words}
          onInput={(event) => (dragged.value = end + Number(event.currentTarget.value) * 60_000)}
        />
      </label>
      <div class="tools">
        <label>
          <span>{t("time.as-of")}</span>
          <input
            type="datetime-local"
            value={asOf.value === null ? "" : toWall(asOf.value, zone.value)}
            onChange={(event) => (asOf.value = fromWall(event.currentTarget.value, zone.value))}
          />
        </label>
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
          {t("time.back")}
        </button>
      </div>
      <p class="soft">{t(asOf.value === null ? "time.known-now" : "time.known-then", { time: time(asOf.value ?? 0) })}</p>
    </fieldset>
  );
}
