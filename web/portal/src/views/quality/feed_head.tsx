// What stands above both pages of a feed: its name, and the way from the one page to the other.

import type { JSX } from "preact";
import type { Feed } from "../../api/types";
import { Simulated } from "../../parts/mark";
import { said, t } from "../../language";
import { linkTo } from "../../router";

export function FeedHead({ feed, here }: { readonly feed: Feed; readonly here: "quality" | "dataset" }): JSX.Element {
  const places = { quality: [feed.feed], dataset: [feed.feed, "dataset"] };
  return (
    <>
      <h1 tabIndex={-1}>
        {said(feed.title) || feed.feed} <Simulated is={feed.simulated} />
      </h1>
      {here === "quality" && <p>{said(feed.description)}</p>}
      <nav aria-label={t("dataset.pages")}>
        {(["quality", "dataset"] as const).map((page) => (
          <a key={page} href={linkTo("quality", places[page])} aria-current={page === here ? "page" : undefined}>
            {t(page === "quality" ? "nav.quality" : "dataset.title")}
          </a>
        ))}
      </nav>
    </>
  );
}

export function FeedPath({ name }: { readonly name: string }): JSX.Element {
  return (
    <p class="soft">
      <a href={linkTo("quality")}>{t("nav.quality")}</a> › {name}
    </p>
  );
}
