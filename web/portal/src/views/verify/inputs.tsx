// Where a reader gives a receipt, and says what is believed.

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { parsePolicy, type Policy } from "@veracity/verify";
import { t } from "../../language";
import { asPolicy } from "./check";
import { believed } from "./policy";
import { isKept, own, policy, served, trust } from "./trust";

export function Inputs(props: {
  readonly onFiles: (files: Iterable<File>) => void;
  readonly onText: (text: string) => void;
  readonly isAlone: boolean;
}): JSX.Element {
  return (
    <div class="inputs">
      <section class="card" aria-labelledby="give-receipt">
        <h2 id="give-receipt">{t("verify.receipt")}</h2>
        <p>{t(props.isAlone ? "verify.drop-both" : "verify.drop")}</p>
        <label class="file">
          <span>{t("verify.choose")}</span>
          <input
            type="file"
            multiple
            accept=".json,.policy,.txt,application/json,text/plain"
            onChange={(event) => {
              props.onFiles([...(event.currentTarget.files ?? [])]);
              event.currentTarget.value = "";
            }}
          />
        </label>
        <Paste label={t("verify.paste")} action={t("verify.check")} onText={props.onText} />
      </section>
      <Trust isAlone={props.isAlone} />
    </div>
  );
}

function Paste(props: { readonly label: string; readonly action: string; readonly onText: (text: string) => void }): JSX.Element {
  const text = useSignal("");
  return (
    <details>
      <summary>{props.label}</summary>
      <textarea
        aria-label={props.label}
        rows={5}
        spellcheck={false}
        autocomplete="off"
        value={text.value}
        onInput={(event) => (text.value = event.currentTarget.value)}
      />
      <button type="button" disabled={text.value.trim() === ""} onClick={() => props.onText(text.value)}>
        {props.action}
      </button>
    </details>
  );
}

function Trust({ isAlone }: { readonly isAlone: boolean }): JSX.Element {
  const keep = useSignal(isKept());
  const source = own.value !== null ? "own" : served.value !== null ? "served" : "none";
  return (
    <section class="card" aria-labelledby="give-policy">
      <h2 id="give-policy">{t("trust.title")}</h2>
      <p>{t(`trust.${source}`)}</p>
      <Words text={policy.value} />
      {policy.value !== "" && (
        <details>
          <summary>{t("trust.show")}</summary>
          <pre tabIndex={0} aria-label={t("trust.title")}>
            {policy.value}
          </pre>
        </details>
      )}
      <Paste label={t("trust.paste")} action={t("trust.use")} onText={(text) => trust(asPolicy(text), keep.value)} />
      {own.value !== null && (
        <>
          <label class="tick">
            <input
              type="checkbox"
              checked={keep.value}
              onChange={(event) => {
                keep.value = event.currentTarget.checked;
                trust(own.value, keep.value);
              }}
            />{" "}
            {t("trust.keep")}
          </label>
          {!isAlone && served.value !== null && (
            <button type="button" onClick={() => trust(null, false)}>
              {t("trust.back")}
            </button>
          )}
        </>
      )}
    </section>
  );
}

/** The policy in plain words, or why it is none. */
function Words({ text }: { readonly text: string }): JSX.Element | null {
  const read = useSignal<Policy | string | null>(null);
  useEffect(() => {
    read.value = null;
    if (text !== "") {
      parsePolicy(text).then(
        (parsed) => (read.value = parsed),
        (error: unknown) => (read.value = error instanceof Error ? error.message : String(error)),
      );
    }
  }, [text]);
  if (read.value === null) return null;
  if (typeof read.value === "string") {
    return (
      <p role="alert" class="bad-text">
        {t("trust.malformed")} <code lang="en">{read.value}</code>
      </p>
    );
  }
  const { logs, witnesses, quorum } = believed(read.value);
  return (
    <ul class="plain">
      <li>
        {t("trust.log")} <code>{logs.join(", ")}</code>
      </li>
      <li>
        {quorum === null
          ? t("trust.no-quorum", { n: witnesses.length })
          : t("trust.quorum", { least: quorum.least, of: quorum.of })}
      </li>
    </ul>
  );
}
