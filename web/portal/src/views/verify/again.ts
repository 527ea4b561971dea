// The row beside the record: each value that can be read here just as Python reads it is read again and compared.
//
// This is not cleaning again, which is the Python package's: rules are not asked, and what this page cannot be sure to read
// in the same way is left out, and said to be. What is compared is compared exactly: a row whose value is not the record's
// does not hold. Both readers are held to the vectors in `tests/vectors/rows`.

import { CORE_SCHEMA, load } from "js-yaml";
import type { RecordEvidence, Value } from "@veracity/verify";
import { columnOf, customOf, isPlain, type Column, type Plain } from "./column";
import { splitCells } from "./csv_cells";
import { decoded } from "./encodings";
import { readDate, readTime } from "./times";

export interface Again {
  /** `wrong` names a column whose value is not the record's; null if all that were compared are. */
  readonly wrong: string | null;
  readonly compared: readonly string[];
  readonly left: readonly string[]; // columns that were not
}

type Row = ReadonlyMap<string, Value>;

/** A value as the row should have it: times as microseconds; undefined where this page cannot tell. */
type Wanted = Value | bigint | undefined;

const MISSING = ["NA"]; // where a contract says nothing else; an empty text is always one
const OTHER = "windows-1252"; // and where it names no other encoding
const TRUE = ["true", "1", "yes", "t", "y"];
const FALSE = ["false", "0", "no", "f", "n"];
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
// What Unicode calls white space, which is not what `trim` takes.
const BLANK = "[\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const EDGES = new RegExp(`^${BLANK}+|${BLANK}+$`, "g");

/** Compare what can be; null where the record or its contract is not of the kind that this page reads. */
export function compareAgain(evidence: RecordEvidence, row: Row): Again | null {
  const schema = schemaOf(new TextDecoder().decode(evidence.contract));
  const record = schema === null ? null : recordOf(evidence, schema);
  if (schema === null || record === null) return null;
  const compared: string[] = [];
  const left: string[] = [];
  for (const name of row.keys()) {
    if (!schema.columns.has(name)) return { wrong: `${name}: want a column of the contract, got another`, compared, left };
  }
  for (const [name, column] of schema.columns) {
    const got = row.get(name);
    const wanted = got === undefined || column === null ? undefined : wantedOf(column, record, got);
    if (got === undefined || wanted === undefined) {
      left.push(name);
      continue;
    }
    if (!isSame(wanted, got)) return { wrong: `${name}: want ${shown(wanted)}, got ${shown(got)}`, compared, left };
    compared.push(name);
  }
  return { wrong: null, compared, left };
}

interface Schema {
  readonly columns: ReadonlyMap<string, Column | null>;
  readonly separator: string;
  readonly encodings: readonly string[]; // tried in this order
}

function schemaOf(text: string): Schema | null {
  let contract: unknown;
  try {
    contract = load(text, { schema: CORE_SCHEMA });
  } catch {
    return null;
  }
  const first = isPlain(contract) && Array.isArray(contract["schema"]) ? (contract["schema"][0] as unknown) : null;
  if (!isPlain(first) || !Array.isArray(first["properties"])) return null;
  const custom = customOf(first);
  const shared = custom.get("missing") ?? MISSING;
  const columns = new Map<string, Column | null>();
  for (const property of first["properties"] as unknown[]) {
    if (!isPlain(property) || typeof property["name"] !== "string" || isSpread(property)) return null;
    columns.set(property["name"], columnOf(property, shared, custom.has("actions")));
  }
  const servers = (contract as Plain)["servers"];
  const server = Array.isArray(servers) && isPlain(servers[0]) ? servers[0] : {};
  const separator = String(server["delimiter"] ?? ",");
  if (separator.length !== 1) return null;
  return { columns, separator, encodings: encodingsOf(server) };
}

/** A server's encoding, and the one for records that are not in it; a contract may say that there is none. */
function encodingsOf(server: Plain): string[] {
  const other = customOf(server).get("fallbackEncoding");
  return [String(server["encoding"] || "utf-8"), ...(other === null ? [] : [String(other ?? OTHER)])];
}

/** Whether a file's columns carry a field in their names: then one record is many rows. */
function isSpread(property: Plain): boolean {
  return typeof property["physicalName"] === "string" && property["physicalName"].includes("{");
}

/** A record's members by name: of JSON, or of a CSV record whose columns the statement names. */
function recordOf({ data, columns, isExact }: RecordEvidence, { separator, encodings }: Schema): Plain | null {
  const isMarked = data[0] === 0xef && data[1] === 0xbb && data[2] === 0xbf;
  const text = isMarked ? null : decoded(data, encodings);
  if (text === null) return null;
  const line = text.replace(/\n$/, "").replace(/\r$/, "");
  if (columns === null) {
    if (!isExact || !line.startsWith("{")) return null;
    try {
      const record = JSON.parse(line) as unknown;
      return isPlain(record) ? record : null;
    } catch {
      return null;
    }
  }
  const cells = splitCells(line, separator);
  if (cells === null || cells.length < columns.length || cells.slice(columns.length).some((cell) => /[^ \t]/.test(cell))) return null;
  return Object.fromEntries(columns.map((name, i) => [name, cells[i]]));
}

/** What a record has for a column; null for nothing, undefined where that is not clear. */
function rawOf(column: Column, record: Plain): unknown {
  const held = (name: string) => (Object.hasOwn(record, name) ? record[name] : null);
  if (column.joined.length === 0) return column.sources.map(held).find((value) => value !== null) ?? null;
  const parts = column.joined.map(held);
  if (parts.includes(null)) return null;
  return parts.every((part) => typeof part === "string") ? parts.join(" ") : undefined;
}

function wantedOf(column: Column, record: Plain, got: Value): Wanted {
  const raw = rawOf(column, record);
  if (raw === undefined || raw === null) return raw;
  if (got === null && column.mayBeEmptied) return undefined;
  const text = typeof raw === "string" ? raw.replace(EDGES, "") : typeof raw === "boolean" ? String(raw) : null;
  if (text !== null && column.missing.includes(text)) return null;
  switch (column.type) {
    case "number":
    case "integer":
      return scaled(column, numberOf(column, raw, text));
    case "boolean":
      return text === null ? undefined : TRUE.includes(text.toLowerCase()) ? true : FALSE.includes(text.toLowerCase()) ? false : undefined;
    case "timestamp":
      return text === null ? undefined : readTime(text, column.shapes, column.zone);
    case "date":
      return text === null ? undefined : readDate(text, column.shapes);
    case "string":
      return text ?? undefined;
    default:
      return undefined;
  }
}

/** However a number is written that stands for a missing value, it is the same one. */
function numberOf({ missing, decimal }: Column, raw: unknown, text: string | null): number | null | undefined {
  const read = (written: string) => (DECIMAL.test(written.replace(decimal, ".")) ? Number(written.replace(decimal, ".")) : NaN);
  const number = typeof raw === "number" ? raw : typeof raw === "string" && text !== null ? read(text) : NaN;
  if (!Number.isFinite(number)) return undefined;
  return missing.some((token) => read(token) === number) ? null : number;
}

/** In the table's unit: one product and one sum of 64-bit floats, as Python's. */
function scaled({ type, scale, offset }: Column, number: number | null | undefined): Wanted {
  if (number === null || number === undefined) return number;
  const value = scale === 1 && offset === 0 ? number : number * scale + offset;
  if (type === "number") return value;
  if (!Number.isSafeInteger(Math.round(value)) || !Number.isSafeInteger(number)) return undefined;
  if (value === number) return number;
  return Math.abs(value - Math.trunc(value)) === 0.5 ? undefined : Math.round(value); // a half is rounded by one rule or another
}

/** Times are the same if they are the same moment, to the microsecond; all else if it is equal. */
function isSame(wanted: Value | bigint, got: Value): boolean {
  if (typeof wanted !== "bigint") return wanted === got;
  return typeof got === "string" && readTime(got, [], "") === wanted;
}

function shown(value: Value | bigint): string {
  return typeof value === "bigint" ? new Date(Number(value / 1_000n)).toISOString() : JSON.stringify(value);
}
