// The row beside the record: each value that the contract takes from the record as it stands is read again and compared.
//
// This is not cleaning again, which is the Python package's: rules are not asked, and units, formats and names that a
// contract changes on the way are left out, and said to be. What is compared is compared exactly: a row whose value is
// not the record's does not hold.

import { CORE_SCHEMA, load } from "js-yaml";
import type { RecordEvidence, Value } from "@veracity/verify";

export interface Again {
  /** `wrong` names a column whose value is not the record's; null if all that were compared are. */
  readonly wrong: string | null;
  readonly compared: readonly string[];
  readonly left: readonly string[]; // columns that were not
}

type Plain = Readonly<Record<string, unknown>>;
type Row = ReadonlyMap<string, Value>;

/** A value as the row should have it; undefined where this page cannot tell. */
type Wanted = Value | undefined;

/** Properties of a column that change nothing of how its value is read. */
const QUIET = ["unit"];
const MISSING = ["", "NA"];
const TRUE = ["true", "1", "yes", "t", "y"];
const FALSE = ["false", "0", "no", "f", "n"];
const ZONED = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)$/;
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** Compare what can be; null where the record or its contract is not of the plain kind that this page reads. */
export function compareAgain(evidence: RecordEvidence, row: Row): Again | null {
  const schema = schemaOf(new TextDecoder().decode(evidence.contract));
  const record = schema === null || !evidence.isExact ? null : recordOf(evidence, schema.separator);
  if (schema === null || record === null) return null;
  const compared: string[] = [];
  const left: string[] = [];
  for (const name of row.keys()) {
    if (!schema.columns.has(name)) return { wrong: `${name}: want a column of the contract, got another`, compared, left };
  }
  for (const [name, column] of schema.columns) {
    const got = row.get(name);
    const wanted = got === undefined ? undefined : wantedOf(column, schema, record, got);
    if (got === undefined || wanted === undefined) {
      left.push(name);
      continue;
    }
    if (!isSame(column, wanted, got)) return { wrong: `${name}: want ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`, compared, left };
    compared.push(name);
  }
  return { wrong: null, compared, left };
}

interface Schema {
  readonly columns: ReadonlyMap<string, Plain>;
  readonly missing: readonly string[];
  readonly hasActions: boolean; // a value that breaks a rule may be taken out
  readonly separator: string;
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
  const columns = new Map<string, Plain>();
  for (const property of first["properties"] as unknown[]) {
    if (!isPlain(property) || typeof property["name"] !== "string" || isSpread(property)) return null;
    columns.set(property["name"], property);
  }
  const custom = customOf(first);
  const missing = custom.get("missing") ?? MISSING;
  const servers = (contract as Plain)["servers"];
  const server = Array.isArray(servers) && isPlain(servers[0]) ? servers[0] : {};
  if (!Array.isArray(missing)) return null;
  const separator = String(server["delimiter"] ?? ",");
  return { columns, missing: missing.map(String), hasActions: custom.has("actions"), separator };
}

/** Whether a file's columns carry a field in their names: then one record is many rows. */
function isSpread(property: Plain): boolean {
  return typeof property["physicalName"] === "string" && property["physicalName"].includes("{");
}

function customOf(of: Plain): ReadonlyMap<string, unknown> {
  const all = Array.isArray(of["customProperties"]) ? (of["customProperties"] as unknown[]) : [];
  return new Map(all.flatMap((one) => (isPlain(one) ? [[String(one["property"]), one["value"]] as const] : [])));
}

/** A record's members by name: of JSON, or of a line without quotes whose columns the statement names. */
function recordOf({ text, columns }: RecordEvidence, separator: string): Plain | null {
  const line = text.replace(/\r?\n$/, "");
  if (line.startsWith("{")) {
    try {
      const record = JSON.parse(line) as unknown;
      return isPlain(record) ? record : null;
    } catch {
      return null;
    }
  }
  const cells = line.split(separator);
  if (columns === null || line.includes('"') || cells.length !== columns.length) return null;
  return Object.fromEntries(columns.map((name, i) => [name, cells[i]]));
}

function wantedOf(column: Plain, schema: Schema, record: Plain, got: Value): Wanted {
  const custom = customOf(column);
  if ([...custom.keys()].some((name) => !QUIET.includes(name)) || column["transformSourceObjects"] !== undefined) return undefined;
  const source = String(column["physicalName"] ?? column["name"]);
  const raw = Object.hasOwn(record, source) ? record[source] : null;
  if (raw === null) return got === null ? null : undefined; // it may stand under a name that is read otherwise
  if (got === null && (schema.hasActions || JSON.stringify(column["quality"] ?? []).includes("missingValues"))) return undefined;
  const text = typeof raw === "string" ? raw.trim() : typeof raw === "boolean" ? String(raw) : null;
  if (text !== null && schema.missing.includes(text)) return null;
  switch (column["logicalType"] ?? "string") {
    case "number":
      return numberOf(raw, text, schema.missing);
    case "integer": {
      const number = numberOf(raw, text, schema.missing);
      return typeof number === "number" && Number.isSafeInteger(number) ? number : undefined;
    }
    case "boolean":
      return text === null ? undefined : TRUE.includes(text.toLowerCase()) ? true : FALSE.includes(text.toLowerCase()) ? false : undefined;
    case "timestamp": {
      const options = column["logicalTypeOptions"];
      const isOwn = isPlain(options) && options["format"] !== undefined;
      return !isOwn && text !== null && ZONED.test(text) ? text : undefined;
    }
    case "string":
      return text ?? undefined;
    default:
      return undefined;
  }
}

/** However a number is written that stands for a missing value, it is the same one. */
function numberOf(raw: unknown, text: string | null, missing: readonly string[]): Wanted {
  const number = typeof raw === "number" ? raw : text !== null && DECIMAL.test(text) ? Number(text) : NaN;
  if (!Number.isFinite(number)) return undefined;
  return missing.some((token) => DECIMAL.test(token) && Number(token) === number) ? null : number;
}

/** Times are the same if they are the same moment, to the microsecond; all else if it is equal. */
function isSame(column: Plain, wanted: Value, got: Value): boolean {
  if (column["logicalType"] !== "timestamp" || typeof wanted !== "string") return wanted === got;
  return typeof got === "string" && ZONED.test(got) && momentOf(wanted) === momentOf(got);
}

function momentOf(text: string): string {
  const fraction = (/\.(\d+)/.exec(text)?.[1] ?? "").padEnd(6, "0").slice(0, 6);
  return `${Date.parse(text.replace(" ", "T").replace(/\.\d+/, ""))}.${fraction}`;
}

function isPlain(value: unknown): value is Plain {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
