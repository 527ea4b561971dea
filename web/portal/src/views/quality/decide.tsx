// An operator's decision about rows set aside: tried first, then done, in the account's name, as a statement in the log.

import { useSignal, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import { ApiError, postJson } from "../../api/client";
import { revision } from "../../api/resource";
import type { Decided } from "../../api/types";
import { Failed } from "../../parts/states";
import { t } from "../../language";
import { number } from "../../language/format";
import { linkTo } from "../../router";
import { flagWords } from "../words";

type Choice = "release" | "reject";

/** Rows `batch:record` as the server takes them: those of one batch at a time. */
export function byBatch(rows: ReadonlySet<string>): { readonly batch: number; readonly records: readonly number[] }[] {
  const batches = new Map<number, number[]>();
  for (const row of rows) {
    const [batch = NaN, record = NaN] = row.split(":").map(Number);
    batches.set(batch, [...(batches.get(batch) ?? []), record]);
  }
  return [...batches].sort(([a], [b]) => a - b).map(([batch, records]) => ({ batch, records: records.sort((a, b) => a - b) }));
}

/** The answers to one question that was asked in parts, as one. */
export function together(all: readonly Decided[]): Decided {
  const sum = (of: (one: Decided) => number) => all.reduce((n, one) => n + of(one), 0);
  return {
    is_trial: all.every((one) => one.is_trial),
    rows: sum((one) => one.rows),
    accepted: sum((one) => one.accepted),
    quarantined: sum((one) => one.quarantined),
    held: sum((one) => one.held),
    held_by: [...new Set(all.flatMap((one) => one.held_by))],
    decided: sum((one) => one.decided),
    entry: all.at(-1)?.entry ?? null,
  };
}

export function Decide(props: {
  readonly feed: string;
  readonly chosen: Signal<ReadonlySet<string>>;
  readonly reason: string; // all rows of which are meant where none is chosen
  readonly reasons: readonly string[];
}): JSX.Element {
  const { feed, chosen, reason, reasons } = props;
  const decision = useSignal<Choice>("release");
  const why = useSignal("");
  const waived = useSignal<ReadonlySet<string>>(new Set());
  const tried = useSignal<{ readonly asked: string; readonly result: Decided } | null>(null);
  const done = useSignal<{ readonly decision: Choice; readonly result: Decided } | null>(null);
  const problem = useSignal<ApiError | null>(null);
  const isAsking = useSignal(false);

  const rows = chosen.value;
  const waive = decision.value === "release" ? [...waived.value] : [];
  const common = { decision: decision.value, why: why.value.trim(), waive };
  const bodies = rows.size > 0 ? byBatch(rows).map((some) => ({ ...common, ...some })) : reason === "" ? [] : [{ ...common, reason }];
  const asked = JSON.stringify(bodies);
  const isReady = bodies.length > 0 && common.why !== "";

  const ask = async (is_trial: boolean) => {
    isAsking.value = true;
    problem.value = null;
    done.value = null;
    try {
      const all: Decided[] = [];
      for (const body of bodies) {
        all.push(await postJson<Decided>(`api/v1/feeds/${encodeURIComponent(feed)}/quarantine/decisions`, { ...body, is_trial }));
      }
      if (is_trial) tried.value = { asked, result: together(all) };
      else {
        done.value = { decision: decision.value, result: together(all) };
        tried.value = null;
        chosen.value = new Set();
      }
    } catch (error) {
      problem.value = error instanceof ApiError ? error : new ApiError(0, "bug", String(error));
      tried.value = null;
    }
    if (!is_trial) revision.value += 1; // what was done before one failed is done
    isAsking.value = false;
  };

  const about = rows.size > 0 ? t("decide.rows", { n: rows.size }) : reason === "" ? t("decide.nothing") : t("decide.reason", { reason: flagWords(reason) });
  return (
    <section class="card acts" aria-labelledby="decide">
      <h3 id="decide">{t("quarantine.acts")}</h3>
      <p>{t("decide.how")}</p>
      <p>
        <strong>{about}</strong>
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void ask(true);
        }}
      >
        <fieldset>
          <legend>{t("decide.decision")}</legend>
          {(["release", "reject"] as const).map((name) => (
            <label key={name} class="tick">
              <input type="radio" name="decision" checked={decision.value === name} onChange={() => (decision.value = name)} />{" "}
              {t(`decide.${name}`)}
            </label>
          ))}
        </fieldset>
        {decision.value === "release" && reasons.length > 0 && (
          <fieldset>
            <legend>{t("decide.waive")}</legend>
            {reasons.map((name) => (
              <label key={name} class="tick">
                <input
                  type="checkbox"
                  checked={waived.value.has(name)}
                  onChange={() => {
                    const next = new Set(waived.value);
                    if (!next.delete(name)) next.add(name);
                    waived.value = next;
                  }}
                />{" "}
                {flagWords(name)} <code class="soft">{name}</code>
              </label>
            ))}
          </fieldset>
        )}
        <label>
          <span>{t("decide.why")}</span>
          <textarea rows={2} maxLength={1000} value={why.value} onInput={(event) => (why.value = event.currentTarget.value)} />
        </label>
        <button type="submit" disabled={!isReady || isAsking.value}>
          {t("decide.try")}
        </button>{" "}
        <button type="button" disabled={!isReady || isAsking.value || tried.value?.asked !== asked} onClick={() => void ask(false)}>
          {t("decide.do")}
        </button>
      </form>
      {tried.value !== null && tried.value.asked === asked && (
        <p role="status" class="state">
          {t("decide.would")} {words(decision.value, tried.value.result)}
        </p>
      )}
      {done.value !== null && (
        <p role="status" class="state">
          {t("decide.done")} {words(done.value.decision, done.value.result)}{" "}
          {done.value.result.entry !== null && <a href={linkTo("lineage", [done.value.result.entry])}>{t("seal.lineage")}</a>}
        </p>
      )}
      {problem.value !== null && <Failed error={problem.value} />}
    </section>
  );
}

function words(decision: Choice, { rows, accepted, quarantined, held, held_by, decided }: Decided): string {
  const parts =
    decision === "reject"
      ? [t("decide.kept-out", { n: number(rows) })]
      : [t("decide.come-in", { n: number(accepted), stay: number(quarantined) })];
  if (held > 0) parts.push(t("decide.held", { n: number(held), rules: held_by.map(flagWords).join("; ") }));
  if (decided > 0) parts.push(t("decide.before", { n: number(decided) }));
  return parts.join(" ");
}
