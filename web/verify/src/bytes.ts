// Bytes and text: one value, one spelling. Two spellings of one value are two files that both verify.

import { Malformed, show } from "./errors.js";

export type Bytes = Uint8Array<ArrayBuffer>;

const STANDARD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE = STANDARD.slice(0, 62) + "-_";
const MAX_DECIMAL = 2n ** 63n - 1n;

const encoder = new TextEncoder();
// A byte-order mark is kept, so that what follows can refuse it.
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lossy = new TextDecoder("utf-8", { ignoreBOM: true });

export function utf8(text: string): Bytes {
  return new Uint8Array(encoder.encode(text));
}

/** Decode UTF-8, or return null for bytes that are not. */
export function fromUtf8(data: Uint8Array): string | null {
  try {
    return strict.decode(data);
  } catch {
    return null;
  }
}

/** Decode bytes to be shown to a person; what is not UTF-8 becomes U+FFFD. */
export function forDisplay(data: Uint8Array): string {
  return lossy.decode(data);
}

export function concat(...parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export function hex(data: Uint8Array): string {
  return Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The bytes of text that is already known to be an even number of hex digits. */
export function fromHex(text: string): Bytes {
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

/** The number of Unicode characters, which is what lengths of text are limited by. */
export function nCharacters(text: string): number {
  let n = 0;
  for (const _ of text) n += 1;
  return n;
}

/** Whether every surrogate stands in a pair: text that has a UTF-8 form. */
export function isWellFormed(text: string): boolean {
  return !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);
}

function decode(text: string, alphabet: string): Bytes | null {
  if (text.length % 4 !== 0) return null;
  const pad = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const digits = text.length - pad;
  const out = new Uint8Array(Math.floor((digits * 3) / 4));
  let bits = 0;
  let value = 0;
  let at = 0;
  for (let i = 0; i < digits; i += 1) {
    const digit = alphabet.indexOf(text.charAt(i));
    if (digit < 0) return null;
    value = ((value << 6) | digit) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out[at] = (value >> bits) & 0xff;
      at += 1;
    }
  }
  return (value & ((1 << bits) - 1)) === 0 ? out : null; // no bits that belong to no byte
}

/** Decode padded base64 of either alphabet; null unless it is the one spelling of its bytes. */
export function decodeBase64(text: string): Bytes | null {
  return decode(text, /[-_]/.test(text) ? URL_SAFE : STANDARD);
}

/** Decode standard, padded, canonical base64 of `nBytes` bytes (any number if left out). */
export function parseBase64(what: string, text: string, code: string, nBytes?: number): Bytes {
  const value = decode(text, STANDARD);
  if (value === null) throw new Malformed(code, `${what}: want canonical standard base64, got ${show(text, 24)}`);
  if (nBytes !== undefined && value.length !== nBytes) {
    throw new Malformed(code, `${what}: want ${nBytes} bytes, got ${value.length}`);
  }
  return value;
}

export function toBase64(data: Uint8Array): string {
  let out = "";
  for (let i = 0; i < data.length; i += 3) {
    const n = ((data[i] ?? 0) << 16) | ((data[i + 1] ?? 0) << 8) | (data[i + 2] ?? 0);
    for (let j = 0; j < 4; j += 1) {
      out += i + j > data.length ? "=" : STANDARD.charAt((n >> (18 - 6 * j)) & 63);
    }
  }
  return out;
}

/** Parse ASCII digits without a leading zero, below 2**63. */
export function parseDecimal(what: string, text: string, code: string): bigint {
  if (/^(?:0|[1-9][0-9]{0,18})$/.test(text) && BigInt(text) <= MAX_DECIMAL) return BigInt(text);
  throw new Malformed(code, `${what}: want a decimal below 2**63 with no leading zero, got ${show(text, 24)}`);
}
