// A column of a contract, as far as this page reads one: where its value stands in a record, and how it is written there.

import { conversionOf, type Factors } from "./conversions";
import { shapeOf, type Shape } from "./times";

export type Plain = Readonly<Record<string, unknown>>;

export interface Column extends Factors {
  readonly type: string;
  readonly sources: readonly string[]; // the first that a record has counts
  readonly joined: readonly string[]; // or these, with one blank between them
  readonly missing: readonly string[];
  readonly mayBeEmptied: boolean; // a value may be taken out that the record has
  readonly decimal: string;
  readonly shapes: readonly (Shape | null)[];
  readonly zone: string;
}

const KNOWN = ["unit", "sourceUnit", "decimal", "formats", "aliases", "missing"];

/** Read a property; null for one that says what this page does not know. */
export function columnOf(property: Plain, shared: unknown, hasActions: boolean): Column | null {
  const custom = customOf(property);
  if ([...custom.keys()].some((name) => !KNOWN.includes(name))) return null;
  const joined = property["transformSourceObjects"] ?? [];
  const aliases = custom.get("aliases") ?? [];
  const formats = custom.get("formats") ?? [];
  const type = String(property["logicalType"] ?? "string");
  const missing = tokensOf(custom.get("missing") ?? shared, type === "number" || type === "integer");
  const options = property["logicalTypeOptions"] ?? {};
  if (!isTexts(joined) || !isTexts(aliases) || !isTexts(formats) || missing === null || !isPlain(options)) return null;
  const factors = factorsOf(custom);
  if (factors === null) return null;
  const own = options["format"];
  if (own !== undefined && typeof own !== "string") return null;
  return {
    type,
    sources: joined.length > 0 ? [] : [String(property["physicalName"] ?? property["name"]), ...aliases],
    joined,
    missing: ["", ...missing],
    mayBeEmptied: hasActions || JSON.stringify(property["quality"] ?? []).includes("missingValues"),
    ...factors,
    decimal: custom.get("decimal") === "," ? "," : ".",
    shapes: [...(own === undefined ? [] : [own]), ...formats].map(shapeOf),
    zone: String(options["defaultTimezone"] ?? "UTC"),
  };
}

/** Texts that stand for a missing value; null where YAML's readers may differ about one. */
export function tokensOf(value: unknown, isNumeric: boolean): string[] | null {
  if (!Array.isArray(value)) return null;
  const tokens: string[] = [];
  for (const token of value as unknown[]) {
    if (typeof token === "string" && !/^(y|n|yes|no|on|off|true|false|null|~|[+-]?\d[\d_.]*[:_][\d_:.]*)$/i.test(token)) tokens.push(token.trim());
    // However it is written, a number stands for one number; what its text is, is not known here.
    else if (typeof token === "number" && Number.isFinite(token) && isNumeric) tokens.push(String(token));
    else return null;
  }
  return tokens;
}

function factorsOf(custom: ReadonlyMap<string, unknown>): Factors | null {
  const [unit, source] = [custom.get("unit"), custom.get("sourceUnit")];
  if (source === undefined) return { scale: 1, offset: 0 };
  return typeof unit === "string" && typeof source === "string" ? conversionOf(source, unit) : null;
}

export function customOf(of: Plain): ReadonlyMap<string, unknown> {
  const all = Array.isArray(of["customProperties"]) ? (of["customProperties"] as unknown[]) : [];
  return new Map(all.flatMap((one) => (isPlain(one) ? [[String(one["property"]), one["value"]] as const] : [])));
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

export function isPlain(value: unknown): value is Plain {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
