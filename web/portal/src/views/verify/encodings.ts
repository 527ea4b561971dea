// A record's text, decoded as Python does: by the contract's encoding, else by its other one. The tables are Python's: those of
// browsers fill each byte that it refuses, and mean windows-1252 where they say latin1.

import { NONE, TABLE } from "./encoding_table";

type Decode = (data: Uint8Array) => string | null; // null for bytes that are none of it

const UTF8 = ["utf_8", "utf8", "u8", "utf"];
const SMALL: ReadonlyMap<string, Decode> = new Map(
  TABLE.flatMap(([upper, names]) => names.split(" ").map((name) => [name, (data: Uint8Array) => byTable(data, upper)] as const)),
);

/** Decode by the first of the encodings that can; null where none can, or one of them is not read here. */
export function decoded(data: Uint8Array, encodings: readonly string[]): string | null {
  for (const encoding of encodings) {
    const decode = decoderOf(encoding);
    if (decode === undefined) return null;
    const text = decode(data);
    if (text !== null) return text;
  }
  return null;
}

function decoderOf(encoding: string): Decode | undefined {
  const name = encoding.toLowerCase().replaceAll(/[- ]/g, "_");
  return UTF8.includes(name) ? utf8 : SMALL.get(name);
}

function utf8(data: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return null;
  }
}

function byTable(data: Uint8Array, upper: string): string | null {
  const text = Array.from(data, (byte) => (byte < 128 ? String.fromCharCode(byte) : upper.charAt(byte - 128))).join("");
  return text.includes(NONE) ? null : text;
}
