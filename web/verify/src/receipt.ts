// The receipt's format: JSON of at most 1 MiB, parsed once. Nothing in it is believed yet.

import { decodeBase64, utf8, type Bytes } from "./bytes.js";
import { MAX_ENVELOPE_BYTES, openEnvelope, type Envelope } from "./envelope.js";
import { Malformed, show } from "./errors.js";
import { Fields } from "./fields.js";
import { HASH_BYTES, MAX_PATH } from "./merkle.js";
import { parseStatement, type Statement } from "./statements/statement.js";
import { parseJson, Real, type JsonObject } from "./strict_json.js";
import { MAX_PROOF_BYTES, parseProof, type TlogProof } from "./tlog_proof.js";

export const MAX_RECEIPT_BYTES = 1_048_576;
const SCHEMA = "veracity.receipt/v1";
const CODE = "malformed-receipt";
const MAX_KEYS = 64;
const MAX_PAGES = 8;
const MAX_COLUMNS = 1000;

export type Value = string | number | boolean | null;

/** A log entry's exact bytes, its proof, and what both hold. */
export interface ProvenEntry {
  readonly entry: Bytes;
  readonly proof: TlogProof;
  readonly envelope: Envelope;
  readonly statement: Statement;
}

export interface ProvenContract {
  readonly text: Bytes; // YAML
  readonly stated: ProvenEntry;
}

/** The way from a batch's evidence root to its file's: part `index` of `n`, siblings first. */
export interface PartPath {
  readonly index: number;
  readonly n: number;
  readonly path: readonly Bytes[];
}

export interface ProvenPage {
  readonly index: number;
  readonly content: Bytes;
  readonly path: readonly Bytes[];
}

export interface ProvenRecord {
  readonly batch: number;
  readonly record: number;
  readonly pages: readonly ProvenPage[];
  readonly offset: number; // in the pages' contents joined
  readonly length: number;
  readonly firstLine: number | null;
}

export interface Receipt {
  readonly stated: ProvenEntry;
  readonly keys: readonly ProvenEntry[];
  readonly contract: ProvenContract | null;
  readonly parts: PartPath | null;
  readonly record: ProvenRecord | null;
  readonly row: ReadonlyMap<string, Value> | null;
}

export function parseReceipt(data: Uint8Array): Receipt {
  const fields = new Fields(parseJson(data, "receipt", MAX_RECEIPT_BYTES, CODE), "receipt", CODE);
  fields.choice("schema", [SCHEMA]);
  const receipt: Receipt = {
    stated: readEntry(fields, "receipt"),
    keys: fields.objects("keys", MAX_KEYS).map(readKey),
    contract: fields.optional("contract", (name) => readContract(fields.object(name))),
    parts: fields.optional("parts", (name) => readParts(fields.object(name))),
    record: fields.optional("record", (name) => readRecord(fields.object(name))),
    row: fields.optional("row", (name) => readRow(fields, name)),
  };
  fields.done();
  if (receipt.record === null && receipt.row !== null) {
    throw new Malformed(CODE, "receipt.row: want a record that it was read from, got none");
  }
  return receipt;
}

function readEntry(fields: Fields, where: string): ProvenEntry {
  const text = fields.text("entry", MAX_ENVELOPE_BYTES);
  const proof = fields.text("proof", MAX_PROOF_BYTES);
  try {
    const entry = utf8(text);
    const envelope = openEnvelope(entry);
    return { entry, proof: parseProof(proof), envelope, statement: parseStatement(envelope.payload) };
  } catch (error) {
    throw error instanceof Malformed ? error.within(where, CODE) : error;
  }
}

function readKey(fields: Fields): ProvenEntry {
  const key = readEntry(fields, fields.where);
  fields.done();
  return key;
}

function readContract(fields: Fields): ProvenContract {
  const contract = { text: readContent(fields), stated: readEntry(fields, "receipt.contract") };
  fields.done();
  return contract;
}

function readParts(fields: Fields): PartPath {
  const parts = { index: fields.count("index"), n: fields.count("n", 1), path: readPath(fields) };
  fields.done();
  return parts;
}

function readRecord(fields: Fields): ProvenRecord {
  const record = {
    batch: fields.count("batch"),
    record: fields.count("record"),
    pages: fields.objects("pages", MAX_PAGES).map(readPage),
    offset: fields.count("offset"),
    length: fields.count("length", 1),
    firstLine: fields.optional("first_line", (name) => fields.count(name, 1)),
  };
  fields.done();
  return record;
}

function readPage(fields: Fields): ProvenPage {
  const page = { index: fields.count("index"), content: readContent(fields), path: readPath(fields) };
  fields.done();
  return page;
}

function readRow(fields: Fields, name: string): ReadonlyMap<string, Value> {
  const value = fields.take(name);
  if (!(value instanceof Map) || value.size > MAX_COLUMNS) {
    throw fields.fail(name, `an object of at most ${MAX_COLUMNS} columns`, value);
  }
  const row = new Map<string, Value>();
  for (const [column, cell] of value as JsonObject) {
    const single = cell instanceof Real ? cell.value : cell;
    if (typeof single === "object" && single !== null) {
      throw new Malformed(CODE, `receipt.row: want one value in ${show(column)}, got an object or array`);
    }
    row.set(column, single);
  }
  return row;
}

/** Bytes stand as `text` where they are UTF-8, else as `base64`. */
function readContent(fields: Fields): Bytes {
  return fields.has("text") ? utf8(fields.text("text", MAX_RECEIPT_BYTES, 0)) : fields.base64("base64");
}

function readPath(fields: Fields): readonly Bytes[] {
  return fields.items("path", MAX_PATH).map((item) => {
    const value = typeof item === "string" ? decodeBase64(item) : null;
    if (value === null || value.length !== HASH_BYTES) throw fields.fail("path", "base64 of 32 bytes each", item);
    return value;
  });
}
