// A feed as a data set: what it is, how good it is as measured, its files, its contract, and what changed; now or as known then.

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { query } from "../../api/client";
import type { Dataset } from "../../api/dataset";
import { useResource } from "../../api/resource";
import type { Feed } from "../../api/types";
import { Facts } from "../../parts/facts";
import { Empty, Loaded } from "../../parts/states";
import { t } from "../../language";
import { number, time } from "../../language/format";
import { linkTo } from "../../router";
import { Clock } from "../city/time_bar";
import { stamp, timeOf } from "../city/tiles";
import { fieldWords } from "../words";
import { Changed, RestsOn } from "./dataset_changes";
import { Columns, Contract, Files } from "./dataset_files";
import { Health, HowGood } from "./dataset_quality";
import { FeedHead, FeedPath } from "./feed_head";

export function DatasetPage({ name, asked }: { readonly name: string; readonly asked: ReadonlyMap<string, string> }): JSX.Element {
  const feed = useResource<Feed>(`api/v1/feeds/${encodeURIComponent(name)}`);
  return (
    <>
      <FeedPath name={name} />
      <Loaded of={feed}>
        {(known) => (
          <>
            <FeedHead feed={known} here="dataset" />
            {known.is_personal ? <Empty>{t("quality.personal")}</Empty> : <AsKnown name={name} asked={asked} />}
          </>
        )}
      </Loaded>
    </>
  );
}

function AsKnown({ name, asked }: { readonly name: string; readonly asked: ReadonlyMap<string, string> }): JSX.Element {
  const asOf = useSignal<number | null>(timeOf(asked.get("as_of")));
  const then = stamp(asOf.value);
  const path = `api/v1/datasets/${encodeURIComponent(name)}`;
  const dataset = useResource<Dataset>(`${path}${query({ as_of: then })}`);
  useEffect(() => {
    history.replaceState(null, "", linkTo("quality", [name, "dataset"], { as_of: then ?? undefined }));
  }, [then]);
  return (
    <>
      <div class="tools">
        <Clock label={t("time.as-of")} of={asOf} />
        <button type="button" disabled={asOf.value === null} onClick={() => (asOf.value = null)}>
          {t("time.back")}
        </button>
      </div>
      <p class="soft">{t(asOf.value === null ? "time.known-now" : "time.known-then", { time: time(asOf.value ?? 0) })}</p>
      <Loaded of={dataset}>
        {(data) => (
          <>
            <What dataset={data} />
            <HowGood dataset={data} path={path} />
            <Files dataset={data} />
            <Changed dataset={data} />
            <Contract dataset={data} />
            <Columns dataset={data} />
            <Health dataset={data} />
            <RestsOn dataset={data} />
          </>
        )}
      </Loaded>
    </>
  );
}

function What({ dataset }: { readonly dataset: Dataset }): JSX.Element {
  const { description, agency, licence, keywords, temporal, bbox, key } = dataset;
  const degrees = (value: number) => `${number(value, 3)}°`;
  return (
    <Facts
      items={[
        [t("dataset.purpose"), description.purpose],
        [t("dataset.limitations"), description.limitations],
        [t("dataset.usage"), description.usage],
        [t("shown.agency"), agency ?? t("shown.nobody")],
        [t("quality.licence"), licence ?? <strong key="l">{t("dataset.no-licence")}</strong>],
        [t("dataset.keywords"), keywords.join(", ")],
        [t("dataset.span"), temporal && t("dataset.from-to", { from: time(temporal.first), to: time(temporal.last) })],
        [
          t("dataset.where"),
          bbox && t("dataset.box", { west: degrees(bbox[0]), south: degrees(bbox[1]), east: degrees(bbox[2]), north: degrees(bbox[3]) }),
        ],
        [t("dataset.key"), key.map(fieldWords).join(", ")],
      ]}
    />
  );
}
