// How good a data set is, as measured: now, and on the days before.

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { ApiError, getJson, isAbort, query } from "../../api/client";
import type { Dataset, Measured } from "../../api/dataset";
import { Facts, Table } from "../../parts/facts";
import { Failed, Loading } from "../../parts/states";
import { t } from "../../language";
import { age, day, number, percent, span, time } from "../../language/format";
import { linkTo } from "../../router";
import { fieldWords } from "../words";
import { daysBack, sensorsOf } from "./changes";

const DAYS = 7;
const MOST_SENSORS = 60;

export function HowGood({ dataset, path }: { readonly dataset: Dataset; readonly path: string }): JSX.Element {
  const { measured_at, freshness, completeness, validity, sensor_health: health } = dataset.quality;
  const wanted = freshness.wanted_s === null ? "" : ` ${t("quality.wanted", { span: span(freshness.wanted_s) })}`;
  const isOpen = useSignal(false);
  return (
    <section aria-labelledby="measured">
      <h2 id="measured">{t("dataset.measured")}</h2>
      <p class="soft">{t("dataset.measured-at", { time: time(measured_at) })}</p>
      <Facts
        items={[
          [t("quality.fresh"), `${t(`fresh.${freshness.state}`)}: ${age(freshness.age_s)}.${wanted}`],
          [
            t("dataset.completeness"),
            completeness.share === null
              ? t("dataset.unmeasured")
              : t("dataset.complete-of", { share: exactly(completeness.share), n: number(completeness.n_sensors ?? 0) }),
          ],
          [
            t("dataset.validity"),
            validity.share === null ? t("dataset.unmeasured") : t("dataset.valid-of", { share: exactly(validity.share) }),
          ],
          [
            t("dataset.health"),
            health.mean === null || health.lowest === null
              ? t("quality.no-trust")
              : t("dataset.health-of", { mean: percent(health.mean), lowest: percent(health.lowest) }),
          ],
        ]}
      />
      <details onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
        <summary>{t("dataset.history", { n: DAYS })}</summary>
        {isOpen.value && <History dataset={dataset} path={path} />}
      </details>
    </section>
  );
}

/** Two digits after the point: 99.98 % is not all. */
function exactly(share: number): string {
  return percent(share, 2);
}

/** The same as known on each day before, asked for one after the other. */
function History({ dataset, path }: { readonly dataset: Dataset; readonly path: string }): JSX.Element {
  const days = useSignal<readonly (readonly [string, Measured])[]>([]);
  const problem = useSignal<ApiError | null>(null);
  const times = useMemo(() => daysBack(dataset, DAYS), []); // of when it was opened: a log that grows does not ask again
  useEffect(() => {
    const stop = new AbortController();
    days.value = [];
    problem.value = null;
    const ask = async () => {
      for (const at of times) {
        const { quality } = await getJson<Dataset>(`${path}${query({ as_of: at })}`, stop.signal);
        days.value = [...days.value, [at, quality]];
      }
    };
    ask().catch((error: unknown) => {
      if (stop.signal.aborted || isAbort(error)) return;
      problem.value = error instanceof ApiError ? error : new ApiError(0, "bug", String(error));
    });
    return () => stop.abort();
  }, [path, times]);
  const title = t("dataset.history", { n: DAYS });
  const head = ["dataset.known-at", "quality.fresh", "dataset.completeness", "dataset.validity", "dataset.mean-trust", "dataset.least-trust"] as const;
  return (
    <section aria-label={title}>
      <p class="soft">{t("dataset.history-why")}</p>
      <Table caption={title} head={head.map((key) => t(key))} numeric={[2, 3, 4, 5]}>
        {days.value.map(([at, { freshness, completeness, validity, sensor_health }]) => (
          <tr key={at}>
            <th scope="row">{time(at)}</th>
            <td>
              {t(`fresh.${freshness.state}`)}
              {freshness.age_s !== null && <span class="soft"> {age(freshness.age_s)}</span>}
            </td>
            {[completeness.share, validity.share, sensor_health.mean, sensor_health.lowest].map((share, i) => (
              <td key={i} class="num">
                {share === null ? "–" : exactly(share)}
              </td>
            ))}
          </tr>
        ))}
      </Table>
      {problem.value !== null ? <Failed error={problem.value} /> : days.value.length < times.length && <Loading />}
    </section>
  );
}

export function Health({ dataset }: { readonly dataset: Dataset }): JSX.Element {
  const sensors = sensorsOf(dataset.quality);
  const shown = sensors.slice(0, MOST_SENSORS);
  return (
    <section aria-labelledby="health">
      <h2 id="health">{t("dataset.health")}</h2>
      <p class="soft">{t("quality.trust-why")}</p>
      {shown.length === 0 ? (
        <p class="state empty">{t("quality.no-trust")}</p>
      ) : (
        <Table
          caption={t("dataset.health")}
          head={[t("quality.sensor"), t("quality.score"), t("dataset.interval"), t("bars.day")]}
          numeric={[1, 2]}
        >
          {shown.map(({ sensor, property, score, low, high, day: on }) => (
            <tr key={`${sensor} ${property}`}>
              <th scope="row">
                <a href={linkTo("sensor", [dataset.dataset, sensor])}>{sensor}</a>{" "}
                {property !== null && <span class="soft">{fieldWords(property)}</span>}
              </th>
              <td class="num">{percent(score, 1)}</td>
              <td class="num">
                {percent(low, 1)} – {percent(high, 1)}
              </td>
              <td>{day(on)}</td>
            </tr>
          ))}
        </Table>
      )}
      {sensors.length > shown.length && <p class="soft">{t("more", { n: number(sensors.length - shown.length) })}</p>}
      <p>
        <a href={linkTo("quality", [dataset.dataset])}>{t("dataset.trust-by-day")}</a>
      </p>
    </section>
  );
}
