// What was written over the network: who, how, what, when, and the entry of the log that has it. For auditors.

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { query } from "../../api/client";
import { useResource } from "../../api/resource";
import type { List, Written } from "../../api/types";
import { Table } from "../../parts/facts";
import { Loaded } from "../../parts/states";
import { t } from "../../language";
import { time } from "../../language/format";
import { linkTo } from "../../router";

const PAGE = 50;

export function Writes(): JSX.Element {
  const account = useSignal("");
  const asked = useSignal("");
  const after = useSignal<readonly number[]>([]); // where each page but the first begins
  const list = useResource<List<Written>>(`api/v1/writes${query({ account: asked.value, after: after.value.at(-1), limit: PAGE })}`);
  return (
    <section aria-labelledby="writes">
      <h2 id="writes">{t("writes.title")}</h2>
      <p>{t("writes.why")}</p>
      <form
        class="tools"
        onSubmit={(event) => {
          event.preventDefault();
          asked.value = account.value.trim();
          after.value = [];
        }}
      >
        <label>
          <span>{t("writes.of")}</span>
          <input type="text" autocomplete="off" spellcheck={false} maxLength={64} value={account.value} onInput={(event) => (account.value = event.currentTarget.value)} />
        </label>{" "}
        <button type="submit">{t("lineage.show")}</button>
      </form>
      <Loaded of={list} isEmpty={({ items }) => items.length === 0} empty={t(asked.value === "" ? "writes.none" : "writes.none-of")}>
        {({ items, next }) => (
          <>
            <Table
              caption={t("writes.title")}
              head={[t("writes.when"), t("writes.account"), t("writes.by"), t("writes.what"), t("writes.status"), t("writes.entry")]}
            >
              {items.map((one) => (
                <tr key={one.number}>
                  <th scope="row">{time(one.at)}</th>
                  <td>{one.account}</td>
                  <td>
                    {t(`writes.by-${one.came_by}`)} <code class="soft">{one.credential}</code>
                  </td>
                  <td>
                    <code>
                      {one.method} {one.path}
                    </code>
                  </td>
                  <td>
                    {one.status} <Unanswered of={one} />
                  </td>
                  <td>
                    <a href={linkTo("lineage", [one.entry])}>{one.entry}</a>
                  </td>
                </tr>
              ))}
            </Table>
            {(next !== null || after.value.length > 0) && (
              <div class="tools">
                <button type="button" disabled={after.value.length === 0} onClick={() => (after.value = after.value.slice(0, -1))}>
                  {t("page.back")}
                </button>
                <button
                  type="button"
                  disabled={next === null}
                  onClick={() => (after.value = [...after.value, items.at(-1)?.number ?? 0])}
                >
                  {t("page.next")}
                </button>
              </div>
            )}
          </>
        )}
      </Loaded>
    </section>
  );
}

/** Of a write that was not answered: what it wrote, if the log has it; else that it may have. */
function Unanswered({ of: { status, found_entry } }: { readonly of: Written }): JSX.Element | null {
  if (found_entry !== null) return <a href={linkTo("lineage", [found_entry])}>{t("writes.found", { entry: found_entry })}</a>;
  return status >= 500 ? <span class="tag bad">{t("writes.cut-off")}</span> : null;
}
