// The steps one by one, each with the bytes it looked at.

import type { JSX } from "preact";
import { RawBytes } from "../../parts/bytes";
import { t, tWord } from "../../language";
import type { Checked } from "./check";
import { piecesOf } from "./raw";
import { shownSteps, type ShownStep, type StepState } from "./steps";

const SIGNS: Readonly<Record<StepState, string>> = { passed: "✓", failed: "✗", unreached: "–", undone: "○", compared: "≈" };

export function StepList({ checked }: { readonly checked: Checked }): JSX.Element {
  return (
    <section aria-labelledby="steps">
      <h3 id="steps">{t("steps.title")}</h3>
      <p class="soft">{t("steps.intro")}</p>
      <ol class="steps">
        {shownSteps(checked).map((step) => (
          <Step key={step.name} step={step} checked={checked} />
        ))}
      </ol>
    </section>
  );
}

function Step(props: { readonly step: ShownStep; readonly checked: Checked }): JSX.Element {
  const { step, checked } = props;
  const pieces = checked.receipt === null ? [] : piecesOf(step.name, checked.receipt);
  return (
    <li class={`step ${step.state}`} data-step={step.name} data-state={step.state}>
      <p class="step-head">
        <span class="sign" aria-hidden="true">
          {SIGNS[step.state]}
        </span>
        <strong>{tWord("step", step.name)}</strong> <span class="tag">{t(`step-state.${step.state}`)}</span>
      </p>
      <p>{words(step)}</p>
      {step.detail !== null && (
        <p class="soft">
          <code lang="en">{step.detail}</code>
        </p>
      )}
      {pieces.length > 0 && (
        <details>
          <summary>{t("raw.show")}</summary>
          {pieces.map((piece, i) => (
            <RawBytes key={i} title={t(piece.what, { about: piece.about })} bytes={piece.bytes} />
          ))}
        </details>
      )}
    </li>
  );
}

function words({ name, state }: ShownStep): string {
  if (state === "failed") return tWord("step-bad", name);
  if (state === "undone") return t("step-undone.row");
  if (state === "compared") return t("step-compared.row");
  return tWord("step-ok", name);
}
