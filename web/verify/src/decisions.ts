// The links of a `decide` statement: to the release it ran under and who approved it, and its decisions.

import type { Agencies, Authority } from "./agencies.js";
import { ReceiptRejected } from "./errors.js";
import { Fields } from "./fields.js";
import { checkOperator } from "./links.js";
import { MAX_COLUMNS, MAX_RECEIPT_BYTES, type ProvenEntry, type Value } from "./receipt.js";
import { readRelease, type Approve, type Decide, type Release } from "./statements/models.js";
import { parseJson, Real, type Json, type JsonObject } from "./strict_json.js";
import { parseTime } from "./time.js";

const CODE = "malformed-receipt";

export interface Released {
  readonly release: Release;
  readonly officer: Authority;
  readonly approve: Approve;
}

/** Check that this is the release that a run names, and that an officer approved it in time. */
export async function checkRelease(
  decide: Decide,
  at: bigint,
  stated: ProvenEntry,
  agencies: Agencies,
): Promise<Released> {
  const reject = (message: string) => new ReceiptRejected("release", message);
  const { index } = stated.proof;
  if (decide.release === null || index !== BigInt(decide.release) || index >= at) {
    throw reject(`log index: want ${decide.release}, below ${at}, got ${index}`);
  }
  const release = await readRelease(stated.statement);
  await checkOperator(agencies, stated, "release");
  for (const [name, want, got] of [
    ["system", decide.system, release.system],
    ["model", decide.modelSha256, release.modelSha256],
    ["stage", decide.stage, release.stage],
    ["simulated", decide.simulated, release.simulated || decide.simulated],
  ]) {
    if (want !== got) throw reject(`${name}: want ${want}, got ${got}`);
  }
  const releasedAt = parseTime(release.releasedAt) ?? 0n;
  if ((parseTime(decide.madeAt) ?? 0n) < releasedAt) {
    throw reject(`released_at: want a time not after ${decide.madeAt}, got ${release.releasedAt}`);
  }
  const given = await agencies.officer(release, index, releasedAt);
  if (given === null || release.action === "stop") {
    throw reject(`action: want a model released, got ${release.action}`);
  }
  return { release, ...given };
}

/** Read a decision's bytes: one JSON object of single values. */
export function readDecision(data: Uint8Array): JsonObject {
  const row = parseJson(data, "decision", MAX_RECEIPT_BYTES, CODE);
  if (!(row instanceof Map) || row.size > MAX_COLUMNS) {
    throw new ReceiptRejected("row", `decision: want an object of at most ${MAX_COLUMNS} names, got another`);
  }
  for (const value of (row as JsonObject).values()) {
    if (value instanceof Map || Array.isArray(value)) {
      throw new ReceiptRejected("row", "decision: want single values, got an object or an array");
    }
  }
  return row as JsonObject;
}

/** When a decision's outcome is due, and whether it was made before that; one that was not says so by `horizon_s` 0. */
export function checkDue(decide: Decide, row: JsonObject): { text: string; due: bigint; isForecast: boolean } {
  const fields = new Fields(row, "decision", CODE);
  const [text, due] = [fields.time("due"), fields.when("due")];
  if ((parseTime(decide.madeAt) ?? 0n) < due) return { text, due, isForecast: true };
  if (row.get("horizon_s") !== 0) {
    throw new ReceiptRejected("due", `due: want a time after ${decide.madeAt}, when it was made, got ${text}`);
  }
  return { text, due, isForecast: false };
}

/** The values of a decision, to be shown. */
export function valuesOf(row: JsonObject): ReadonlyMap<string, Value> {
  return new Map([...row].map(([name, value]) => [name, single(value)]));
}

function single(value: Json): Value {
  return value instanceof Real ? value.value : (value as Value);
}
