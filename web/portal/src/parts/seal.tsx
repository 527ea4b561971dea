// The seal of a number: its receipt, checked by this browser when asked, and the way to all the steps.

import { signal, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import { getReceipt } from "../api/client";
import { t } from "../language";
import { linkTo } from "../router";
import { isOf } from "../views/verify/expected";
import { policy } from "../views/verify/trust";

type SealState = "sealed" | "checking" | "holds" | "fails" | "unknown";

/** What this page found so far, by receipt and policy. */
const found = new Map<string, Signal<SealState>>();

function stateOf(path: string): Signal<SealState> {
  const key = `${path}\n${policy.value}`;
  const known = found.get(key) ?? signal<SealState>("sealed");
  found.set(key, known);
  return known;
}

const SIGNS: Readonly<Record<SealState, string>> = { sealed: "◉", checking: "…", holds: "✓", fails: "✗", unknown: "?" };

/** `about` says whose seal it is, to those who do not see where it stands. */
export function SealOf(props: { readonly path: string | null; readonly about: string; readonly lineage?: string }): JSX.Element {
  const { about } = props;
  const path = props.path?.replace(/^\/+/, "") ?? null;
  if (path === null) return <span class="proof none">{t("seal.none")}</span>;
  const state = stateOf(path);
  return (
    <span class={`proof ${state.value}`}>
      <button
        type="button"
        class="small"
        aria-label={`${t(`seal.${state.value}`)}. ${t("seal.check")}: ${about}`}
        onClick={() => void checkHere(path, state)}
      >
        <span aria-hidden="true">{SIGNS[state.value]} </span>
        {t(`seal.${state.value}`)}
      </button>{" "}
      <a href={linkTo("verify", [], { receipt: path })} aria-label={`${t("seal.steps")}: ${about}`}>
        {t("seal.steps")}
      </a>
      {props.lineage !== undefined && (
        <>
          {" "}
          <a href={props.lineage} aria-label={`${t("seal.lineage")}: ${about}`}>
            {t("seal.lineage")}
          </a>
        </>
      )}
    </span>
  );
}

/** The receipt's path of a row `batch:record`; null for a row that has none. */
export function receiptPath(feed: string, record: string | null): string | null {
  const match = /^(\d+):(\d+)$/.exec(record ?? "");
  return match === null ? null : `receipts/${feed}/${match[1]}/${match[2]}`;
}

export function rowLineage(feed: string, record: string | null): string | undefined {
  const match = /^(\d+):(\d+)$/.exec(record ?? "");
  return match === null ? undefined : linkTo("lineage", ["row", feed, match[1] as string, match[2] as string]);
}

async function checkHere(path: string, state: Signal<SealState>): Promise<void> {
  state.value = "checking";
  try {
    const bytes = await getReceipt(path);
    const { check } = await import("../views/verify/check");
    const { verdict } = await check(bytes, policy.value);
    const said = { holds: "holds", fails: "fails", malformed: "fails", unsupported: "unknown" } as const;
    state.value = verdict.state === "holds" && !isOf(path, verdict.verification) ? "fails" : said[verdict.state];
  } catch {
    state.value = "unknown";
  }
}
