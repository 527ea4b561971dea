import assert from "node:assert/strict";
import { test } from "node:test";

import {
  checkPolicy, MAX_RECEIPT_BYTES, parseJson, parseNote, parsePolicy, parseProof, toBase64, verifyInclusion,
} from "@veracity/verify";
import { attempt, outcome, vector } from "./vectors.js";

const bytes = (text: string) => new TextEncoder().encode(text);
const json = (text: string) => attempt(() => parseJson(bytes(text), "test", 1_000_000, "bad"));
const POLICY = vector("receipts/trust.policy");
const HASH = toBase64(new Uint8Array(32));
const PROOF = "c2sp.org/tlog-proof@v1\n";

test("JSON is read so that two readers cannot see two things in it", async () => {
  const good = ["0", "-0", "[1, 2.5e3]", ' {"a": "\\u00e9\\ud83d\\ude00"} ', "9007199254740992", "1e308", '"\u007f"'];
  for (const text of good) assert.equal(await json(text), "valid", text);
  const bad = [
    "", "\ufeff1", '{"a":1,"a":2}', '{"a":1,"\\u0061":2}', "NaN", "-Infinity", "01", "1.", ".5", "+1", "1e", "1e999",
    "9007199254740993", "-9007199254740993", '"\\ud83d"', '"\\ude00\\ud83d"', '"\u0001"', "'a'", "[1,]", '{"a":1,}',
    "[1 2]", "{a:1}", "nul", "1 1", '"\\x41"', '"\\u12"', "\u00a01", "[", '{"a"', '"', "//", "tru",
  ];
  for (const text of bad) assert.equal(await json(text), "bad", JSON.stringify(text));
  assert.equal(await attempt(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22), "test", 9, "bad")), "bad");
});

test("deep nesting and long text end as our own error, soon", async () => {
  assert.equal(await json("[".repeat(500) + "]".repeat(500)), "valid");
  for (const text of ["[".repeat(1_000_000), '{"a":'.repeat(100_000), "9".repeat(1_000_000), '"\\'.repeat(400_000)]) {
    assert.equal(await json(text), "bad");
  }
  assert.equal(await json(" ".repeat(1_000_001)), "bad");
});

test("a receipt of more than 1 MiB is refused before it is read", async () => {
  const space = new Uint8Array(MAX_RECEIPT_BYTES + 1).fill(0x20);
  assert.equal(await outcome(space, POLICY), "malformed-receipt");
  space.set(vector("receipts/valid-enrol.json"));
  assert.equal(await outcome(space, POLICY), "malformed-receipt");
  assert.equal(await outcome(space.slice(0, MAX_RECEIPT_BYTES), POLICY), "valid");
});

test("a note has at most 100 signatures in 256 KiB", async () => {
  const line = `\u2014 a ${toBase64(new Uint8Array(5))}\n`;
  assert.equal(parseNote(bytes(`text\n\n${line.repeat(100)}`)).signatures.length, 100);
  assert.equal(await attempt(() => parseNote(bytes(`text\n\n${line.repeat(101)}`))), "malformed-note");
  assert.equal(await attempt(() => parseNote(bytes(`${"x".repeat(262_144)}\n\n${line}`))), "malformed-note");
});

test("a proof has at most 63 hashes, and no number has two spellings", async () => {
  const proof = (lines: string) => attempt(() => parseProof(`${PROOF}${lines}\n\nnote`));
  assert.equal(await proof(`index 5\n${Array(63).fill(HASH).join("\n")}`), "valid");
  for (const lines of [
    `index 5\n${Array(64).fill(HASH).join("\n")}`, "index 05", "index +5", "index 5 ", "index \u0665", "index -1",
    `index ${2n ** 63n}`, `index 5\n${HASH.slice(0, -2)}B=`, `index 5\n${HASH}=`, "extra !\nindex 5", "",
  ]) {
    assert.equal(await proof(lines), "malformed-proof", lines);
  }
  const hash = new Uint8Array(32);
  const long = Array.from({ length: 64 }, () => hash);
  assert.equal(await attempt(() => verifyInclusion(hash, 0n, 2n ** 63n, long, hash)), "inclusion-rejected");
  assert.equal(await attempt(() => verifyInclusion(hash, 0n, 1n, [], new Uint8Array(31))), "malformed-hash");
});

test("a policy has bounded size, and groups that nest without a limit of depth", async () => {
  const log = new TextDecoder().decode(POLICY).split("\n")[0] ?? "";
  assert.equal(await attempt(() => parsePolicy(`${log}\n${"#\n".repeat(131_072)}quorum none\n`)), "malformed-policy");
  for (const text of ["", log, `${log}\n`, `${log}\nquorum none`, `${log}\nquorum w\n`, `${log}\r\nquorum none\n`]) {
    assert.equal(await attempt(() => parsePolicy(text)), "malformed-policy", text);
  }
  assert.equal(await attempt(() => parsePolicy(`${log}\nquorum none\nquorum none\n`)), "malformed-policy");
});

test("a witness with an ML-DSA-44 key stands in a policy, is told as not checked, and does not count", async () => {
  const { createHash } = await import("node:crypto");
  const key = Uint8Array.of(6, ...new Uint8Array(1312).fill(7));
  const id = createHash("sha256").update(bytes("w.example\n")).update(key).digest().subarray(0, 4);
  const log = new TextDecoder().decode(POLICY).split("\n")[0] ?? "";
  const witness = `witness w w.example+${id.toString("hex")}+${toBase64(key)}\n`;
  const receipt = JSON.parse(new TextDecoder().decode(vector("receipts/valid-enrol.json"))) as { proof: string };
  receipt.proof += `\u2014 w.example ${toBase64(Uint8Array.of(...id, ...new Uint8Array(2428)))}\n`;
  const data = bytes(JSON.stringify(receipt));
  assert.equal(await outcome(data, `${log}\n${witness}quorum w\n`), "receipt-rejected checkpoint");
  assert.equal(await outcome(data, `${log}\n${witness}quorum none\n`), "valid");
  const policy = await parsePolicy(`${log}\n${witness}quorum none\n`);
  const note = bytes(receipt.proof.slice(receipt.proof.indexOf("\n\n") + 2));
  assert.deepEqual(await checkPolicy(policy, note).then((a) => [a.witnesses, a.unchecked]), [[], ["w"]]);
});
