// The bytes that each step looked at, as they stand in the receipt.

import { fromUtf8, type Bytes, type Receipt } from "@veracity/verify";
import type { Key } from "../../language";

/** One piece of a receipt: what it is and its exact bytes. */
export interface Piece {
  readonly what: Key;
  readonly about: string; // which one, where there are several
  readonly bytes: Bytes;
}

const utf8 = (text: string) => new TextEncoder().encode(text) as Bytes;
const joined = (hashes: readonly Bytes[]) => utf8(hashes.map((hash) => `${hexOf(hash)}\n`).join(""));

export function piecesOf(step: string, receipt: Receipt): Piece[] {
  const { stated, contract, parts, record, keys, revocations, release, message } = receipt;
  const piece = (what: Key, bytes: Bytes, about = ""): Piece => ({ what, about, bytes });
  const enrolments = (entries: Receipt["keys"]) =>
    entries.map((key) => piece("raw.statement", key.envelope.payload, `${key.proof.index}`));
  switch (step) {
    case "checkpoint":
      return [piece("raw.checkpoint", stated.proof.checkpointNote)];
    case "keys":
      return enrolments(keys);
    case "entry":
      return [
        piece("raw.entry", stated.entry, `${stated.proof.index}`),
        ...(stated.proof.path.length > 0 ? [piece("raw.path", joined(stated.proof.path))] : []),
      ];
    case "signature":
      return stated.envelope.signatures.map(({ keyid, signature }) => piece("raw.signature", signature, keyid));
    case "statement":
    case "released":
    case "approval":
      return [piece("raw.statement", stated.envelope.payload, `${stated.proof.index}`)];
    case "revocations":
      return enrolments(revocations);
    case "contract":
      return contract === null ? [] : [piece("raw.contract", contract.text)];
    case "delivery": {
      const delivery = stated.statement.predicate.get("delivery");
      return delivery instanceof Map ? [piece("raw.delivery", deliveryOf(delivery as ReadonlyMap<string, unknown>))] : [];
    }
    case "parts":
      return parts === null || parts.path.length === 0 ? [] : [piece("raw.path", joined(parts.path))];
    case "release":
      return release === null ? [] : [piece("raw.statement", release.envelope.payload, `${release.proof.index}`)];
    case "pages":
      return (record?.pages ?? []).map((page) => piece("raw.page", page.content, `${page.index}`));
    case "record":
    case "due":
      return recordOf(receipt).map((bytes) => piece("raw.record", bytes));
    case "message":
      return message === null ? [] : [piece("raw.signature", message.signature, message.keyid)];
    case "row":
      return receipt.row === null ? [] : [piece("raw.row", utf8(JSON.stringify(Object.fromEntries(receipt.row), null, 1)))];
    default:
      return [];
  }
}

/** The payload of a delivery's envelope, which lies in the statement as JSON. */
function deliveryOf(envelope: ReadonlyMap<string, unknown>): Bytes {
  const payload = String(envelope.get("payload") ?? "");
  try {
    return Uint8Array.from(atob(payload), (character) => character.charCodeAt(0)) as Bytes;
  } catch {
    return utf8(payload);
  }
}

/** The bytes named as the record, whether or not they are proven. */
function recordOf({ record }: Receipt): Bytes[] {
  if (record === null) return [];
  const whole = record.pages.reduce<number[]>((all, page) => (all.push(...page.content), all), []);
  const bytes = Uint8Array.from(whole.slice(record.offset, record.offset + record.length)) as Bytes;
  return bytes.length === 0 ? [] : [bytes];
}

/** Bytes as text that cannot draw on the page or turn its direction; null if they are no text. */
export function asText(bytes: Uint8Array): string | null {
  const text = fromUtf8(bytes);
  return text === null ? null : text.replace(HIDDEN, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

const HIDDEN = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Sixteen bytes a line: where they are, what they are, and as letters. */
export function hexDump(bytes: Uint8Array, most = 4096): string {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(bytes.length, most); at += 16) {
    const row = bytes.subarray(at, Math.min(at + 16, most));
    const pairs = Array.from(row, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const letters = Array.from(row, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${pairs.padEnd(47)}  ${letters}`);
  }
  if (bytes.length > most) lines.push("…");
  return lines.join("\n");
}
