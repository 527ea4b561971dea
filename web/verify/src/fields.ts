// Reading a JSON object field by field: each name known, each value of its type and bound.

import { decodeBase64, nCharacters, type Bytes } from "./bytes.js";
import { Malformed, show } from "./errors.js";
import { Real, type Json, type JsonObject } from "./strict_json.js";
import { parseTime } from "./time.js";

export const MAX_COUNT = 2 ** 53;
export const MAX_TEXT = 4096;
export const SHA256_HEX = /^[0-9a-f]{64}$/;

/** One JSON object being read. Leave through `done`, which refuses names that nobody asked for. */
export class Fields {
  readonly #value: JsonObject;
  readonly #read = new Set<string>();

  constructor(
    value: Json,
    readonly where: string,
    readonly code: string,
  ) {
    if (!(value instanceof Map)) throw new Malformed(code, `${where}: want an object, got ${describe(value)}`);
    this.#value = value as JsonObject;
  }

  has(name: string): boolean {
    return this.#value.has(name);
  }

  take(name: string): Json {
    const value = this.#value.get(name);
    if (value === undefined) throw new Malformed(this.code, `${this.where}: want ${show(name)}, got none`);
    this.#read.add(name);
    return value;
  }

  done(): void {
    for (const name of this.#value.keys()) {
      if (this.#read.has(name)) continue;
      throw new Malformed(this.code, `${this.where}: want no other names, got ${show(name)}`);
    }
  }

  fail(name: string, want: string, got: Json): Malformed {
    return new Malformed(this.code, `${this.where}.${name}: want ${want}, got ${describe(got)}`);
  }

  text(name: string, maxCharacters = MAX_TEXT, atLeast: 0 | 1 = 1): string {
    const value = this.take(name);
    if (typeof value === "string") {
      const n = value.length <= maxCharacters ? value.length : nCharacters(value);
      if (atLeast <= n && n <= maxCharacters) return value;
    }
    throw this.fail(name, `text of ${atLeast} to ${maxCharacters} characters`, value);
  }

  /** Text that `pattern`, anchored at both ends, matches. */
  matching(name: string, pattern: RegExp, want: string): string {
    const value = this.take(name);
    if (typeof value === "string" && value.length <= 2 * MAX_TEXT && pattern.test(value)) return value;
    throw this.fail(name, want, value);
  }

  choice<T extends string>(name: string, choices: readonly T[]): T {
    const value = this.take(name);
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw this.fail(name, `one of ${choices.join(", ")}`, value);
    return found;
  }

  sha256(name: string): string {
    return this.matching(name, SHA256_HEX, "64 lowercase hex digits");
  }

  count(name: string, atLeast = 0): number {
    const value = this.take(name);
    if (typeof value === "number" && atLeast <= value && value <= MAX_COUNT) return value;
    throw this.fail(name, `a whole number from ${atLeast}`, value);
  }

  flag(name: string): boolean {
    const value = this.take(name);
    if (typeof value === "boolean") return value;
    throw this.fail(name, "true or false", value);
  }

  /** An RFC 3339 time in UTC, as text, written with `Z`. */
  time(name: string): string {
    const value = this.take(name);
    if (typeof value === "string" && value.length <= MAX_TEXT && parseTime(value) !== null) return value;
    throw this.fail(name, "a time such as 2026-09-01T00:00:00Z", value);
  }

  /** Such a time as microseconds since 1970. */
  when(name: string): bigint {
    return parseTime(this.time(name)) ?? 0n;
  }

  base64(name: string, nBytes?: number): Bytes {
    const value = this.take(name);
    const bytes = typeof value === "string" ? decodeBase64(value) : null;
    if (bytes !== null && (nBytes === undefined || bytes.length === nBytes)) return bytes;
    throw this.fail(name, nBytes === undefined ? "padded base64" : `padded base64 of ${nBytes} bytes`, value);
  }

  items(name: string, maxItems: number): readonly Json[] {
    const value = this.take(name);
    if (Array.isArray(value) && value.length <= maxItems) return value as readonly Json[];
    throw this.fail(name, `an array of at most ${maxItems}`, value);
  }

  /** An array of values that each pass `isOne`. */
  every<T extends Json>(name: string, maxItems: number, isOne: (item: Json) => item is T, want: string): readonly T[] {
    const items = this.items(name, maxItems);
    if (items.every(isOne)) return items;
    throw this.fail(name, want, items);
  }

  object(name: string): Fields {
    return new Fields(this.take(name), `${this.where}.${name}`, this.code);
  }

  objects(name: string, maxItems: number): Fields[] {
    return this.items(name, maxItems).map((item, i) => new Fields(item, `${this.where}.${name}[${i}]`, this.code));
  }

  /** An object of names and counts. */
  tally(name: string, maxNames = 4096): ReadonlyMap<string, number> {
    const inner = this.object(name);
    if (inner.#value.size > maxNames) throw this.fail(name, `at most ${maxNames} names`, inner.#value);
    return new Map([...inner.#value.keys()].map((key) => [key, inner.count(key)]));
  }

  /** null where the value is null, else what `read` makes of it. */
  optional<T>(name: string, read: (name: string) => T): T | null {
    return this.take(name) === null ? null : read(name);
  }
}

export function isText(value: Json): value is string {
  return typeof value === "string";
}

export function isCount(value: Json): value is number {
  return typeof value === "number" && 0 <= value && value <= MAX_COUNT;
}

function describe(value: Json): string {
  if (value instanceof Map) return `an object of ${value.size} names`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (value instanceof Real) return String(value.value);
  return typeof value === "string" ? show(value, 60) : String(value);
}
