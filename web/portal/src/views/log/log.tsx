// The log: how it grew, what it last signed, who watches it, and what it says, as it comes.

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { told } from "../../api/events";
import { ApiError, getJson, query } from "../../api/client";
import { useResource } from "../../api/resource";
import type { List, LogState, StatementItem } from "../../api/types";
import { DayBars } from "../../parts/day_bars";
import { Facts, Table } from "../../parts/facts";
import { Simulated } from "../../parts/mark";
import { Failed, Loaded } from "../../parts/states";
import { t, tWord } from "../../language";
import { age, cityNow, number, time } from "../../language/format";
import { linkTo } from "../../router";
import { aboutWords } from "../words";

const PAGE = 30;

export function LogView(): JSX.Element {
  const log = useResource<LogState>("api/v1/log");
  return (
    <>
      <h1 tabIndex={-1}>{t("log.title")}</h1>
      <p>{t("log.intro")}</p>
      <Loaded of={log}>
        {(data) => (
          <>
            <Facts
              items={[
                [t("log.origin"), <code key="o">{data.origin}</code>],
                [t("log.size"), t("log.entries", { n: number(data.size) })],
                [t("log.root"), <code key="r">{data.root}</code>],
              ]}
            />
            <details>
              <summary>{t("log.checkpoint")}</summary>
              <pre tabIndex={0} lang="en" aria-label={t("log.checkpoint")}>
                {data.checkpoint}
              </pre>
              <p class="soft">{t("log.checkpoint-why")}</p>
            </details>
            <h2>{t("log.growth")}</h2>
            <DayBars
              caption={t("log.growth")}
              days={data.growth.map(({ day, n }) => ({ day, parts: [{ name: "n", n }] }))}
              names={{ n: t("log.statements") }}
              empty={t("log.no-times")}
            />
            <Witnesses witnesses={data.witnesses} />
            <Statements kinds={data.kinds} />
          </>
        )}
      </Loaded>
    </>
  );
}

function Witnesses({ witnesses }: { readonly witnesses: LogState["witnesses"] }): JSX.Element {
  return (
    <section aria-labelledby="witnesses">
      <h2 id="witnesses">{t("log.witnesses")}</h2>
      {witnesses.length === 0 ? (
        <p class="state empty">{t("log.no-witness")}</p>
      ) : (
        <Table caption={t("log.witnesses")} head={[t("log.witness"), t("log.cosigned"), t("log.counts")]}>
          {witnesses.map(({ name, last_cosigned_at: last, is_quorum }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{last === null ? t("log.never") : `${time(last)} (${age((cityNow() - Date.parse(last)) / 1000)})`}</td>
              <td>{t(is_quorum ? "yes" : "no")}</td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
}

function Statements({ kinds }: { readonly kinds: Readonly<Record<string, number>> }): JSX.Element {
  const kind = useSignal("");
  const first = useResource<List<StatementItem>>(`api/v1/log/statements${query({ limit: PAGE, kind: kind.value })}`);
  const older = useSignal<readonly StatementItem[]>([]);
  const isDone = useSignal(false);
  const problem = useSignal<ApiError | null>(null);
  const data = first.state === "ready" ? first.data : null;
  useEffect(() => {
    older.value = [];
    isDone.value = false;
  }, [kind.value]);

  const more = async (before: number) => {
    problem.value = null;
    try {
      const path = `api/v1/log/statements${query({ limit: PAGE, kind: kind.value, before })}`;
      const page = await getJson<List<StatementItem>>(path);
      older.value = [...older.value, ...page.items];
      isDone.value = page.next === null || page.items.length === 0;
    } catch (error) {
      problem.value = error instanceof ApiError ? error : new ApiError(0, "bug", String(error));
    }
  };

  const fresh = (told.value?.statements ?? []).filter(
    (one) => (kind.value === "" || one.kind === kind.value) && one.entry > (data?.items[0]?.entry ?? Infinity),
  );
  return (
    <section aria-labelledby="statements">
      <h2 id="statements">{t("log.statements")}</h2>
      <div class="tools">
        <label>
          <span>{t("shown.kind")}</span>
          <select value={kind.value} onChange={(event) => (kind.value = event.currentTarget.value)}>
            <option value="">{t("log.all-kinds")}</option>
            {Object.entries(kinds)
              .sort()
              .map(([name, n]) => (
                <option key={name} value={name}>
                  {tWord("kind", name)} ({number(n)})
                </option>
              ))}
          </select>
        </label>
      </div>
      <ul class="statements" aria-live="polite" aria-label={t("log.arrived")}>
        {fresh.map((one) => (
          <Statement key={one.entry} item={one} isNew />
        ))}
      </ul>
      <Loaded of={first} isEmpty={({ items }) => items.length === 0}>
        {({ items, next }) => {
          const newest = new Set(items.map((one) => one.entry));
          const all = [...items, ...older.value.filter((one) => !newest.has(one.entry))];
          return (
            <>
              <ul class="statements">
                {all.map((one) => (
                  <Statement key={one.entry} item={one} isNew={false} />
                ))}
              </ul>
              {next !== null && !isDone.value && (
                <button type="button" onClick={() => void more(all.at(-1)?.entry ?? 0)}>
                  {t("log.older")}
                </button>
              )}
              {problem.value !== null && <Failed error={problem.value} />}
            </>
          );
        }}
      </Loaded>
    </section>
  );
}

function Statement({ item, isNew }: { readonly item: StatementItem; readonly isNew: boolean }): JSX.Element {
  const isOpen = useSignal(false);
  const { entry, kind, about, at, signer, simulated, statement } = item;
  return (
    <li class={isNew ? "new" : undefined}>
      <strong>
        {entry} {tWord("kind", kind)}
      </strong>{" "}
      {aboutWords(about)} <Simulated is={simulated} /> {isNew && <span class="tag good">{t("log.new")}</span>}
      <br />
      <span class="soft">
        {at === null ? t("log.no-time") : time(at)}
        {signer && <> · {t("log.signed-by", { signer })}</>} ·{" "}
        <a href={linkTo("lineage", [entry])} aria-label={`${t("seal.lineage")}: ${entry}`}>
          {t("seal.lineage")}
        </a>
      </span>
      {statement !== undefined && (
        <details onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
          <summary>{t("log.show")}</summary>
          {isOpen.value && (
            <pre tabIndex={0} lang="en" aria-label={t("log.show")}>
              {JSON.stringify(statement, null, 1)}
            </pre>
          )}
        </details>
      )}
    </li>
  );
}
