// JSON from outside, read so that two readers cannot see two different things in it. `JSON.parse` takes the last
// of two equal names, rounds integers, and cannot tell 1 from 1.0; each matters to what a statement says.

import { fromUtf8, isWellFormed } from "./bytes.js";
import { Malformed, show } from "./errors.js";

/** A number written with a fraction or an exponent: never a count. */
export class Real {
  constructor(readonly value: number) {}
}

export type JsonObject = ReadonlyMap<string, Json>;
export type Json = null | boolean | number | Real | string | readonly Json[] | JsonObject;

const MAX_INTEGER = 2n ** 53n;
const MAX_DEPTH = 500;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/y;
const PLAIN = /[^"\\\x00-\x1f]*/y;
const SPACE = /[ \t\n\r]*/y;
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'], ["\\", "\\"], ["/", "/"], ["b", "\b"], ["f", "\f"], ["n", "\n"], ["r", "\r"], ["t", "\t"],
]);

/** Parse UTF-8 JSON of at most `maxBytes`. Objects become maps, in the order of the text. */
export function parseJson(data: Uint8Array, what: string, maxBytes: number, code: string): Json {
  if (data.length > maxBytes) throw new Malformed(code, `${what}: want at most ${maxBytes} bytes, got ${data.length}`);
  const text = fromUtf8(data);
  if (text === null) throw new Malformed(code, `${what}: want UTF-8, got other bytes`);
  return new Reader(text, what, code).whole();
}

class Reader {
  #at = 0;

  constructor(
    readonly text: string,
    readonly what: string,
    readonly code: string,
  ) {}

  whole(): Json {
    const value = this.#value(0);
    this.#space();
    if (this.#at !== this.text.length) throw this.#fail("nothing after the value");
    return value;
  }

  #fail(want: string): Malformed {
    const got = this.#at < this.text.length ? show(this.text.slice(this.#at), 12) : "the end";
    return new Malformed(this.code, `${this.what}: want JSON: ${want} at ${this.#at}, got ${got}`);
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text);
    if (found !== null) this.#at = pattern.lastIndex;
    return found;
  }

  #space(): void {
    this.#match(SPACE);
  }

  #take(token: string): boolean {
    if (!this.text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #value(depth: number): Json {
    if (depth > MAX_DEPTH) throw new Malformed(this.code, `${this.what}: want shallow JSON, got deep nesting`);
    this.#space();
    if (this.#take("{")) return this.#object(depth);
    if (this.#take("[")) return this.#array(depth);
    if (this.#take('"')) return this.#string();
    if (this.#take("null")) return null;
    if (this.#take("true")) return true;
    if (this.#take("false")) return false;
    return this.#number();
  }

  #object(depth: number): JsonObject {
    const value = new Map<string, Json>();
    this.#space();
    if (this.#take("}")) return value;
    do {
      this.#space();
      if (!this.#take('"')) throw this.#fail("a name");
      const name = this.#string();
      if (value.has(name)) throw new Malformed(this.code, `${this.what}: want each name once, got ${show(name)} twice`);
      this.#space();
      if (!this.#take(":")) throw this.#fail("a colon");
      value.set(name, this.#value(depth + 1));
      this.#space();
    } while (this.#take(","));
    if (!this.#take("}")) throw this.#fail("a comma or the object's end");
    return value;
  }

  #array(depth: number): Json[] {
    const value: Json[] = [];
    this.#space();
    if (this.#take("]")) return value;
    do {
      value.push(this.#value(depth + 1));
      this.#space();
    } while (this.#take(","));
    if (!this.#take("]")) throw this.#fail("a comma or the array's end");
    return value;
  }

  #string(): string {
    let out = "";
    for (;;) {
      out += this.#match(PLAIN)?.[0] ?? "";
      if (this.#take('"')) break;
      if (!this.#take("\\")) throw this.#fail("text without control characters, closed by a quote");
      const kind = this.text.charAt(this.#at);
      const digits = this.text.slice(this.#at + 1, this.#at + 5);
      if (kind === "u" && /^[0-9a-fA-F]{4}$/.test(digits)) {
        out += String.fromCharCode(Number.parseInt(digits, 16));
        this.#at += 5;
      } else {
        const escaped = ESCAPES.get(kind);
        if (escaped === undefined) throw this.#fail("an escape");
        out += escaped;
        this.#at += 1;
      }
    }
    if (!isWellFormed(out)) throw new Malformed(this.code, `${this.what}: want Unicode, got half a surrogate pair`);
    return out;
  }

  #number(): number | Real {
    const found = this.#match(NUMBER);
    if (found === null) throw this.#fail("a value");
    const [text, fraction, exponent] = found;
    if (fraction !== undefined || exponent !== undefined) {
      const value = Number(text);
      if (!Number.isFinite(value)) throw new Malformed(this.code, `${this.what}: want a double, got ${show(text, 24)}`);
      return new Real(value);
    }
    const size = text.length > 17 ? MAX_INTEGER + 1n : BigInt(text);
    if (size > MAX_INTEGER || size < -MAX_INTEGER) {
      throw new Malformed(this.code, `${this.what}: want an integer within 2**53, got ${show(text, 24)}`);
    }
    return Number(size);
  }
}

/** The value as plain JavaScript: objects without a prototype, numbers as numbers. */
export function plain(value: Json): unknown {
  if (value instanceof Real) return value.value;
  if (value instanceof Map) {
    const out = Object.create(null) as Record<string, unknown>;
    for (const [name, inner] of value as JsonObject) out[name] = plain(inner);
    return out;
  }
  return Array.isArray(value) ? value.map((inner) => plain(inner as Json)) : value;
}
