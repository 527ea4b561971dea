import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { parsePolicy, parseReceipt } from "@veracity/verify";
import { compareAgain } from "../src/views/verify/again";
import { asPolicy, check, looksLike, withOneBitChanged } from "../src/views/verify/check";
import { isOf } from "../src/views/verify/expected";
import { believed } from "../src/views/verify/policy";
import { asText, hexDump, piecesOf } from "../src/views/verify/raw";
import { answers, ORDER, planOf, QUESTIONS, shownSteps } from "../src/views/verify/steps";

interface Index {
  readonly policy: string;
  readonly valid: readonly string[];
  readonly lies: readonly { readonly file: string; readonly step: string }[];
}

const read = (name: string) => new Uint8Array(readFileSync(`../../tests/vectors/receipts/${name}`));
const INDEX = JSON.parse(new TextDecoder().decode(read("index.json"))) as Index;
const POLICY = new TextDecoder().decode(read(INDEX.policy));

for (const name of INDEX.valid) {
  test(`a good receipt holds, and goes through the steps that were planned: ${name}`, async () => {
    const checked = await check(read(name), POLICY);
    assert.equal(checked.verdict.state, "holds");
    const plan = planOf(parseReceipt(read(name)));
    const passed = checked.passed.map((step) => step.name).filter((step) => step !== "revocations");
    const isDecision = checked.receipt?.stated.statement.kind === "decide";
    const wanted = plan.filter((step) => step !== "revocations" && (step !== "row" || isDecision));
    assert.deepEqual(passed, wanted);
    assert.ok(shownSteps(checked).every((step) => ["passed", "undone", "compared"].includes(step.state)));
    assert.ok(answers(checked).every((answer) => answer.state !== "no" && answer.state !== "unreached"));
  });

  test(`one changed bit is noticed, at a step or as no receipt: ${name}`, async () => {
    const { verdict } = await check(withOneBitChanged(read(name)), POLICY);
    assert.ok(verdict.state === "fails" || verdict.state === "malformed", verdict.state);
  });
}

test("a changed record fails at its page, and says which steps passed before", async () => {
  const checked = await check(withOneBitChanged(read("valid-ndjson.json")), POLICY);
  assert.equal(checked.verdict.state === "fails" && checked.verdict.step, "pages");
  const states = Object.fromEntries(shownSteps(checked).map((step) => [step.name, step.state]));
  assert.equal(states["parts"], "passed");
  assert.equal(states["pages"], "failed");
  assert.equal(states["record"], "unreached");
  const said = Object.fromEntries(answers(checked).map((answer) => [answer.question, answer.state]));
  assert.deepEqual(said, { log: "yes", signatures: "yes", witnesses: "none", evidence: "no", cleaning: "undone" });
});

for (const { file, step } of INDEX.lies) {
  test(`a lie fails at its step, which is shown in its place: ${file}`, async () => {
    const checked = await check(read(file), POLICY);
    assert.equal(checked.verdict.state === "fails" && checked.verdict.step, step);
    const shown = shownSteps(checked);
    assert.equal(shown.filter((one) => one.state === "failed").length, 1);
    const order = shown.map((one) => ORDER.indexOf(one.name as (typeof ORDER)[number]));
    assert.ok(!order.includes(-1), shown.map((one) => one.name).join());
  });
}

test("what is no receipt, or no policy, is said to be none", async () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const state = async (receipt: string, policy: string) => (await check(bytes(receipt), policy)).verdict;
  assert.deepEqual((await state("{}", POLICY)).state, "malformed");
  const good = new TextDecoder().decode(read("valid-ndjson.json"));
  const verdict = await state(good, "nonsense\n");
  assert.equal(verdict.state === "malformed" && verdict.what, "policy");
  const both = await state("", "");
  assert.equal(both.state === "malformed" && both.what, "receipt");
});

test("a good receipt of something else is not what was asked for", async () => {
  const { verdict } = await check(read("valid-ndjson.json"), POLICY);
  assert.ok(verdict.state === "holds");
  const { verification } = verdict;
  assert.ok(isOf("receipts/air-quality/1/5", verification));
  assert.ok(isOf("/receipts/air-quality/1/5", verification));
  for (const path of ["receipts/air-quality/1/6", "receipts/air-quality/0/5", "receipts/air/1/5", "receipts/decisions/5", "x"]) {
    assert.ok(!isOf(path, verification), path);
  }
  const decided = (await check(read("valid-v3-decision.json"), POLICY)).verdict;
  assert.ok(decided.state === "holds");
  const entry = String(decided.verification.index);
  assert.ok(isOf(`/receipts/decisions/${entry}?record=4`, decided.verification));
  assert.ok(!isOf(`/receipts/decisions/${entry}?record=3`, decided.verification));
});

test("every step has a question that it answers, and the bytes that it looked at", () => {
  const asked: readonly string[] = Object.values(QUESTIONS).flat();
  for (const name of ORDER) assert.ok(name === "row" || asked.includes(name), name);
  for (const file of INDEX.valid) {
    const receipt = parseReceipt(read(file));
    for (const name of planOf(receipt).filter((step) => step !== "parts")) {
      if (name === "row" && receipt.row === null) continue;
      if (name === "release" && receipt.release === null) continue;
      assert.ok(piecesOf(name, receipt).length > 0 || name === "keys", `${file} ${name}`);
    }
  }
});

test("files and pasted text are told apart by their look", () => {
  assert.equal(looksLike(' \n{"schema": 1}'), "receipt");
  assert.equal(looksLike("# mine\n\nlog example.org/city+1465c1d2+Acu6\n"), "policy");
  assert.equal(looksLike("quorum none"), "policy");
  assert.equal(looksLike("hello"), null);
  assert.equal(asPolicy("log x\r\nquorum none"), "log x\nquorum none\n");
});

test("a policy is told in plain words: how many of how many", async () => {
  assert.deepEqual(believed(await parsePolicy(POLICY)), { logs: ["example.org/city"], witnesses: [], quorum: null });
});

test("bytes are shown, not obeyed", () => {
  const bytes = new TextEncoder().encode("a\u202eb\u0007\n");
  assert.equal(asText(bytes), "a\\u202eb\\u0007\n");
  assert.equal(asText(Uint8Array.of(0xff)), null);
  assert.equal(hexDump(Uint8Array.of(0x41, 0, 0xff)), "000000  41 00 ff                                         A..");
});

test("a row that is not the record's is noticed, and what was not compared is said", async () => {
  let n = 0;
  for (const file of INDEX.valid) {
    const { verdict, again } = await check(read(file), POLICY);
    assert.equal(verdict.state, "holds", file);
    if (again === null) continue;
    n += 1;
    assert.equal(again.wrong, null, file);
    assert.ok(again.compared.length > 0, file);
    for (const name of again.compared) {
      const document = JSON.parse(new TextDecoder().decode(read(file))) as { row: Record<string, unknown> };
      const value = document.row[name];
      document.row[name] = typeof value === "number" ? value + 0.125 : typeof value === "string" ? value.replace(/\d(?=\D*$)/, (d) => String((Number(d) + 1) % 10)) : null;
      const changed = await check(new TextEncoder().encode(JSON.stringify(document)), POLICY);
      assert.equal(changed.verdict.state === "fails" && changed.verdict.step, "row", `${file} ${name}`);
    }
  }
  assert.ok(n > 10, String(n));
});

test("a contract of another kind leaves the row uncompared", () => {
  const evidence = (contract: string, text: string) =>
    ({ contract: new TextEncoder().encode(contract), data: new TextEncoder().encode(text), text, columns: null, isExact: true }) as unknown as Parameters<typeof compareAgain>[0];
  const schema = (property: string) => `schema:\n  - name: rows\n    properties:\n      - ${property}\n`;
  const row = new Map([["pm", 1]]);
  const plain = schema("{name: pm, logicalType: number, physicalName: PM}");
  assert.deepEqual(compareAgain(evidence(plain, '{"PM":1}\n'), row), { wrong: null, compared: ["pm"], left: [] });
  assert.match(compareAgain(evidence(plain, '{"PM":2}\n'), row)?.wrong ?? "", /^pm: want 2, got 1$/);
  assert.match(compareAgain(evidence(plain, '{"PM":"NA"}\n'), row)?.wrong ?? "", /^pm: want null/);
  const scaled = schema("{name: pm, logicalType: number, customProperties: [{property: unit, value: m}, {property: sourceUnit, value: cubits}]}");
  assert.deepEqual(compareAgain(evidence(scaled, '{"pm":2}\n'), row)?.left, ["pm"]);
  assert.equal(compareAgain(evidence(schema('{name: pm, physicalName: "wl_{station}"}'), '{"pm":2}\n'), row), null);
  assert.equal(compareAgain(evidence("a: &x 1\nb: [", '{"pm":2}\n'), row), null);
  assert.equal(compareAgain(evidence(plain, '["pm"]\n'), row), null);
  assert.match(compareAgain(evidence(plain, '{"PM":1}\n'), new Map([["else", 1]]))?.wrong ?? "", /want a column/);
});
