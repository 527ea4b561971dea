// Words of the city's own names: columns, flags, baselines, what a card calls its parts, what a statement is about.

import { CATALOGUES, isKey, said, tWord } from "../language";
import { sentence } from "../language/format";
import type { Feed } from "../api/types";

/** What a contract says of a column, in full; one that it says in one language only, in our words where we have some. */
export function fieldTitle(feed: Feed, name: string): string {
  const title = feed.fields.find((field) => field.name === name)?.title;
  const own = said(title).replace(/\.$/, "");
  return (typeof title === "string" && isKey(`field.${name}`)) || own === "" ? sentence(fieldWords(name)) : own;
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

/** What a test asks, and in which language: ours if the question is the one that we translated, else the report's own. */
export function asksWords(name: string, asks: string): { readonly words: string; readonly lang: string | undefined } {
  const key = `asks.${name}`;
  const isOurs = isKey(key) && CATALOGUES.en[key] === asks;
  return isOurs ? { words: tWord("asks", name), lang: undefined } : { words: asks || name, lang: "en" };
}

const COUNTED = /^(.*?)((?: (?:batch|run|number|record|day|hour|incident) \S+)+)$/;

/** What a statement is about, `traffic batch 49` or `environment run 6 record 2`: names as they are, the rest in words. */
export function aboutWords(about: string | null): string {
  const [, whose = "", counted = ""] = COUNTED.exec(about ?? "") ?? [];
  if (counted === "") return about ?? "";
  const pairs = [...counted.matchAll(/ (\w+) (\S+)/g)].map(([, word = "", n = ""]) => tWord("about", word, { n }));
  return [whose, ...pairs].join(" ");
}
