// Keys of signed notes (C2SP signed-note): `<name>+<key ID, 8 hex digits>+<base64(type || public key)>`.

import { concat, hex, isWellFormed, parseBase64, utf8, type Bytes } from "./bytes.js";
import { Malformed, show } from "./errors.js";
import { sha256 } from "./platform.js";

export const KEY_ID_BYTES = 4;
/** Signature types: over the note's text; over a time and the text; ML-DSA-44, which WebCrypto cannot check. */
export const ED25519 = 0x01;
export const COSIGNATURE = 0x04;
export const ML_DSA_44 = 0x06;

const N_BYTES: ReadonlyMap<number, number> = new Map([[ED25519, 32], [COSIGNATURE, 32], [ML_DSA_44, 1312]]);
const MAX_NAME_BYTES = 255;
const MAX_VKEY = 4096;
// White space of Unicode, control characters, and the plus that parts a key's text.
const NOT_IN_NAMES = /[\x00-\x20\x7f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000+]/;

/** A note's key: whose, of which type, and the public key. */
export interface NoteKey {
  readonly name: string;
  readonly kind: number;
  readonly publicKey: Bytes;
  readonly keyId: string; // 8 hex digits
}

export function checkKeyName(name: string): void {
  const allowed = name !== "" && !NOT_IN_NAMES.test(name) && isWellFormed(name);
  if (!allowed || utf8(name).length > MAX_NAME_BYTES) {
    throw new Malformed(
      "malformed-key",
      `key name: want 1 to ${MAX_NAME_BYTES} bytes with no space and no '+', got ${show(name)}`,
    );
  }
}

/** Parse a verifier key of one of `kinds` and check its key ID. */
export async function parseVkey(text: string, kinds: readonly number[]): Promise<NoteKey> {
  const fail = (message: string) => new Malformed("malformed-key", message);
  if (text.length > MAX_VKEY) throw fail(`verifier key: want at most ${MAX_VKEY} characters, got ${text.length}`);
  const [name, hexId, ...rest] = text.split("+");
  if (name === undefined || hexId === undefined || rest.length === 0) {
    throw fail(`verifier key: want <name>+<hex>+<base64>, got ${show(text)}`);
  }
  checkKeyName(name);
  const raw = parseBase64("verifier key", rest.join("+"), "malformed-key");
  const kind = raw[0] ?? -1;
  const nBytes = N_BYTES.get(kind);
  if (nBytes === undefined || !kinds.includes(kind)) throw fail(`key of ${name}: want type ${kinds}, got ${kind}`);
  if (raw.length !== 1 + nBytes) throw fail(`public key: want ${nBytes} bytes, got ${raw.length - 1}`);
  const keyId = hex((await sha256(concat(utf8(`${name}\n`), raw))).slice(0, KEY_ID_BYTES));
  if (keyId !== hexId) throw fail(`key ID of ${name}: want ${keyId}, got ${show(hexId, 16)}`);
  return { name, kind, publicKey: raw.slice(1), keyId };
}
