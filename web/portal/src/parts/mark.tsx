// How a value came to be, by shape and by colour: nobody has to tell colours apart.
//
// measured: a disc · filled: a hollow square · estimated: a diamond, half of it filled. A simulated value has the same
// shape in violet, in a broken ring; a flagged one has a corner; an old one is pale and struck through. A forecast is a
// triangle that points ahead.

import type { JSX } from "preact";
import type { ValueState } from "../api/types";
import { t } from "../language";

export interface Made {
  readonly state: ValueState | "none" | "forecast";
  readonly simulated: boolean;
  readonly flagged: boolean;
  readonly old: boolean;
}

export function Mark(props: { readonly made: Made; readonly size?: number }): JSX.Element {
  const { made, size = 20 } = props;
  const tone = made.simulated ? "mark-simulated" : `mark-${made.state}`;
  return (
    <svg class={`mark ${tone}${made.old ? " mark-old" : ""}`} width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      {made.simulated && <circle class="ring" cx="12" cy="12" r="10.5" />}
      {made.state === "measured" && <circle class="body" cx="12" cy="12" r="6" />}
      {made.state === "filled" && <rect class="hollow" x="7" y="7" width="10" height="10" />}
      {made.state === "estimated" && (
        <>
          <path class="hollow" d="M12 5l7 7-7 7-7-7z" />
          <path class="body" d="M12 5l-7 7 7 7z" />
        </>
      )}
      {made.state === "forecast" && <path class="hollow" d="M6 5.5l12 6.5-12 6.5z" />}
      {made.state === "none" && <path class="hollow" d="M7 12h10" />}
      {made.flagged && <path class="flag" d="M16 1h7v7z" />}
      {made.old && <path class="strike" d="M4 20L20 4" />}
    </svg>
  );
}

/** The same in words. */
export function madeWords(made: Made): string {
  const words = [t(`made.${made.state}`)];
  if (made.simulated) words.push(t("made.simulated"));
  if (made.flagged) words.push(t("made.flagged"));
  if (made.old) words.push(t("made.old"));
  return words.join(", ");
}

/** What the shapes mean; `forecast` where forecasts are among what is shown. */
export function Legend({ forecast = false }: { readonly forecast?: boolean }): JSX.Element {
  const plain = { simulated: false, flagged: false, old: false };
  const items: Made[] = [
    { ...plain, state: "measured" },
    { ...plain, state: "filled" },
    { ...plain, state: "estimated" },
    ...(forecast ? [{ ...plain, state: "forecast" } as const] : []),
    { ...plain, state: "measured", simulated: true },
    { ...plain, state: "measured", flagged: true },
    { ...plain, state: "measured", old: true },
  ];
  return (
    <ul class="legend" aria-label={t("made.legend")}>
      {items.map((made) => (
        <li key={madeWords(made)}>
          <Mark made={made} /> {madeWords(made)}
        </li>
      ))}
    </ul>
  );
}

export function Simulated({ is }: { readonly is: boolean | undefined }): JSX.Element | null {
  return is ? <span class="sim">{t("simulated")}</span> : null;
}
