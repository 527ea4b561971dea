import assert from "node:assert/strict";
import { test } from "node:test";

import {
  checkPolicy, openEnvelope, openNote, parseBundle, parseCheckpoint, parsePolicy, parseProof, parseTilePath, parseVkey,
  splitTile, toBase64, verifyConsistency, verifyEnvelope, verifyInclusion, verifyProof, type Bytes,
} from "@veracity/verify";
import { attempt, vectorJson } from "./vectors.js";

type Case = Record<string, any>; // what the script in the tree writes: a shape for each format
interface File {
  readonly valid: readonly Case[];
  readonly invalid: readonly Case[];
}

const ML_DSA_44 = 6;
const bytes = (text: string): Bytes => new Uint8Array(new TextEncoder().encode(text));
const raw = (text: string): Bytes => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const content = (value: Case): Bytes => (value.text === undefined ? raw(value.base64) : bytes(value.text));
const fromHex = (text: string): Bytes => Uint8Array.from(text.match(/../g) ?? [], (digits) => parseInt(digits, 16));

const READ: Record<string, (given: Case) => unknown> = {
  async notes({ keys, note }) {
    const known = await Promise.all(keys.map((key: string) => parseVkey(key, [1, 4, ML_DSA_44])));
    const { text, verified } = await openNote(content(note), known);
    return { text, signed_by: [...verified].map((key) => key.split(" ")[0]).sort() };
  },
  checkpoints({ text }) {
    const { origin, size, root, extensions } = parseCheckpoint(text);
    return { origin, size: String(size), root: toBase64(root), extensions };
  },
  async inclusion({ leaf, index, size, path, root }) {
    await verifyInclusion(raw(leaf), BigInt(index), BigInt(size), path.map(raw), raw(root));
  },
  async consistency({ old_size, new_size, path, old_root, new_root }) {
    await verifyConsistency(BigInt(old_size), BigInt(new_size), path.map(raw), raw(old_root), raw(new_root));
  },
  async cosignatures({ key, text, payload }) {
    const known = await parseVkey(key, [4, ML_DSA_44]);
    const line = toBase64(Uint8Array.from([...fromHex(known.keyId), ...raw(payload)]));
    const { times } = await openNote(bytes(`${text}\n\u2014 ${known.name} ${line}\n`), [known]);
    return String([...times.values()][0]);
  },
  async policies({ policy, checks = [], reads }) {
    const found = await parsePolicy(content(policy));
    for (const { note, code, witnesses } of checks) {
      const got: { witnesses?: readonly string[] } = {};
      const outcome = await attempt(async () => {
        got.witnesses = (await checkPolicy(found, content(note))).witnesses;
      });
      assert.equal(outcome, code ?? "valid");
      if (code === undefined) assert.deepEqual(got.witnesses, witnesses);
    }
    if (reads?.groups === null) {
      // A name that is no text: a character stands for each byte.
      assert.deepEqual([[...found.groups.keys()], found.quorum], [["\xff"], "\xff"]);
      return reads;
    }
    return {
      logs: found.logs.map((log) => log.name),
      witnesses: [...found.witnesses.keys()],
      groups: Object.fromEntries([...found.groups].map(([name, g]) => [name, [g.threshold, ...g.members]])),
      quorum: found.quorum,
    };
  },
  async tlog_proofs({ policy, entry, proof }) {
    const parsed = parseProof(proof);
    const { checkpoint, witnesses } = await verifyProof(parsed, bytes(entry), await parsePolicy(policy));
    return { index: String(parsed.index), size: String(checkpoint.size), witnesses };
  },
  tiles({ path, data }) {
    const { level, index, width } = parseTilePath(path);
    if (data !== undefined) {
      const hashes = splitTile(width, raw(data));
      assert.equal(hashes.map(toBase64).map(raw).reduce((n, h) => n + h.length, 0), raw(data).length);
      return undefined;
    }
    return { level, index: String(index), width };
  },
  bundles({ path, data }) {
    return parseBundle(parseTilePath(path).width, raw(data)).map(toBase64);
  },
  async envelopes({ envelope, key }) {
    const opened = openEnvelope(bytes(envelope));
    await verifyEnvelope(opened, { raw: fromHex(key.raw), keyid: key.keyid });
    return toBase64(opened.payload);
  },
};

function wanted(name: string, given: Case): unknown {
  const { index, size, witnesses } = given;
  if (name === "tlog_proofs") return { index, size, witnesses };
  return given.reads ?? given.time ?? given.entries ?? given.payload;
}

for (const [name, read] of Object.entries(READ)) {
  const file = vectorJson<File>(`log/${name}.json`);

  test(`each valid case of ${name} is read as its file says`, async () => {
    for (const given of file.valid) {
      if (name === "cosignatures" && given.name.startsWith("ML-DSA-44")) continue;
      assert.deepEqual(await read(given), wanted(name, given), given.name);
    }
  });

  test(`each invalid case of ${name} fails with the code its file says`, async () => {
    for (const given of file.invalid) assert.equal(await attempt(() => read(given)), given.code, given.name);
  });
}

test("a signature of ML-DSA-44 never counts here, be it good or not", async () => {
  const { valid, invalid } = vectorJson<File>("log/cosignatures.json");
  const theirs = [...valid, ...invalid].filter((given) => given.name.startsWith("ML-DSA-44"));
  assert.ok(theirs.length > 4);
  for (const given of theirs) assert.equal(await attempt(() => READ.cosignatures?.(given)), "signature-rejected");
});

test("of every proof: one bit of a hash flipped, a hash left out or added, and it is refused", async () => {
  for (const name of ["inclusion", "consistency"]) {
    for (const given of vectorJson<File>(`log/${name}.json`).valid) {
      const path = given.path as readonly string[];
      const tampered = path.map((_, i) => path.toSpliced(i, 1));
      tampered.push([...path, toBase64(new Uint8Array(32))]);
      for (const [i, hash] of path.entries()) {
        const changed = raw(hash);
        changed[i % 32] = (changed[i % 32] ?? 0) ^ (1 << (i % 8));
        tampered.push(path.toSpliced(i, 1, toBase64(changed)));
      }
      for (const other of tampered) {
        assert.equal(await attempt(() => READ[name]?.({ ...given, path: other })), `${name}-rejected`, given.name);
      }
    }
  }
});
