// The receipt's format: JSON of at most 1 MiB, parsed once. Nothing in it is believed yet.

import { decodeBase64, utf8, type Bytes } from "./bytes.js";
import { MAX_ENVELOPE_BYTES, openEnvelope, type Envelope } from "./envelope.js";
import { Malformed, show } from "./errors.js";
import { Fields } from "./fields.js";
import { HASH_BYTES, MAX_PATH } from "./merkle.js";
import { SIGNATURE_BYTES } from "./platform.js";
import { parseStatement, type Statement } from "./statements/statement.js";
import { parseJson, Real, type JsonObject } from "./strict_json.js";
import { MAX_PROOF_BYTES, parseProof, type TlogProof } from "./tlog_proof.js";

export const MAX_RECEIPT_BYTES = 1_048_576;
const SCHEMA = "veracity.receipt/v1";
const SCHEMA_2 = "veracity.receipt/v2";
const SCHEMA_3 = "veracity.receipt/v3";
const SCHEMA_4 = "veracity.receipt/v4";
const CODE = "malformed-receipt";
const MAX_KEYS = 64;
const MAX_TIME_STAMPS = 4;
const MAX_TIME_STAMP_BYTES = 32_768;
const MAX_PAGES = 8;
export const MAX_COLUMNS = 1000;

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

/** The message that a record of a live batch came in: record `index` of `n`, and who signed the root over them. */
export interface ProvenMessage {
  readonly n: number;
  readonly index: number;
  readonly path: readonly Bytes[];
  readonly keyid: string;
  readonly signature: Bytes;
}

export interface Receipt {
  readonly stated: ProvenEntry;
  readonly keys: readonly ProvenEntry[];
  readonly contract: ProvenContract | null;
  readonly parts: PartPath | null;
  readonly record: ProvenRecord | null;
  readonly row: ReadonlyMap<string, Value> | null;
  /** Version 2: `enrol` entries after the statement, in the log's order, that revoke keys it rests on. */
  readonly revocations: readonly ProvenEntry[];
  /** Version 2: RFC 3161 time stamps of the checkpoint's text. Nothing here looks into them. */
  readonly timeStamps: readonly Bytes[];
  /** Version 3: the `release` that a `decide` names. */
  readonly release: ProvenEntry | null;
  /** Version 4: the signed message that a record of a live batch came in. */
  readonly message: ProvenMessage | null;
}

export function parseReceipt(data: Uint8Array): Receipt {
  const fields = new Fields(parseJson(data, "receipt", MAX_RECEIPT_BYTES, CODE), "receipt", CODE);
  const schema = fields.choice("schema", [SCHEMA, SCHEMA_2, SCHEMA_3, SCHEMA_4]);
  const isLater = schema !== SCHEMA;
  const receipt: Receipt = {
    stated: readEntry(fields, "receipt"),
    keys: readKeys(fields, "keys"),
    contract: fields.optional("contract", (name) => readContract(fields.object(name))),
    parts: fields.optional("parts", (name) => readParts(fields.object(name))),
    record: fields.optional("record", (name) => readRecord(fields.object(name))),
    row: fields.optional("row", (name) => readRow(fields, name)),
    revocations: isLater ? some(fields, "revocations", readKeys) : [],
    timeStamps: isLater ? some(fields, "time_stamps", readTimeStamps) : [],
    release: schema === SCHEMA_3 ? readRelease(fields.object("release")) : null,
    message: schema === SCHEMA_4 ? readMessage(fields.object("message")) : null,
  };
  fields.done();
  if (schema === SCHEMA_2 && receipt.revocations.length + receipt.timeStamps.length === 0) {
    throw new Malformed(CODE, "receipt: want revocations or time_stamps in version 2, got neither");
  }
  if (receipt.record === null && receipt.row !== null) {
    throw new Malformed(CODE, "receipt.row: want a record that it was read from, got none");
  }
  if (receipt.record === null && receipt.message !== null) {
    throw new Malformed(CODE, "receipt.message: want a record that came in it, got none");
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

function readRelease(fields: Fields): ProvenEntry {
  const release = readEntry(fields, fields.where);
  fields.done();
  return release;
}

function readKeys(fields: Fields, name: string): readonly ProvenEntry[] {
  return fields.objects(name, MAX_KEYS).map((item) => {
    const key = readEntry(item, item.where);
    item.done();
    return key;
  });
}

function readTimeStamps(fields: Fields, name: string): readonly Bytes[] {
  return fields.items(name, MAX_TIME_STAMPS).map((item) => {
    const stamp = typeof item === "string" ? decodeBase64(item) : null;
    if (stamp === null || stamp.length === 0 || stamp.length > MAX_TIME_STAMP_BYTES) {
      throw fields.fail(name, `base64 of 1 to ${MAX_TIME_STAMP_BYTES} bytes each`, item);
    }
    return stamp;
  });
}

/** The items of an array; null stands for none, and an empty array for nothing known. */
function some<T>(fields: Fields, name: string, read: (fields: Fields, name: string) => readonly T[]): readonly T[] {
  const items = fields.optional(name, () => read(fields, name));
  if (items?.length === 0) throw fields.fail(name, "null or at least one", []);
  return items ?? [];
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

function readMessage(fields: Fields): ProvenMessage {
  const message = {
    n: fields.count("n", 1),
    index: fields.count("index"),
    path: readPath(fields),
    keyid: fields.sha256("keyid"),
    signature: fields.base64("signature", SIGNATURE_BYTES),
  };
  fields.done();
  return message;
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
