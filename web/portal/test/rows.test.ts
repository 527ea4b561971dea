import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import type { Value } from "@veracity/verify";
import { compareAgain, type Again } from "../src/views/verify/again";
import { splitCells } from "../src/views/verify/csv_cells";
import { decoded } from "../src/views/verify/encodings";
import { readTime, shapeOf } from "../src/views/verify/times";
import { eastAt } from "../src/views/verify/zones";

interface Vector {
  readonly contract: string;
  readonly records: readonly { readonly text?: string; readonly raw?: string; readonly columns: readonly string[] | null; readonly row: Readonly<Record<string, Value>> }[];
}

type Evidence = Parameters<typeof compareAgain>[0];

const { vectors } = JSON.parse(readFileSync("../../tests/vectors/rows/rows.json", "utf8")) as { vectors: readonly Vector[] };
const { walls, bytes: encodings } = JSON.parse(readFileSync("../../tests/vectors/rows/readings.json", "utf8")) as {
  walls: Readonly<Record<string, { readonly walls: readonly number[]; readonly moments: readonly (number | null)[] }>>;
  bytes: Readonly<Record<string, readonly (string | null)[]>>;
};
const bytes = (text: string) => new TextEncoder().encode(text);
const byteByByte = (raw: string) => Uint8Array.from(raw, (character) => character.charCodeAt(0));

function compared(contract: string, data: Uint8Array, columns: readonly string[] | null, row: Readonly<Record<string, Value>>): Again | null {
  const evidence = { contract: bytes(contract), data, columns, isExact: true };
  return compareAgain(evidence as unknown as Evidence, new Map(Object.entries(row)));
}

/** Another value of the same kind. */
function changed(value: Value): Value {
  if (typeof value === "number") return value + 1;
  if (typeof value === "boolean") return !value;
  if (value === null) return "something";
  return /^\d{4}-\d\d-\d\d/.test(value) ? value.replace(/^\d{4}/, (year) => String(Number(year) - 1)).replace("-02-29", "-02-28") : `${value}!`;
}

test("the rows that Python makes are found the same, and no other row is", () => {
  const often = new Map<string, number>();
  for (const { contract, records } of vectors) {
    for (const { text, raw, columns, row } of records) {
      const data = raw === undefined ? bytes(text ?? "") : byteByByte(raw);
      const again = compared(contract, data, columns, row);
      const about = `${raw ?? text} ${JSON.stringify(row)}`;
      if (again === null && contract.includes('"gbk"')) continue;
      assert.ok(again !== null, about);
      assert.equal(again.wrong, null, about);
      for (const name of again.compared) {
        often.set(name, (often.get(name) ?? 0) + 1);
        const other = compared(contract, data, columns, { ...row, [name]: changed(row[name] ?? null) });
        assert.ok(other?.wrong?.startsWith(`${name}: `), `${name} of ${about}: ${JSON.stringify(other)}`);
      }
    }
  }
  const all = [...new Set(vectors.flatMap(({ records }) => records.flatMap(({ row }) => Object.keys(row))))];
  // What nobody could say for sure is left out: an unknown unit, a clock that follows no rule that we know.
  const unsure = ["odd", "far"];
  for (const name of all) assert.ok(unsure.includes(name) || (often.get(name) ?? 0) > 20, `${name}: ${often.get(name)}`);
});

test("quotes are read as the package reads them", () => {
  assert.deepEqual(splitCells('a,"b,""c""",', ","), ["a", 'b,"c"', ""]);
  assert.deepEqual(splitCells('5" pipe,x', ","), ['5" pipe', "x"]);
  assert.deepEqual(splitCells('"a\nb";c', ";"), ["a\nb", "c"]);
  for (const text of ['"a', '"a"b,c', 'a\nb,"c"', '"a""']) assert.equal(splitCells(text, ","), null, text);
});

test("a time is read where it can be read in one way only", () => {
  const hanoi = "Asia/Ho_Chi_Minh";
  const at = (text: string, ...shapes: string[]) => readTime(text, shapes.map(shapeOf), hanoi);
  const noon = BigInt(Date.parse("2026-09-01T05:00:00Z")) * 1_000n;
  assert.equal(at("01/09/2026 12:00", "dd/MM/yyyy HH:mm"), noon);
  assert.equal(at("09/01/2026 12:00 PM", "yyyy-MM-dd HH:mm", "MM/dd/yyyy hh:mm a"), noon);
  assert.equal(at("2026-09-01 12:00", "dd/MM/yyyy HH:mm"), noon, "no shape of the contract: ISO 8601");
  assert.equal(at("13/01/2026 12:00", "MM/dd/yyyy HH:mm", "dd/MM/yyyy HH:mm"), BigInt(Date.parse("2026-01-13T05:00:00Z")) * 1_000n);
  assert.equal(at("1/9/2026 12:00", "dd/MM/yyyy HH:mm"), undefined, "a looser reader may take it");
  assert.equal(at("01 Sep 2026 12:00", "dd MMM yyyy HH:mm"), noon);
  assert.equal(at("01 SEP 26 12:00", "dd MMM yy HH:mm"), noon);
  assert.equal(at("2026-09-01 12:00", "dd MMM yyyy HH:mm"), noon, "no month's name in it: ISO 8601");
  assert.equal(at("01 September 2026 12:00", "dd MMM yyyy HH:mm"), undefined);
  assert.equal(readTime("2026-09-01 12:00", [], "America/Santiago"), undefined, "its rules changed");
  assert.equal(readTime("2026-03-29 02:30", [], "Europe/Berlin"), undefined, "no clock shows it");
  assert.equal(readTime("2038-01-01 12:00", [], "Europe/Berlin"), undefined, "who knows");
  assert.equal(shapeOf("dd MMM MM yyyy"), null, "two months");
  assert.equal(shapeOf("dMyyyy HH:mm"), null);
});

test("around each change of a clock a wall's time is the moment that Python makes of it, or none", () => {
  let none = 0;
  for (const [zone, { walls: minutes, moments }] of Object.entries(walls)) {
    for (const [i, wall] of minutes.entries()) {
      const east = eastAt(zone, wall * 60_000);
      assert.equal(east === undefined ? null : wall - east, moments[i], `${zone} ${new Date(wall * 60_000).toISOString()}`);
      none += Number(east === undefined);
    }
  }
  assert.ok(none > 100);
});

test("a byte of another encoding is the character that Python reads, or refused as there", () => {
  for (const [codec, characters] of Object.entries(encodings)) {
    for (const [byte, character] of characters.entries()) assert.equal(decoded(Uint8Array.of(byte), [codec]), character, `${codec} ${byte}`);
  }
  assert.equal(decoded(Uint8Array.of(0x80), ["ISO-8859-1"]), "\u0080", "not the browsers' latin1");
  assert.equal(decoded(Uint8Array.of(0x81), ["windows-1252", "latin1"]), "\u0081", "the other encoding");
  assert.equal(decoded(Uint8Array.of(0x81), ["gbk", "latin1"]), null, "one that is not read here");
  assert.equal(decoded(Uint8Array.of(0x81), ["utf-8"]), null);
});
