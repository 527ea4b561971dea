// `.tlog-proof` (C2SP tlog-proof): one text that proves one entry, offline.

import { fromUtf8, nCharacters, parseBase64, parseDecimal, utf8, type Bytes } from "./bytes.js";
import { Malformed, show } from "./errors.js";
import { HASH_BYTES, leafHash, MAX_PATH, verifyInclusion } from "./merkle.js";
import { MAX_NOTE_BYTES } from "./notes.js";
import { checkPolicy, type Accepted, type Policy } from "./policy.js";

const MAGIC = "c2sp.org/tlog-proof@v1";
const CODE = "malformed-proof";
export const MAX_PROOF_BYTES = MAX_NOTE_BYTES + 131_072;

export interface TlogProof {
  readonly index: bigint;
  readonly path: readonly Bytes[];
  readonly checkpointNote: Bytes; // verbatim
  readonly extra: Bytes | null; // covered by no signature; nothing here looks at it
}

/** Parse the text; the checkpoint's own form is left to the policy. */
export function parseProof(proof: string | Uint8Array): TlogProof {
  const fail = (message: string) => new Malformed(CODE, message);
  const size = typeof proof === "string" && proof.length > MAX_PROOF_BYTES ? nCharacters(proof) : proof.length;
  if (size > MAX_PROOF_BYTES) throw fail(`proof: want at most ${MAX_PROOF_BYTES} bytes, got ${size}`);
  const text = typeof proof === "string" ? proof : fromUtf8(proof);
  if (text === null) throw fail("proof: want UTF-8, got other bytes");
  const blank = text.indexOf("\n\n");
  if (blank < 0) throw fail("proof: want a blank line before the checkpoint, got none");
  const [magic, ...rest] = text.slice(0, blank).split("\n");
  if (magic !== MAGIC) throw fail(`first line: want ${show(MAGIC)}, got ${show(magic ?? "")}`);
  let extra: Bytes | null = null;
  if (rest[0]?.startsWith("extra ")) extra = parseBase64("extra", (rest.shift() ?? "").slice(6), CODE);
  const indexLine = rest.shift() ?? "";
  if (!indexLine.startsWith("index ")) throw fail(`index line: want 'index <decimal>', got ${show(indexLine)}`);
  const index = parseDecimal("index", indexLine.slice(6), CODE);
  if (rest.length > MAX_PATH) throw fail(`inclusion path: want at most ${MAX_PATH} hashes, got ${rest.length}`);
  const path = rest.map((line) => parseBase64("proof hash", line, CODE, HASH_BYTES));
  return { index, path, checkpointNote: utf8(text.slice(blank + 2)), extra };
}

/** Check that `entry` is in a log that the policy believes, at the proof's index. */
export async function verifyProof(proof: TlogProof, entry: Uint8Array, policy: Policy): Promise<Accepted> {
  const accepted = await checkPolicy(policy, proof.checkpointNote);
  const { size, root } = accepted.checkpoint;
  await verifyInclusion(await leafHash(entry), proof.index, size, proof.path, root);
  return accepted;
}
