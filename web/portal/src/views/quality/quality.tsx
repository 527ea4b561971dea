// Data quality: all feeds at a glance, or one in full.

import type { JSX } from "preact";
import { useSignal } from "@preact/signals";
import { useResource } from "../../api/resource";
import type { Feed, List } from "../../api/types";
import { Table } from "../../parts/facts";
import { Simulated } from "../../parts/mark";
import { Empty, Loaded } from "../../parts/states";
import { said, t } from "../../language";
import { age, number, percent } from "../../language/format";
import { isFound } from "../../language/search";
import type { ViewProps } from "../../portal";
import { linkTo } from "../../router";
import { DatasetPage } from "./dataset";
import { FeedQuality } from "./feed_quality";

export function QualityView({ route }: ViewProps): JSX.Element {
  const [feed, page] = route.places;
  if (feed === undefined) return <AllFeeds />;
  if (page !== "dataset") return <FeedQuality key={feed} name={feed} />;
  return <DatasetPage key={`${feed} ${route.query.get("as_of")}`} name={feed} asked={route.query} />;
}

function AllFeeds(): JSX.Element {
  const feeds = useResource<List<Feed>>("api/v1/feeds?limit=200");
  const search = useSignal("");
  return (
    <>
      <h1 tabIndex={-1}>{t("quality.title")}</h1>
      <p>{t("quality.intro")}</p>
      <label class="search">
        <span class="hidden">{t("quality.search")}</span>
        <input
          type="search"
          placeholder={t("quality.search")}
          value={search.value}
          onInput={(event) => (search.value = event.currentTarget.value)}
        />
      </label>
      <Loaded of={feeds} isEmpty={({ items }) => items.length === 0} empty={t("quality.no-feeds")}>
        {({ items }) => {
          const found = items.filter((feed) => isFound(search.value, `${feed.feed} ${said(feed.title)} ${feed.agency ?? ""}`));
          if (found.length === 0) return <Empty>{t("city.none-found", { query: search.value })}</Empty>;
          return <Feeds feeds={found} />;
        }}
      </Loaded>
    </>
  );
}

function Feeds({ feeds }: { readonly feeds: readonly Feed[] }): JSX.Element {
  const head = ["quality.feed", "shown.agency", "quality.fresh", "count.received", "count.accepted", "count.quarantined", "count.refused"] as const;
  return (
    <Table caption={t("quality.title")} head={head.map((key) => t(key))} numeric={[3, 4, 5, 6]}>
      {feeds.map((feed) => (
        <tr key={feed.feed}>
          <th scope="row">
            <a href={linkTo("quality", [feed.feed])}>{said(feed.title) || feed.feed}</a> <Simulated is={feed.simulated} />
            {feed.is_personal && <span class="tag">{t("quality.personal")}</span>}
          </th>
          <td>{feed.agency ?? "–"}</td>
          <td>
            <span class={`tag fresh-${feed.freshness.state}`}>{t(`fresh.${feed.freshness.state}`)}</span>{" "}
            {feed.freshness.age_s !== null && <span class="soft">{age(feed.freshness.age_s)}</span>}
          </td>
          <td class="num">{number(feed.counts.received)}</td>
          <td class="num">{share(feed.counts.accepted, feed.counts.received)}</td>
          <td class="num">{share(feed.counts.quarantined, feed.counts.received)}</td>
          <td class="num">{share(feed.counts.refused, feed.counts.received)}</td>
        </tr>
      ))}
    </Table>
  );
}

function share(n: number, of: number): string {
  return of === 0 ? number(n) : `${number(n)} (${percent(n / of, 2)})`;
}
