// Words of the city's own names: columns, flags, baselines, what a card calls its parts.

import { said, tWord } from "../language";
import type { Feed } from "../api/types";

/** What a contract says of a column, in full. */
export function fieldTitle(feed: Feed, name: string): string {
  return said(feed.fields.find((field) => field.name === name)?.title).replace(/\.$/, "") || fieldWords(name);
}

/** A column's name as people say it; one that nobody knows, without its underscores. */
export function fieldWords(name: string): string {
  const words = tWord("field", name);
  return words === name ? name.replaceAll("_", " ") : words;
}

/** A flag `range:pm25` in words where there are some. */
export function flagWords(flag: string): string {
  const [rule = "", about = ""] = flag.split(":");
  const words = tWord("rule", rule);
  return about === "" ? words : `${words}: ${fieldWords(about)}`;
}

/** A name of a card or a report, `assured_at` or `training.rows`, in words where there are some. */
export function partWords(name: string): string {
  const key = name.replaceAll("_", "-");
  const words = tWord("part", key);
  return words === key ? name.replaceAll(/[_.-]/g, " ") : words;
}
