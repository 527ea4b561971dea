import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError, isNotThen, ours, query } from "../src/api/client";
import type { Dataset, Measured } from "../src/api/dataset";
import type { App, Feed, LineageNode, Panel, PanelColumn, Place } from "../src/api/types";
import { dayAxis } from "../src/parts/day_axis";
import { linkTo, parseRoute } from "../src/router";
import { middleAndRange } from "../src/views/city/forecasts";
import { firstLayers, idsOf, layersOf } from "../src/views/city/layers";
import { marksOf } from "../src/views/city/marks";
import { sitesBy } from "../src/views/city/sites";
import { boxOf, madeOf, matches, valuesOf } from "../src/views/city/tiles";
import { ENTRY, entryOf } from "../src/views/lineage/entry";
import { layOut } from "../src/views/lineage/layers";
import { cataloguePath, changesOf, daysBack, sensorsOf } from "../src/views/quality/changes";
import { trustLines } from "../src/views/quality/trust_lines";
import { keyOf } from "../src/views/sensor/panel_plot";
import { fanColumns, inside, intervals, seriesColumns } from "../src/views/sensor/series";

test("a link that is written is read back", () => {
  const link = linkTo("sensor", ["air", "a/b %?#é"], { field: "pm25", at: undefined, as_of: "" });
  const route = parseRoute(link);
  assert.deepEqual(route?.places, ["air", "a/b %?#é"]);
  assert.deepEqual([...(route?.query ?? [])], [["field", "pm25"]]);
  assert.equal(parseRoute("")?.view, "city");
  assert.equal(parseRoute("#/")?.view, "city");
  assert.equal(parseRoute("#/nowhere"), null);
  assert.equal(parseRoute("#/sensor/%"), null);
});

test("what was not there then is told from what is not there", () => {
  assert.ok(isNotThen(new ApiError(404, "not-there-then", "feed snow: want one that was there, got one added later")));
  assert.ok(!isNotThen(new ApiError(404, "not-there", "feed: want one of this city")));
});

test("no path leads to another server", () => {
  const base = "https://city.example/portal/index.html#/x";
  assert.equal(ours("/api/v1/city", base), "https://city.example/portal/api/v1/city");
  assert.equal(ours("receipts/air/1/2", base), "https://city.example/portal/receipts/air/1/2");
  for (const path of ["https://evil.example/", "javascript:alert(1)", "../x", "a/../../x", "data:,x", "\\\\evil.example/x"]) {
    const url = ours(path, base);
    assert.ok(url === null || url.startsWith("https://city.example/portal/"), `${path}: ${url}`);
  }
  assert.equal(ours("//evil.example/x", base), "https://city.example/portal/evil.example/x");
  assert.equal(query({ a: 1, b: null, c: "x y" }), "?a=1&c=x+y");
});

const FEED = {
  key: ["station", "observed_at"],
  fields: ["station", "pm25", "name", "no2"].map((name) => ({ name, is_personal: name === "name" })),
  freshness: { wanted_s: 600 },
} as unknown as Feed;

function place(values: Record<string, unknown>, more: Partial<Place["properties"]> = {}): Place {
  const properties = { key: "AQ01", title: "Hải Châu", agency: null, age_s: 60, simulated: false, values, ...more };
  return { type: "Feature", id: "AQ01", geometry: { type: "Point", coordinates: [108, 16] }, properties } as unknown as Place;
}

const shown = (value: number | null, state = "measured", flags: string[] = []) => ({ value, unit: null, state, flags });

test("a tile's mark says how its first value came to be, whether any is flagged, and whether it is old", () => {
  assert.deepEqual(madeOf(FEED, place({ pm25: shown(1) })), { state: "measured", simulated: false, flagged: false, old: false });
  assert.equal(madeOf(FEED, place({ pm25: shown(null), no2: shown(1, "filled") })).state, "filled");
  assert.equal(madeOf(FEED, place({ pm25: shown(null) })).state, "none");
  assert.equal(madeOf(FEED, place({ pm25: shown(1), no2: shown(1, "measured", ["range:no2"]) })).flagged, true);
  assert.equal(madeOf(FEED, place({ pm25: shown(1) }, { age_s: 601 })).old, true);
  assert.equal(madeOf(FEED, place({ pm25: shown(1) }, { simulated: true })).simulated, true);
  assert.deepEqual(valuesOf(FEED, place({ name: shown(1), station: shown(2), pm25: shown(3) })).map(({ field }) => field), ["pm25"]);
  assert.ok(matches("hai chau", place({})));
  assert.ok(!matches("thanh khe", place({})));
  assert.deepEqual(boxOf([], [1, 2, 3, 4]), [1, 2, 3, 4]);
  assert.equal(boxOf([], null), null);
});

test("a series is in the order of time, one point a time", () => {
  const point = (at: string, value: number) => ({ at, value, record: null, state: "measured", flags: [] }) as const;
  const { at, values } = seriesColumns([point("2026-01-01T00:01:00Z", 2), point("2026-01-01T00:00:00Z", 1), point("2026-01-01T00:01:00Z", 3), point("x", 9)]);
  assert.deepEqual(values, [1, 3]);
  assert.equal((at[1] ?? 0) - (at[0] ?? 0), 60);
});

test("what was measured has a line of its own, and the rest one that meets it", () => {
  const point = (minute: number, value: number | null, state: "measured" | "filled" = "measured") =>
    ({ at: `2026-01-01T00:0${minute}:00Z`, value, record: null, state, flags: [] }) as const;
  const { measured, made } = seriesColumns([point(0, 1), point(1, 2), point(2, 2, "filled"), point(3, null), point(4, 3), point(5, 4)]);
  assert.deepEqual(measured, [1, 2, null, null, 3, 4]);
  assert.deepEqual(made, [null, 2, 2, null, null, null]);
});

test("layers are those of feeds, of panels of which the key is known, and of applications", () => {
  const feed = { feed: "air", key: ["station", "at"] } as unknown as Feed;
  const column = { name: "pm", feed: "air", field: "pm25", key: "ward" } as PanelColumn;
  const panel = { panel: "p", columns: [column, { ...column, name: "old", key: undefined }, { ...column, feed: "else" }] } as unknown as Panel;
  const app = { app: "env", targets: { pm25: "ug/m3" } } as unknown as App;
  const layers = layersOf([feed], [panel], [app]);
  assert.deepEqual(layers.map(({ id }) => id), ["air", "panel:p:pm", "app:env:pm25"]);
  assert.deepEqual([...firstLayers(layers, idsOf(undefined))], ["air"]);
  assert.deepEqual([...firstLayers(layers, idsOf("app:env:pm25,nothing"))], ["app:env:pm25"]);
  assert.equal(keyOf(feed, place({ ward: shown(7) }), column), "7");
  assert.equal(keyOf(feed, place({ ward: shown(7) }), { ...column, key: "station" }), "AQ01");
  assert.equal(keyOf(feed, place({}), column), null);
});

test("places that share a ward are one site in the middle of them", () => {
  const east = place({ ward: shown(7) });
  const west = { ...east, geometry: { type: "Point", coordinates: [106, 14] } } as Place;
  const sites = sitesBy("ward", false, "air", [east, west, { ...place({ ward: shown(8) }), geometry: null }]);
  assert.deepEqual(sites.get("7")?.at, [107, 15]);
  assert.equal(sites.get("8")?.at, null);
  assert.equal(sitesBy("", true, "air", [east]).get("AQ01")?.title, "Hải Châu");
});

test("the middle of a forecast, and the range that holds four fifths of outcomes", () => {
  assert.deepEqual(middleAndRange({ quantiles: { "0.1": 1, "0.5": 2, "0.9": 9 } }), { middle: 2, low: 1, high: 9 });
  assert.deepEqual(middleAndRange({ quantiles: { "0.5": 2 } }), { middle: 2, low: null, high: null });
});

test("a fan has its levels in order, and counts what fell inside", () => {
  const at = (hour: number) => `2026-01-01T0${hour}:00:00Z`;
  const fan = fanColumns([
    { at: at(2), quantiles: { "0.9": 9, "0.1": 1, "0.5": 5, "0.025": 0, "0.975": 10 }, outcome: null },
    { at: at(0), quantiles: { "0.9": 9, "0.1": 1, "0.5": 5, "0.025": 0, "0.975": 10 }, outcome: 9.5 },
    { at: at(1), quantiles: { "0.9": 9, "0.1": 1, "0.5": 5, "0.025": 0, "0.975": 10 }, outcome: 11 },
  ]);
  assert.deepEqual(fan.levels, ["0.025", "0.1", "0.5", "0.9", "0.975"]);
  assert.deepEqual(intervals(fan.levels), [{ low: 0, high: 4, share: 0.95 }, { low: 1, high: 3, share: 0.8 }]);
  assert.deepEqual(inside(fan), { n: 2, inside: 1 });
  assert.deepEqual(inside(fanColumns([])), { n: 0, inside: 0 });
});

const node = (entry: number): LineageNode => ({ entry, kind: "ingest", about: null, at: null, simulated: false });

test("lineage runs from left to right, and no edge within a column", () => {
  const edges = [[1, 2], [1, 3], [2, 4], [3, 4], [1, 4], [4, 5], [5, 6], [4, 6]] as const;
  const laid = layOut({ entry: 4, it: node(4), rests_on: [1, 2, 3].map(node), used_by: [5, 6].map(node), edges, is_cut: false });
  assert.equal(laid.columns, 5);
  assert.equal(laid.placed.length, 6);
  assert.equal(laid.edges.length, edges.length);
  for (const [from, to] of laid.edges) assert.ok(from.column < to.column);
});

test("lineage of a thing alone, of nodes that no edge reaches, and of a ring still ends", () => {
  const alone = layOut({ entry: 4, it: node(4), rests_on: [], used_by: [], edges: [], is_cut: false });
  assert.deepEqual([alone.columns, alone.rows], [1, 1]);
  const loose = layOut({ entry: 4, it: node(4), rests_on: [node(1)], used_by: [node(9)], edges: [], is_cut: false });
  assert.equal(loose.columns, 3);
  layOut({ entry: 1, it: node(1), rests_on: [], used_by: [node(2)], edges: [[1, 2], [2, 1]], is_cut: false });
});

test("the least trusted come first, by their last day", () => {
  const score = (key: string, day: string, value: number) => ({ key, field: "", day, score: value });
  const lines = trustLines([score("a", "2026-01-02", 0.9), score("a", "2026-01-01", 0.1), score("b", "2026-01-01", 0.5)]);
  assert.deepEqual(lines.map(({ key }) => key), ["b", "a"]);
  assert.equal(lines[1]?.scores[0]?.score, 0.1);
});

test("a day without anything is a gap", () => {
  const day = (text: string) => ({ day: text, parts: [] });
  const { n, bars } = dayAxis([day("2026-01-01"), day("2026-01-05"), day("x")], 120);
  assert.equal(n, 5);
  assert.deepEqual(bars.map(({ at }) => at), [0, 4]);
  assert.deepEqual(dayAxis([day("2026-01-01"), day("2026-01-05")], 3).bars.map(({ at }) => at), [2]);
  assert.equal(dayAxis([], 3).n, 0);
});

test("what changed is one list, the newest statement first, a withdrawal apart from what it takes back", () => {
  const contract = (entry: number) => ({ entry, version: "1", sha256: "", url: "" });
  const changes = changesOf({
    contracts: [contract(9), contract(2)],
    corrections: [{ entry: 5, name: "c", withdrawn: [{ entry: 8, reason: "wrong", at: "2026-01-01T00:00:00Z" }] }],
    releases: [{ entry: 7, batch: 3, at: "2026-01-01T00:00:00Z", rows: 2 }],
    erasures: [{ entry: 6 }],
  });
  assert.deepEqual(changes.map(({ entry, what }) => `${entry} ${what}`), [
    "9 contract", "8 withdrawal", "7 release", "6 erasure", "5 correction", "2 contract",
  ]);
});

test("a file of the catalogue is this server's, whatever host it was said to be of", () => {
  assert.equal(cataloguePath("https://city.example/portal/catalogue/air/3/rows.csv"), "catalogue/air/3/rows.csv");
  assert.equal(cataloguePath("javascript:alert(1)"), "");
});

test("days back are counted from the last arrival, and never from a time to come", () => {
  const of = (measured_at: string, last_arrival: string | null) => ({ quality: { measured_at, freshness: { last_arrival } } }) as Dataset;
  assert.deepEqual(daysBack(of("2026-03-01T12:00:00Z", null), 2), ["2026-03-01T12:00:00.000Z", "2026-02-28T12:00:00.000Z"]);
  assert.deepEqual(daysBack(of("2026-03-09T12:00:00Z", "2026-03-01T11:59:30Z"), 1), ["2026-03-01T12:00:00.000Z"]);
  assert.deepEqual(daysBack(of("2026-03-01T11:59:40Z", "2026-03-01T11:59:30Z"), 1), ["2026-03-01T11:59:40.000Z"]);
  assert.deepEqual(daysBack(of("x", null), 2), []);
});

test("a sensor's health is that of the whole of it, where it was scored as a whole", () => {
  const of = (...properties: (string | null)[]) =>
    ({ sensor_health: { sensors: properties.map((property) => ({ sensor: "a", property })) } }) as unknown as Measured;
  assert.equal(sensorsOf(of(null, "pm25")).length, 1);
  assert.equal(sensorsOf(of("no2", "pm25")).length, 2);
});

test("an entry's number is taken however it is grouped, and nothing else is", () => {
  for (const text of ["1234", "1,234", "1.234", "1 234", "1\u00a0234", "1\u202f234", " 1'234 ", "01234"]) assert.equal(entryOf(text), "1234", text);
  assert.equal(entryOf("1,234,567"), "1234567");
  assert.equal(entryOf("0"), "0");
  for (const text of ["", " ", "1,23", "1.5", "12345,678", "-1", "1e3", "x", "1234567890123"]) assert.equal(entryOf(text), null, text);
  assert.doesNotThrow(() => new RegExp(ENTRY, "v"), "a browser reads a pattern with this flag");
});

test("the map has no marks of what is not there any more, and keeps them while an answer is on its way", () => {
  const marks = [{ href: "#/x", at: [108, 16] as const, label: "1", mark: "m" }];
  assert.equal(marksOf({ state: "loading" }, () => marks), undefined);
  assert.equal(marksOf({ state: "ready", data: 1, at: 0, problem: null }, () => marks), marks);
  assert.deepEqual(marksOf({ state: "failed", error: new ApiError(404, "not-there", "no run by then") }, () => marks), []);
});
