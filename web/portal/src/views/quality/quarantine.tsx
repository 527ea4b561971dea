// What was set aside, why, and what became of it; for an operator, what to make of it.

import { useSignal, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import { query } from "../../api/client";
import { may } from "../../api/session";
import { useResource } from "../../api/resource";
import type { List, Quarantined } from "../../api/types";
import { Table } from "../../parts/facts";
import { SealOf } from "../../parts/seal";
import { Loaded } from "../../parts/states";
import { t } from "../../language";
import { linkTo } from "../../router";
import { flagWords } from "../words";
import { Decide } from "./decide";

const PAGE = 25;

export function Quarantine({ feed, reasons }: { readonly feed: string; readonly reasons: readonly string[] }): JSX.Element {
  const reason = useSignal("");
  const pages = useSignal<readonly string[]>([]);
  const base = `api/v1/feeds/${encodeURIComponent(feed)}/quarantine`;
  const path = pages.value.at(-1) ?? `${base}${query({ limit: PAGE, reason: reason.value })}`;
  const list = useResource<List<Quarantined>>(path);
  const chosen = useSignal<ReadonlySet<string>>(new Set());
  const isOperator = may("operator");
  return (
    <>
      <div class="tools">
        <label>
          <span>{t("quality.reason")}</span>
          <select
            value={reason.value}
            onChange={(event) => {
              reason.value = event.currentTarget.value;
              pages.value = [];
            }}
          >
            <option value="">{t("quarantine.all")}</option>
            {reasons.map((name) => (
              <option key={name} value={name}>
                {flagWords(name)}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Loaded of={list} isEmpty={({ items }) => items.length === 0} empty={t("quarantine.none")}>
        {({ items, next }) => (
          <>
            <Table
              caption={t("quarantine.title")}
              head={[...(isOperator ? [t("decide.choose")] : []), t("quarantine.record"), t("quality.reason"), t("quarantine.status"), t("quarantine.row"), t("seal.title")]}
            >
              {items.map((item) => (
                <Row key={`${item.batch}:${item.record}`} feed={feed} item={item} chosen={isOperator ? chosen : null} />
              ))}
            </Table>
            <div class="tools">
              <button type="button" disabled={pages.value.length === 0} onClick={() => (pages.value = pages.value.slice(0, -1))}>
                {t("page.back")}
              </button>
              <button type="button" disabled={next === null} onClick={() => (pages.value = [...pages.value, asPath(next ?? "", base)])}>
                {t("page.next")}
              </button>
            </div>
          </>
        )}
      </Loaded>
      {isOperator ? (
        <Decide feed={feed} chosen={chosen} reason={reason.value} reasons={reasons} />
      ) : (
        <p class="soft">{t("decide.not-you")} <a href={linkTo("account")}>{t("nav.account")}</a></p>
      )}
    </>
  );
}

/** The next page's address as a path of this server, whichever form it came in. */
function asPath(next: string, base: string): string {
  if (next.startsWith("?")) return base + next;
  const at = next.indexOf("api/v1/");
  return at < 0 ? `${base}${query({ limit: PAGE, cursor: next })}` : next.slice(at);
}

function Row(props: {
  readonly feed: string;
  readonly item: Quarantined;
  readonly chosen: Signal<ReadonlySet<string>> | null; // null for who may choose none
}): JSX.Element {
  const { feed, item, chosen } = props;
  const { batch, record, reasons, row, status, by, why, receipt } = item;
  const name = `${batch}:${record}`;
  return (
    <tr>
      {chosen !== null && (
        <td>
          <input
            type="checkbox"
            aria-label={`${t("decide.choose")}: ${name}`}
            disabled={status !== "waiting"}
            checked={chosen.value.has(name)}
            onChange={() => {
              const next = new Set(chosen.value);
              if (!next.delete(name)) next.add(name);
              chosen.value = next;
            }}
          />
        </td>
      )}
      <th scope="row">
        <code>{name}</code>
      </th>
      <td>{reasons.map(flagWords).join("; ")}</td>
      <td>
        <span class={status === "waiting" ? "tag" : status === "released" ? "tag good" : "tag bad"}>{t(`quarantine.${status}`)}</span>
        {by !== null && (
          <p class="soft">
            {by}: {why}
          </p>
        )}
      </td>
      <td class="long">
        <code>
          {Object.entries(row)
            .filter(([, value]) => value !== null)
            .map(([column, value]) => `${column}=${String(value)}`)
            .join(" ")}
        </code>
      </td>
      <td>
        <SealOf path={receipt} about={name} lineage={linkTo("lineage", ["row", feed, batch, record])} />
      </td>
    </tr>
  );
}
