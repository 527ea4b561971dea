// One feed: what came and what became of it, why some was set aside, and how far each sensor is trusted.

import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { ours } from "../../api/client";
import { useResource } from "../../api/resource";
import type { Counts, Feed, Quality, ReasonCount } from "../../api/types";
import { DayBars } from "../../parts/day_bars";
import { Facts, Table } from "../../parts/facts";
import { Loaded } from "../../parts/states";
import { t } from "../../language";
import { age, number, percent, span, time } from "../../language/format";
import { linkTo } from "../../router";
import { fieldWords, flagWords } from "../words";
import { FeedHead, FeedPath } from "./feed_head";
import { Quarantine } from "./quarantine";
import { trustLines } from "./trust_lines";

const MOST_SENSORS = 60;
const MOST_ACCOUNTS = 48;

export function FeedQuality({ name }: { readonly name: string }): JSX.Element {
  const path = `api/v1/feeds/${encodeURIComponent(name)}`;
  const feed = useResource<Feed>(path);
  const quality = useResource<Quality>(`${path}/quality`);
  return (
    <>
      <FeedPath name={name} />
      <Loaded of={feed}>{(known) => <About feed={known} />}</Loaded>
      <Loaded of={quality}>
        {(data) => (
          <>
            <Sum counts={data.counts} />
            <DayBars caption={t("quality.by-day")} days={data.by_day.map(dayOf)} names={partNames()} />
            <div class="grid">
              <Reasons title={t("quality.reasons")} reasons={data.reasons} />
              <Reasons title={t("quality.flagged")} reasons={data.flagged} />
            </div>
            <Trust feed={name} quality={data} />
            <Accounts quality={data} />
            <Part title={t("quarantine.title")}>
              <p>{t("quarantine.sum", { n: number(data.quarantine.n), waiting: number(data.quarantine.waiting) })}</p>
              <Quarantine feed={name} reasons={data.reasons.map(({ reason }) => reason)} />
            </Part>
          </>
        )}
      </Loaded>
    </>
  );
}

function Part(props: { readonly title: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <section aria-label={props.title}>
      <h2>{props.title}</h2>
      {props.children}
    </section>
  );
}

function About({ feed }: { readonly feed: Feed }): JSX.Element {
  const { freshness, contract } = feed;
  const hasFiles = !feed.is_personal && feed.counts.batches > 0;
  const wanted = freshness.wanted_s === null ? "" : ` ${t("quality.wanted", { span: span(freshness.wanted_s) })}`;
  return (
    <>
      <FeedHead feed={feed} here="quality" />
      <Facts
        items={[
          [t("shown.agency"), feed.agency ?? t("shown.nobody")],
          [t("quality.licence"), feed.licence],
          [t("quality.fresh"), `${t(`fresh.${freshness.state}`)}: ${age(freshness.age_s)}.${wanted}`],
          [t("quality.arrival"), freshness.last_arrival && time(freshness.last_arrival)],
          [
            t("quality.contract"),
            <>
              {contract.version} <code>{contract.sha256.slice(0, 16)}…</code>{" "}
              <a href={linkTo("lineage", [contract.entry])}>{t("seal.lineage")}</a>
            </>,
          ],
          [t("quality.files"), hasFiles && <Downloads feed={feed.feed} />],
        ]}
      />
    </>
  );
}

/** The rows of the newest version as files; their manifest proves that the log knows them. */
function Downloads({ feed }: { readonly feed: string }): JSX.Element {
  const base = `catalogue/${encodeURIComponent(feed)}`;
  return (
    <>
      {["parquet", "csv", "geojson"].map((suffix) => (
        <span key={suffix}>
          <a href={ours(`${base}/rows.${suffix}`) ?? ""}>{suffix}</a> ·{" "}
        </span>
      ))}
      <a href={ours(`${base}/manifest.json`) ?? ""}>{t("quality.manifest")}</a> · <a href={ours(`${base}/croissant.json`) ?? ""}>Croissant</a>
    </>
  );
}

function Sum({ counts }: { readonly counts: Counts }): JSX.Element {
  const { received, accepted, quarantined, refused, batches } = counts;
  const isWhole = received === accepted + quarantined + refused;
  return (
    <p class="sum-line">
      {t("quality.sum", {
        received: number(received),
        accepted: number(accepted),
        quarantined: number(quarantined),
        refused: number(refused),
        batches: number(batches),
      })}{" "}
      <span class={isWhole ? "tag good" : "tag bad"}>{t(isWhole ? "quality.adds-up" : "quality.not-whole")}</span>
    </p>
  );
}

function dayOf({ day, accepted, quarantined, refused }: Quality["by_day"][number]) {
  return {
    day,
    parts: [
      { name: "accepted", n: accepted },
      { name: "quarantined", n: quarantined },
      { name: "refused", n: refused },
    ],
  };
}

function partNames(): Record<string, string> {
  return { accepted: t("count.accepted"), quarantined: t("count.quarantined"), refused: t("count.refused") };
}

function Reasons({ title, reasons }: { readonly title: string; readonly reasons: readonly ReasonCount[] }): JSX.Element {
  const most = Math.max(1, ...reasons.map(({ n }) => n));
  return (
    <Part title={title}>
      {reasons.length === 0 ? (
        <p class="state empty">{t("quality.no-reasons")}</p>
      ) : (
        <Table caption={title} head={[t("quality.reason"), t("quality.records"), t("quality.share")]} numeric={[1]}>
          {reasons.map(({ reason, n }) => (
            <tr key={reason}>
              <th scope="row">
                {flagWords(reason)} <code class="soft breaks">{reason}</code>
              </th>
              <td class="num">{number(n)}</td>
              <td>
                <svg class="share" width="100" height="14" aria-hidden="true">
                  <rect width={(100 * n) / most} height="14" />
                </svg>
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Part>
  );
}

function Trust({ feed, quality }: { readonly feed: string; readonly quality: Quality }): JSX.Element {
  const all = trustLines(quality.trust);
  const fields = [...new Set(all.map(({ field }) => field))].sort();
  const chosen = useSignal(fields[0] ?? "");
  const lines = all.filter(({ field }) => field === chosen.value);
  return (
    <Part title={t("quality.trust")}>
      <p class="soft">{t("quality.trust-why")}</p>
      {fields.length > 1 && (
        <div class="tools">
          <label>
            <span>{t("sensor.field")}</span>
            <select value={chosen.value} onChange={(event) => (chosen.value = event.currentTarget.value)}>
              {fields.map((name) => (
                <option key={name} value={name}>
                  {name === "" ? t("quality.all-fields") : fieldWords(name)}
                </option>
              ))}
            </select>
          </label>
        </div>
      )}
      {lines.length === 0 ? (
        <p class="state empty">{t("quality.no-trust")}</p>
      ) : (
        <Table caption={t("quality.trust")} head={[t("quality.sensor"), t("quality.score"), t("quality.over-time")]} numeric={[1]}>
          {lines.slice(0, MOST_SENSORS).map(({ key, field, scores }) => (
            <tr key={`${key} ${field}`}>
              <th scope="row">
                <a href={linkTo("sensor", [feed, key], { field })}>{key}</a> {field !== "" && <span class="soft">{fieldWords(field)}</span>}
              </th>
              <td class="num">{percent(scores.at(-1)?.score ?? 0)}</td>
              <td>
                <svg
                  class="trust-line"
                  viewBox="0 0 100 100"
                  preserveAspectRatio="none"
                  role="img"
                  aria-label={t("quality.from-to", {
                    from: percent(scores[0]?.score ?? 0),
                    to: percent(scores.at(-1)?.score ?? 0),
                    n: scores.length,
                  })}
                >
                  <line x1="0" y1="50" x2="100" y2="50" />
                  <polyline
                    points={scores
                      .map(({ score }, i) => `${(100 * i) / Math.max(1, scores.length - 1)},${100 - 98 * score}`)
                      .join(" ")}
                  />
                </svg>
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Part>
  );
}

function Accounts({ quality }: { readonly quality: Quality }): JSX.Element {
  const head = ["account.device", "account.hour", "account.sent", "count.accepted", "count.quarantined", "count.refused", "count.duplicate"] as const;
  return (
    <Part title={t("account.title")}>
      <p class="soft">{t("account.why")}</p>
      {quality.accounts.length === 0 ? (
        <p class="state empty">{t("account.none")}</p>
      ) : (
        <Table caption={t("account.title")} head={head.map((key) => t(key))} numeric={[2, 3, 4, 5, 6]}>
          {quality.accounts.slice(0, MOST_ACCOUNTS).map((one) => (
            <tr key={`${one.device} ${one.hour}`}>
              <th scope="row">{one.device}</th>
              <td>{time(one.hour)}</td>
              {[one.sent, one.accepted, one.quarantined, one.refused, one.duplicate].map((n, i) => (
                <td key={i} class="num">
                  {number(n)}
                </td>
              ))}
            </tr>
          ))}
        </Table>
      )}
    </Part>
  );
}
