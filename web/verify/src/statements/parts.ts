// What several kinds of statement have in common.

import { hex, nCharacters, utf8 } from "../bytes.js";
import { Malformed } from "../errors.js";
import { isCount, SHA256_HEX, type Fields } from "../fields.js";
import { FEED, FEED_NAME, MALFORMED } from "./statement.js";

const MAX_BATCHES = 4096;
const MAX_BY = 200;
const MAX_WHY = 1000;
// A name, not a path: what is handed out must not show where a file lay on somebody's machine.
const FILE_NAME = /^[^/\\\x00-\x1f\x7f]{1,255}$/u;
// Control characters, half characters, other line ends, and marks that turn text around.
export const UNSHOWN = /[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/;
export const SPACE_ONLY = /^[\x20\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]*$/;

export interface FileDigest {
  readonly name: string;
  readonly sha256: string;
  readonly bytes: number;
}

export interface Counts {
  readonly received: number;
  readonly accepted: number;
  readonly quarantined: number;
  readonly refused: number;
  readonly blank: number;
}

export interface RowsDigest {
  readonly rows: number;
  readonly sha256: string;
}

/** Rows let in from quarantine: by whom, why, and past which rules. */
export interface Released {
  readonly by: string;
  readonly why: string;
  readonly waived: readonly string[];
  readonly batches: readonly number[];
}

export function fail(message: string): Malformed {
  return new Malformed(MALFORMED, message);
}

export function readFileDigest(fields: Fields): FileDigest {
  const want = "a file's name without directories, at most 255 characters";
  const name = fields.matching("name", FILE_NAME, want);
  return { name, sha256: fields.sha256("sha256"), bytes: fields.count("bytes") };
}

export function readCounts(fields: Fields): Counts {
  const counts = {
    received: fields.count("received"),
    accepted: fields.count("accepted"),
    quarantined: fields.count("quarantined"),
    refused: fields.count("refused"),
    blank: fields.count("blank"),
  };
  fields.done();
  return counts;
}

/** `received` must be the sum of where the records went, and the refusals must sum to `refused`. */
export function checkCounts(kind: string, counts: Counts, refusals: ReadonlyMap<string, number>): void {
  const { received, accepted, quarantined, refused } = counts;
  if (BigInt(received) !== BigInt(accepted) + BigInt(quarantined) + BigInt(refused)) {
    throw fail(`${kind}.counts: want received = accepted + quarantined + refused, got ${received}`);
  }
  const sum = [...refusals.values()].reduce((total, n) => total + BigInt(n), 0n);
  if (sum !== BigInt(refused)) throw fail(`${kind}.refusals: want a sum of ${refused}, got ${sum}`);
}

export function readRows(fields: Fields): RowsDigest {
  const rows = { rows: fields.count("rows"), sha256: fields.sha256("sha256") };
  fields.done();
  return rows;
}

/** A feed's table as it stood after a batch, and the digest of its rows. */
export function readInput(fields: Fields): void {
  fields.matching("feed", FEED_NAME, FEED);
  fields.count("up_to_batch");
  fields.sha256("sha256");
  fields.done();
}

export function readDigests(fields: Fields, name: string, most: number): readonly string[] {
  const isDigest = (item: unknown): item is string => typeof item === "string" && SHA256_HEX.test(item);
  return fields.every(name, most, isDigest, "digests of 64 hex digits");
}

export function readBatches(fields: Fields): readonly number[] {
  const batches = fields.every("batches", MAX_BATCHES, isCount, "numbers of batches");
  if (batches.length === 0 || !ascend(batches)) {
    throw fail(`batches: want 1 to ${MAX_BATCHES} numbers, ascending, got ${batches.length}`);
  }
  return batches;
}

export function ascend(numbers: readonly number[]): boolean {
  return numbers.every((n, i) => i === 0 || (numbers[i - 1] ?? n) < n);
}

/** A person's name and reason, each one line that shows itself. */
export function readPerson(fields: Fields): { by: string; why: string } {
  const person = { by: fields.text("by", MAX_BY), why: fields.text("why", MAX_WHY) };
  for (const [name, text] of Object.entries(person)) {
    if (SPACE_ONLY.test(text) || UNSHOWN.test(text)) {
      throw fail(`${name}: want one line of characters, none of them for control, got ${nCharacters(text)}`);
    }
  }
  return person;
}

export function readReleased(fields: Fields): Released {
  const isReason = (item: unknown): item is string =>
    typeof item === "string" && item !== "" && nCharacters(item) <= 200;
  const waived = fields.every("waived", 256, isReason, "reasons");
  const { by, why } = readPerson(fields);
  const batches = readBatches(fields);
  fields.done();
  if (!waived.every((reason, i) => i === 0 || isBefore(waived[i - 1] ?? "", reason))) {
    throw fail(`released.waived: want reasons in order, each once, got ${waived.length}`);
  }
  return { by, why, waived, batches };
}

/** Whether one text comes before another by its Unicode characters, which is the order of its UTF-8. */
function isBefore(a: string, b: string): boolean {
  return hex(utf8(a)) < hex(utf8(b));
}

/** How a batch was judged: of this only the counts matter here. */
export function readChecks(fields: Fields): { flagged: number; asked: number } {
  fields.sha256("rules");
  const state = fields.object("state");
  for (const name of ["before", "after"]) state.optional(name, (n) => state.sha256(n));
  state.done();
  const counts = { flagged: fields.count("flagged"), asked: fields.count("asked") };
  fields.optional("silent", (name) => fields.count(name));
  for (const name of ["verdicts", "health"]) fields.optional(name, (n) => readRows(fields.object(n)));
  for (const registry of fields.objects("registries", 64)) {
    registry.matching("feed", FEED_NAME, FEED);
    registry.count("up_to_batch", -1);
    registry.done();
  }
  fields.done();
  return counts;
}

