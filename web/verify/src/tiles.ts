// Tiles and entry bundles (C2SP tlog-tiles): their paths and contents, in one spelling each.

import { Malformed, show } from "./errors.js";
import { HASH_BYTES } from "./merkle.js";
import type { Bytes } from "./bytes.js";

export const TILE_WIDTH = 256;
const MAX_LEVEL = 63;
const MAX_PATH_LENGTH = 128;
const PATH = /^tile\/(entries|[0-9]{1,2})\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([0-9]{1,3}))?$/;

/** Hashes (or, of a bundle, entries) `index * 256` and on, `width` of them. */
export interface TilePath {
  readonly level: number | "entries";
  readonly index: bigint;
  readonly width: number;
}

export function formatTilePath({ level, index, width }: TilePath): string {
  const groups: string[] = [];
  for (let rest = index; groups.length === 0 || rest > 0n; rest /= 1000n) {
    groups.unshift(`${groups.length > 0 ? "x" : ""}${(rest % 1000n).toString().padStart(3, "0")}`);
  }
  return `tile/${level}/${groups.join("/")}${width === TILE_WIDTH ? "" : `.p/${width}`}`;
}

/** Read a tile's or a bundle's path; malformed for any spelling but the one that is written. */
export function parseTilePath(path: string): TilePath {
  const code = path.startsWith("tile/entries/") ? "malformed-bundle" : "malformed-tile";
  const found = path.length <= MAX_PATH_LENGTH ? PATH.exec(path) : null;
  const want = "tile/<level>/<index>[.p/<width>] in its one spelling";
  if (found === null) throw new Malformed(code, `tile path: want ${want}, got ${show(path, 80)}`);
  const [, level = "", index = "", partial] = found;
  const width = partial === undefined ? TILE_WIDTH : Number(partial);
  const parsed: TilePath = {
    level: level === "entries" ? level : Number(level),
    index: BigInt(index.replace(/[x/]/g, "")),
    width,
  };
  const isWide = width >= 1 && (partial === undefined || width < TILE_WIDTH);
  const isHigh = parsed.level !== "entries" && parsed.level > MAX_LEVEL;
  if (!isWide || isHigh || formatTilePath(parsed) !== path) {
    throw new Malformed(code, `tile path: want ${want}, got ${show(path, 80)}`);
  }
  return parsed;
}

/** Cut a tile's content into exactly `width` hashes. */
export function splitTile(width: number, data: Bytes): Bytes[] {
  if (data.length !== width * HASH_BYTES) {
    throw new Malformed("malformed-tile", `tile: want ${width * HASH_BYTES} bytes, got ${data.length}`);
  }
  return Array.from({ length: width }, (_, i) => data.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES));
}

/** Cut a bundle's content into exactly `width` entries, each behind its length in two bytes. */
export function parseBundle(width: number, data: Bytes): Bytes[] {
  const entries: Bytes[] = [];
  let at = 0;
  for (let i = 0; i < width; i += 1) {
    const [high, low] = [data[at], data[at + 1]];
    const stop = high === undefined || low === undefined ? Infinity : at + 2 + high * 256 + low;
    if (stop > data.length) throw new Malformed("malformed-bundle", `bundle: want ${width} entries, got ${i}`);
    entries.push(data.slice(at + 2, stop));
    at = stop;
  }
  if (at !== data.length) {
    throw new Malformed("malformed-bundle", `bundle: want ${width} entries in ${at} bytes, got ${data.length} bytes`);
  }
  return entries;
}
