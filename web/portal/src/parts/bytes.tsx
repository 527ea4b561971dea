// Raw bytes at hand: as text where they are text, and as numbers.

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { t } from "../language";
import { number } from "../language/format";
import { asText, hexDump } from "../views/verify/raw";

const MOST = 20_000;

export function RawBytes(props: { readonly title: string; readonly bytes: Uint8Array }): JSX.Element {
  const text = asText(props.bytes);
  const asHex = useSignal(text === null);
  return (
    <figure class="raw">
      <figcaption>
        {props.title} <span class="soft">{t("raw.bytes", { n: number(props.bytes.length) })}</span>
        {text !== null && (
          <button type="button" class="small" aria-pressed={asHex.value} onClick={() => (asHex.value = !asHex.value)}>
            {t("raw.hex")}
          </button>
        )}
      </figcaption>
      <pre tabIndex={0} lang="en" aria-label={props.title}>
        {asHex.value || text === null ? hexDump(props.bytes) : text.slice(0, MOST)}
      </pre>
    </figure>
  );
}
