import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { CATALOGUES, fill, said, speak } from "../src/language";
import { fold, isFound } from "../src/language/search";
import { span, time, zone } from "../src/language/format";
import { unitWords } from "../src/language/units";
import { fromWall, toWall } from "../src/language/wall";
import type { Feed } from "../src/api/types";
import { aboutWords, asksWords, fieldTitle } from "../src/views/words";
import { ORDER } from "../src/views/verify/steps";

const LANGUAGES = Object.keys(CATALOGUES) as (keyof typeof CATALOGUES)[];
const values = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

test("each language says all that the others say, with the same values in it", () => {
  const keys = Object.keys(CATALOGUES.en).sort();
  for (const language of LANGUAGES) {
    const catalogue = CATALOGUES[language] as Readonly<Record<string, string>>;
    assert.deepEqual(Object.keys(catalogue).sort(), keys, language);
    for (const [key, text] of Object.entries(CATALOGUES.en)) {
      assert.notEqual((catalogue[key] ?? "").trim(), "", `${language} ${key}`);
      assert.deepEqual(values(catalogue[key] ?? ""), values(text), `${language} ${key}`);
    }
  }
});

test("every string of the catalogue is said somewhere", () => {
  const sources = (folder: string): string[] =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return sources(path);
      return /language\/(en|vi|id)\.ts$/.test(path) ? [] : [readFileSync(path, "utf8")];
    });
  const code = sources("src").join("\n");
  const made = ["failed."]; // by status
  for (const [, prefix] of code.matchAll(/\bt\(`([a-z.-]+)\$\{/g)) made.push(prefix as string);
  for (const [, prefix] of code.matchAll(/tWord\("([a-z-]+)"/g)) made.push(`${prefix}.`);
  const unsaid = Object.keys(CATALOGUES.en).filter(
    (key) => !code.includes(`"${key}"`) && !made.some((prefix) => key.startsWith(prefix)),
  );
  assert.deepEqual(unsaid, []);
});

test("each step of a check has its words in every language, whether it passed or failed", () => {
  for (const name of ORDER) {
    for (const prefix of ["step", "step-ok", "step-bad"]) assert.ok(`${prefix}.${name}` in CATALOGUES.en, `${prefix}.${name}`);
  }
});

test("text is found whatever accents it is typed with", () => {
  assert.equal(fold("Đà Nẵng, Thanh Khê"), "da nang, thanh khe");
  assert.ok(isFound("da nang", "Trạm Đà Nẵng"));
  assert.ok(isFound("HAI chau", "Hải Châu"));
  assert.ok(isFound("châu hải", "Hải Châu"), "in any order");
  assert.ok(!isFound("thanh khe", "Hải Châu"));
  assert.ok(isFound("", "anything"));
});

test("a value that is not given stays to be seen", () => {
  assert.equal(fill("{a} of {b}", { a: 1 }), "1 of {b}");
  assert.equal(fill("{a}", { a: "$&{b}" }), "$&{b}");
});

test("one is not written as many", () => {
  const text = "{n} {n:row comes|rows come} in";
  assert.equal(fill(text, { n: 1 }), "1 row comes in");
  assert.equal(fill(text, { n: "1" }), "1 row comes in");
  assert.equal(fill(text, { n: 0 }), "0 rows come in");
  assert.equal(fill(text, { n: "1,001" }), "1,001 rows come in");
  for (const language of LANGUAGES) {
    for (const [key, said] of Object.entries(CATALOGUES[language])) {
      const named = [...said.matchAll(/\{(\w+):/g)].map(([, name]) => name ?? "");
      for (const name of named) assert.ok(said.includes(`{${name}}`), `${language} ${key}: the number itself too`);
    }
  }
});

test("the city's own words are in the reader's language, else in English, else in any", () => {
  speak("vi");
  assert.equal(said({ en: "air", vi: "không khí" }), "không khí");
  assert.equal(said({ en: "air" }), "air");
  assert.equal(said({ fr: "air" }), "air");
  assert.equal(said("as it is"), "as it is");
  assert.equal(said(null), "");
  speak("en");
});

test("a time is the city's, and says of which zone", () => {
  zone.value = "Asia/Ho_Chi_Minh";
  assert.match(time("2026-09-16T17:00:00.000000Z"), /17 Sept? 2026, 00:00 GMT\+7/);
  assert.equal(time("not a time"), "not a time");
  assert.equal(span(59), "59 seconds");
  assert.equal(span(7_199), "1 hour");
  assert.equal(span(6_295_100), "72 days");
});

test("an input without a zone means the city's clock, through changes of it", () => {
  const noon = Date.parse("2026-09-16T05:00:00Z");
  assert.equal(toWall(noon, "Asia/Ho_Chi_Minh"), "2026-09-16T12:00");
  assert.equal(fromWall("2026-09-16T12:00", "Asia/Ho_Chi_Minh"), noon);
  for (const name of ["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "UTC"]) {
    for (let hour = 0; hour < 24 * 14; hour += 1) {
      for (const start of ["2026-03-01T00:30:00Z", "2026-03-25T00:30:00Z", "2026-10-20T00:30:00Z", "2026-10-30T00:30:00Z"]) {
        const ms = Date.parse(start) + hour * 3_600_000;
        const back = fromWall(toWall(ms, name), name);
        assert.equal(toWall(back ?? NaN, name), toWall(ms, name), `${name} ${new Date(ms).toISOString()}`);
      }
    }
  }
  assert.equal(fromWall("2026-03-29T02:30", "Europe/Berlin"), null, "a clock that is put forward leaves it out");
  assert.equal(fromWall("", null), null);
});

test("units are written as people write them", () => {
  assert.deepEqual(["ug/m3", "Cel", "m3/s", "%", "mm/h", null].map(unitWords), ["µg/m³", "°C", "m³/s", "%", "mm/h", ""]);
});

test("a unit that is a word is said in the reader's language, one that nobody knows as it is", () => {
  const units = ["{vehicles}", "{vehicles}/h", "{index}", "{NTU}"];
  assert.deepEqual(units.map(unitWords), ["vehicles", "vehicles/h", "index", "NTU"]);
  speak("vi");
  assert.deepEqual(units.map(unitWords), ["xe", "xe/h", "chỉ số", "NTU"]);
  speak("en");
});

test("no language has one word for rows that a person rejected and for records that were refused", () => {
  for (const language of LANGUAGES) {
    const { "quarantine.rejected": rejected, "count.refused": refused } = CATALOGUES[language];
    assert.notEqual(rejected.toLowerCase(), refused.toLowerCase(), language);
  }
});

test("what a statement is about is said in the reader's language, names as they are", () => {
  speak("vi");
  assert.equal(aboutWords("traffic batch 49"), "traffic lô 49");
  assert.equal(aboutWords("environment run 6 record 2"), "environment lượt 6 bản ghi 2");
  assert.equal(aboutWords("batch batch 3"), "batch lô 3");
  for (const plain of ["danang-hydromet", "operator key", "a batch of things", ""]) assert.equal(aboutWords(plain), plain);
  assert.equal(aboutWords(null), "");
  speak("en");
  assert.equal(aboutWords("traffic batch 49"), "traffic batch 49");
});

test("the question of a test is translated if it is the one that we know, and else said as it was signed", () => {
  const { "asks.coverage": asks } = CATALOGUES.en;
  speak("id");
  assert.deepEqual(asksWords("coverage", asks), { words: CATALOGUES.id["asks.coverage"], lang: undefined });
  assert.deepEqual(asksWords("coverage", "Is it blue?"), { words: "Is it blue?", lang: "en" });
  assert.deepEqual(asksWords("another-test", ""), { words: "another-test", lang: "en" });
  speak("en");
});

test("no sentence stayed English", () => {
  const texts = Object.entries(CATALOGUES.en).filter(([, text]) => text.replaceAll(/\{[^}]*\}/g, "").split(" ").length > 3);
  for (const language of LANGUAGES.filter((name) => name !== "en")) {
    for (const [key, text] of texts) assert.notEqual((CATALOGUES[language] as Readonly<Record<string, string>>)[key], text, `${language} ${key}`);
  }
});

test("a column is called in our words where its contract has one language for it, else as the contract says", () => {
  const feed = {
    fields: [
      { name: "stage_m", title: "River stage above the gauge's datum." },
      { name: "lux", title: "Light at noon." },
      { name: "pm25", title: { en: "Fine dust.", vi: "Bụi mịn." } },
      { name: "odd_one", title: null },
    ],
  } as unknown as Feed;
  speak("vi");
  assert.deepEqual(["stage_m", "lux", "pm25", "odd_one"].map((name) => fieldTitle(feed, name)), ["Mực nước", "Light at noon", "Bụi mịn", "Odd one"]);
  speak("en");
});
