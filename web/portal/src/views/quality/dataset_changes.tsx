// What changed in a data set, what it was made of, and what used it: each with its place in the log, and its seal where it has one.

import type { ComponentChildren, JSX } from "preact";
import { ours } from "../../api/client";
import type { Dataset } from "../../api/dataset";
import { Table } from "../../parts/facts";
import { Simulated } from "../../parts/mark";
import { SealOf } from "../../parts/seal";
import { t, tWord } from "../../language";
import { number, time } from "../../language/format";
import { linkTo } from "../../router";
import { cataloguePath, changesOf, type Change } from "./changes";

const MOST_BATCHES = 6;

export function Changed({ dataset }: { readonly dataset: Dataset }): JSX.Element {
  const changes = changesOf(dataset.changes);
  return (
    <section aria-labelledby="changes">
      <h2 id="changes">{t("dataset.changes")}</h2>
      <p class="soft">{t("dataset.changes-why")}</p>
      {changes.length === 0 ? (
        <p class="state empty">{t("lineage.nothing")}</p>
      ) : (
        <Table caption={t("dataset.changes")} head={[t("lineage.entry"), t("sensor.when"), t("dataset.change"), t("seal.title")]}>
          {changes.map((change) => (
            <tr key={change.entry}>
              <th scope="row">{change.entry}</th>
              <td>{change.at === null ? "–" : time(change.at)}</td>
              <td>{words(change)}</td>
              <td>
                {change.what === "release" ? (
                  <BatchSeal feed={dataset.dataset} batch={change.batch} entry={change.entry} />
                ) : (
                  <LineageOf entry={change.entry} />
                )}
              </td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
}

function words(change: Change): ComponentChildren {
  switch (change.what) {
    case "contract":
      return (
        <>
          {t("change.contract", { version: change.version })} <a href={ours(cataloguePath(change.url)) ?? ""}>yaml</a>
        </>
      );
    case "correction":
      return t("change.correction", { name: change.name });
    case "withdrawal":
      return t("change.withdrawal", { name: change.name, reason: change.reason });
    case "release":
      return t("change.release", { rows: number(change.rows), batch: change.batch });
    case "erasure":
      return t("kind.erase");
  }
}

/** The seal of a batch is that of its first record: its receipt has the batch's statement in it. */
function BatchSeal({ feed, batch, entry }: { readonly feed: string; readonly batch: number; readonly entry: number }): JSX.Element {
  return <SealOf path={`receipts/${feed}/${batch}/0`} about={`${t("dataset.batch")} ${batch}`} lineage={linkTo("lineage", [entry])} />;
}

function LineageOf({ entry }: { readonly entry: number }): JSX.Element {
  return (
    <a href={linkTo("lineage", [entry])} aria-label={`${t("seal.lineage")}: ${entry}`}>
      {t("seal.lineage")}
    </a>
  );
}

export function RestsOn({ dataset }: { readonly dataset: Dataset }): JSX.Element {
  const { batches, n_batches, used_by } = dataset.lineage;
  const shown = batches.slice(0, MOST_BATCHES);
  return (
    <section aria-labelledby="lineage">
      <h2 id="lineage">{t("seal.lineage")}</h2>
      <h3>{t("dataset.batches")}</h3>
      {shown.length === 0 ? (
        <p class="state empty">{t("lineage.nothing")}</p>
      ) : (
        <>
          <p class="soft">{t("dataset.n-batches", { n: number(n_batches), shown: shown.length })}</p>
          <Table
            caption={t("dataset.batches")}
            head={[t("dataset.batch"), t("shown.received"), t("dataset.rows"), t("seal.title")]}
            numeric={[2]}
          >
            {shown.map(({ entry, batch, received_at, rows }) => (
              <tr key={entry}>
                <th scope="row">{batch}</th>
                <td>{time(received_at)}</td>
                <td class="num">{number(rows)}</td>
                <td>
                  <BatchSeal feed={dataset.dataset} batch={batch} entry={entry} />
                </td>
              </tr>
            ))}
          </Table>
        </>
      )}
      <h3>{t("lineage.used-by")}</h3>
      {used_by.length === 0 ? (
        <p class="state empty">{t("lineage.nothing")}</p>
      ) : (
        <Table caption={t("lineage.used-by")} head={[t("lineage.entry"), t("shown.kind"), t("lineage.about")]}>
          {used_by.map(({ entry, kind, name, simulated }) => (
            <tr key={entry}>
              <th scope="row">
                <a href={linkTo("lineage", [entry])}>{entry}</a>
              </th>
              <td>
                {tWord("kind", kind)} <Simulated is={simulated} />
              </td>
              <td>{name}</td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
}
