// Signed notes (C2SP signed-note): a text, a blank line, and lines `— <key name> <base64(key ID || signature)>`.

import { concat, fromUtf8, hex, parseBase64, utf8, type Bytes } from "./bytes.js";
import { Malformed, Rejected, show } from "./errors.js";
import { checkKeyName, COSIGNATURE, KEY_ID_BYTES, ML_DSA_44, type NoteKey } from "./keys.js";
import { isSigned } from "./platform.js";

export const MAX_NOTE_BYTES = 262_144;
const MAX_SIGNATURES = 100;
const DASH = "\u2014 ";
const TIME_BYTES = 8;
const MAX_TIME = 2n ** 63n - 1n;

export interface Signature {
  readonly name: string;
  readonly keyId: string;
  readonly payload: Bytes;
}

export interface Note {
  readonly text: string; // its last newline included
  readonly signatures: readonly Signature[];
}

/** Parse a signed note without checking any signature. */
export function parseNote(data: Uint8Array): Note {
  const fail = (message: string) => new Malformed("malformed-note", `note: ${message}`);
  if (data.length > MAX_NOTE_BYTES) throw fail(`want at most ${MAX_NOTE_BYTES} bytes, got ${data.length}`);
  const whole = fromUtf8(data);
  if (whole === null) throw fail("want UTF-8, got other bytes");
  if (/[\x00-\x09\x0b-\x1f]/.test(whole)) throw fail("want no control character but newline, got one");
  const split = whole.lastIndexOf("\n\n");
  if (split < 0 || !whole.endsWith("\n")) throw fail("want a text, a blank line and signature lines, got no such end");
  const lines = whole.slice(split + 2).split("\n").slice(0, -1);
  if (lines.length === 0) throw fail("want at least one signature line, got none");
  if (lines.length > MAX_SIGNATURES) throw fail(`want at most ${MAX_SIGNATURES} signatures, got ${lines.length}`);
  return { text: whole.slice(0, split + 1), signatures: lines.map(parseSignature) };
}

function parseSignature(line: string): Signature {
  const code = "malformed-note";
  const space = line.indexOf(" ", DASH.length);
  if (!line.startsWith(DASH) || space < 0) {
    throw new Malformed(code, `signature line: want '— <name> <base64>', got ${show(line)}`);
  }
  const name = line.slice(DASH.length, space);
  try {
    checkKeyName(name);
  } catch (error) {
    throw error instanceof Malformed ? error.within("signature line", code) : error;
  }
  const raw = parseBase64(`signature of ${name}`, line.slice(space + 1), code);
  if (raw.length <= KEY_ID_BYTES) {
    throw new Malformed(code, `signature of ${name}: want a key ID and a signature, got ${raw.length} bytes`);
  }
  return { name, keyId: hex(raw.slice(0, KEY_ID_BYTES)), payload: raw.slice(KEY_ID_BYTES) };
}

/** What names a key in a note: two keys of one name have different IDs. */
export function keyOf(line: { readonly name: string; readonly keyId: string }): string {
  return `${line.name} ${line.keyId}`; // a name has no space
}

export interface OpenedNote {
  readonly text: string;
  /** The keys whose signature verified, as `keyOf` writes them. */
  readonly verified: ReadonlySet<string>;
  /** When those that cosigned say they did, in seconds since 1970: every time, by key. */
  readonly times: ReadonlyMap<string, readonly bigint[]>;
  /** Known keys that stand on the note with a signature that cannot be checked here. They do not count. */
  readonly unchecked: ReadonlySet<string>;
}

/**
 * Parse a note and check every signature of a known key. Lines of unknown keys are ignored; one of a known key
 * that fails rejects the whole note, as does a note that no known key signed.
 */
export async function openNote(data: Uint8Array, keys: readonly NoteKey[]): Promise<OpenedNote> {
  const note = parseNote(data);
  const known = new Map(keys.map((key) => [keyOf(key), key]));
  if (known.size !== keys.length) {
    throw new Malformed("malformed-key", "verifier keys: want each (name, key ID) once, got a pair twice");
  }
  const verified = new Set<string>();
  const unchecked = new Set<string>();
  const times = new Map<string, bigint[]>();
  for (const line of note.signatures) {
    const key = known.get(keyOf(line));
    if (key === undefined) continue;
    if (key.kind === ML_DSA_44) {
      unchecked.add(keyOf(line));
      continue;
    }
    if (!(await isSignatureOf(key, note.text, line.payload))) {
      throw new Rejected("signature-rejected", `signature of ${key.name}: want one that verifies, got another`);
    }
    verified.add(keyOf(line));
    if (key.kind === COSIGNATURE) times.set(keyOf(line), [...(times.get(keyOf(line)) ?? []), timeOf(line.payload)]);
  }
  if (verified.size === 0) {
    const wanted = keys.map((key) => key.name).sort().join(", ") || "no key";
    throw new Rejected("signature-rejected", `note: want a signature of ${wanted}, got none`);
  }
  return { text: note.text, verified, times, unchecked };
}

async function isSignatureOf(key: NoteKey, text: string, payload: Bytes): Promise<boolean> {
  if (key.kind !== COSIGNATURE) return isSigned(key.publicKey, payload, utf8(text));
  if (payload.length <= TIME_BYTES) return false;
  const time = timeOf(payload);
  if (time > MAX_TIME) return false;
  const message = concat(utf8(`cosignature/v1\ntime ${time}\n`), utf8(text));
  return isSigned(key.publicKey, payload.slice(TIME_BYTES), message);
}

function timeOf(payload: Bytes): bigint {
  return BigInt(`0x${hex(payload.slice(0, TIME_BYTES))}`);
}
