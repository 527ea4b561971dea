import assert from "node:assert/strict";
import { test } from "node:test";

import { verifyReceipt, type Verification } from "@veracity/verify";
import { applyPatch, numbers, outcome, vector, vectorJson, type Index } from "./vectors.js";

const INDEX = vectorJson<Index>("receipts/index.json");
const POLICY = vector(`receipts/${INDEX.policy}`);
const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const answer = ({ steps, predicate, row, evidence }: Verification) =>
  JSON.stringify([steps, predicate, row === null ? null : [...row], evidence?.text ?? null]);

for (const name of INDEX.valid) {
  test(`a good receipt verifies, and its row is told as not checked: ${name}`, async () => {
    const verification = await verifyReceipt(vector(`receipts/${name}`), POLICY);
    assert.equal(verification.simulated, !["enrol", "access"].includes(verification.kind));
    assert.deepEqual(
      verification.steps.slice(0, 5).map((step) => step.name),
      ["checkpoint", "keys", "entry", "signature", "statement"],
    );
    const told = verification.notChecked.some((line) => line.startsWith("row: "));
    assert.equal(told, verification.row !== null && verification.decision === null);
  });
}

for (const lie of INDEX.lies) {
  test(`a log that holds a lie gives no receipt that verifies: ${lie.file}`, async () => {
    assert.equal(await outcome(vector(`receipts/${lie.file}`), POLICY), `${lie.code} ${lie.step}`);
  });
}

for (const edit of INDEX.edits) {
  test(`whatever is edited, the step that depends on it fails: ${edit.name}`, async () => {
    const document = vectorJson<unknown>(`receipts/${edit.base}`);
    const got = await outcome(encode(applyPatch(document, edit.patch)), POLICY);
    // Cleaning again is not for a browser: a wrong row is told as not checked, never as checked.
    const want = edit.step === "row" ? "valid" : edit.step === null ? edit.code : `${edit.code} ${edit.step}`;
    assert.equal(got, want);
  });
}

test("no bit of a small receipt can be flipped unseen", async () => {
  const data = vector("receipts/valid-enrol.json");
  const want = answer(await verifyReceipt(data, POLICY));
  for (let bit = 0; bit < 8 * data.length; bit += 1) {
    const changed = Uint8Array.from(data);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    if ((await outcome(changed, POLICY)) === "valid") {
      assert.equal(answer(await verifyReceipt(changed, POLICY)), want, `bit ${bit}`);
    }
  }
});

test("no byte of a receipt with a record can be changed unseen, but for the line number and the row", async () => {
  const data = vector("receipts/valid-ndjson.json");
  const want = JSON.stringify((await verifyReceipt(data, POLICY)).steps);
  const random = numbers(20261128);
  for (let at = 0; at < data.length; at += 3) {
    const changed = Uint8Array.from(data);
    changed[at] = (changed[at] ?? 0) ^ (1 << Math.floor(8 * random()));
    if ((await outcome(changed, POLICY)) !== "valid") continue;
    assert.equal(JSON.stringify((await verifyReceipt(changed, POLICY)).steps), want, `byte ${at}`);
  }
});

test("a decision tells its system, its model, who released it, and that it was made before its outcome", async () => {
  const { decision, row, notChecked } = await verifyReceipt(vector("receipts/valid-v3-decision.json"), POLICY);
  assert.deepEqual(
    [decision?.system, decision?.stage, decision?.officer, decision?.person, decision?.isForecast],
    ["air", "advise", "officer/lan-nguyen", "Nguyễn Thị Lan", true],
  );
  assert.equal(row?.get("due"), decision?.due);
  assert.ok(notChecked.some((line) => line.startsWith("time: that it was made before its outcome")));
});

test("a record that a device sent tells the device, and a bare one that nobody's signature is shown", async () => {
  const signed = await verifyReceipt(vector("receipts/valid-v4-live-array.json"), POLICY);
  assert.deepEqual([signed.agency, signed.device], ["danang-environment", "danang-environment/aq06"]);
  assert.ok(signed.steps.some(({ name, detail }) => name === "message" && detail.startsWith("record 3 of 5 signed by")));
  const bare = await verifyReceipt(vector("receipts/valid-live-bare.json"), POLICY);
  assert.deepEqual([bare.agency, bare.device], [null, null]);
  assert.ok(bare.notChecked.some((line) => line.startsWith("message: no device's signature")));
});

test("no byte of a receipt of a message can be changed unseen, but for the row", async () => {
  const data = vector("receipts/valid-v4-live-array.json");
  const want = JSON.stringify((await verifyReceipt(data, POLICY)).steps);
  const random = numbers(20261130);
  for (let at = 0; at < data.length; at += 13) {
    const changed = Uint8Array.from(data);
    changed[at] = (changed[at] ?? 0) ^ (1 << Math.floor(8 * random()));
    if ((await outcome(changed, POLICY)) !== "valid") continue;
    assert.equal(JSON.stringify((await verifyReceipt(changed, POLICY)).steps), want, `byte ${at}`);
  }
});

test("no byte of a receipt of a decision can be changed unseen", async () => {
  const data = vector("receipts/valid-v3-decision.json");
  const want = JSON.stringify((await verifyReceipt(data, POLICY)).decision);
  const random = numbers(20261129);
  for (let at = 0; at < data.length; at += 13) {
    const changed = Uint8Array.from(data);
    changed[at] = (changed[at] ?? 0) ^ (1 << Math.floor(8 * random()));
    if ((await outcome(changed, POLICY)) !== "valid") continue;
    assert.equal(JSON.stringify((await verifyReceipt(changed, POLICY)).decision), want, `byte ${at}`);
  }
});

test("a receipt cut short anywhere is malformed", async () => {
  const data = vector("receipts/valid-ndjson.json");
  for (let length = 0; length < data.length - 2; length += 97) {
    assert.equal(await outcome(data.slice(0, length), POLICY), "malformed-receipt");
  }
});

test("any value put anywhere fails as our own error, in one line, or verifies", async () => {
  const document = vectorJson<Record<string, unknown>>("receipts/valid-ndjson.json");
  const junk = [null, true, -1, 0, 1, 2 ** 53, 0.5, "", "x", "\u0000", [], [1], {}, { a: 1 }, "A===", { __proto__: 1 }];
  const places = paths(document);
  for (const place of places) {
    for (const value of junk) {
      await outcome(encode(applyPatch(document, [{ op: "replace", path: place, value }])), POLICY);
    }
  }
  assert.ok(places.length > 30);
});

function paths(value: unknown, path = ""): string[] {
  const inner = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return [...(path === "" ? [] : [path]), ...inner.flatMap(([name, item]) => paths(item, `${path}/${name}`))];
}

test("a receipt does not verify under the policy of another log", async () => {
  const [other] = vectorJson<{ valid: { policy: { text: string } }[] }>("log/policies.json").valid;
  const got = await outcome(vector("receipts/valid-enrol.json"), other?.policy.text ?? "");
  assert.equal(got, "receipt-rejected checkpoint");
});

test("time stamps are told as not looked at, whatever is in them", async () => {
  const { valid, lies } = INDEX.time_stamps;
  for (const name of [...valid, ...lies.map((lie) => lie.file)]) {
    const { notChecked } = await verifyReceipt(vector(`receipts/${name}`), POLICY);
    assert.ok(notChecked.some((line) => line.startsWith("time stamps: ")), name);
  }
});

test("what the caller does to its own bytes while we wait changes nothing", async () => {
  const data = vector("receipts/valid-ndjson.json");
  const waiting = verifyReceipt(data, POLICY);
  data.fill(0);
  assert.equal((await waiting).kind, "ingest");
});

test("each check is told as it passes: of a receipt that is rejected, those before the failure", async () => {
  const told: string[] = [];
  const { steps } = await verifyReceipt(vector("receipts/valid-ndjson.json"), POLICY, (step) => told.push(step.name));
  assert.deepEqual(told, steps.map((step) => step.name));
  told.length = 0;
  const lie = vector("receipts/lie-delivery-by-another-agency.json");
  await assert.rejects(verifyReceipt(lie, POLICY, (step) => told.push(step.name)));
  assert.deepEqual(told, ["checkpoint", "keys", "entry", "signature", "statement", "contract"]);
});
