// `ingest`: one batch came in, and this is what became of every record of it.

import { readEnvelope, type Envelope } from "../envelope.js";
import { Malformed } from "../errors.js";
import { isText, type Fields } from "../fields.js";
import type { Json } from "../strict_json.js";
import {
  ascend, checkCounts, fail, readChecks, readCounts, readFileDigest, readReleased, readRows,
  type Counts, type FileDigest, type Released, type RowsDigest,
} from "./parts.js";
import {
  checkSubjects, EVIDENCE_ROOT, FEED, FEED_NAME, MALFORMED, predicateOf, ROWS, SHA256, type Statement,
} from "./statement.js";

const MAX_LAYOUTS = 4096;
const MAX_COLUMNS = 20_000;

export interface Part {
  readonly index: number;
  readonly firstRecord: number;
  readonly nRecords: number;
  readonly last: boolean;
}

export interface Evidence {
  readonly root: string;
  readonly nPages: number;
  readonly recordsPerPage: number;
  readonly form: "received" | "rendered";
}

export interface Ingest {
  readonly kind: "ingest";
  readonly feed: string;
  readonly batch: number;
  readonly receivedAt: string;
  readonly contractSha256: string;
  readonly file: FileDigest & { readonly kind: "csv" | "ndjson" | "parquet"; readonly compression: "none" | "gzip" };
  readonly part: Part;
  readonly evidence: Evidence;
  readonly counts: Counts;
  readonly layouts: readonly (readonly [firstRecord: number, columns: readonly string[]])[];
  readonly delivery: Envelope | null;
  readonly released: Released | null;
  readonly messages: Messages | null;
  readonly simulated: boolean;
}

/** The messages that a live batch was put together from, and those that came meanwhile and gave it nothing. */
export interface Messages {
  readonly taken: number;
  readonly signed: boolean; // each of those taken
  readonly duplicate: number; // records
  readonly refused: ReadonlyMap<string, number>; // the same, by reason
}

export function readIngest(statement: Statement): Ingest {
  const fields = predicateOf(statement, "ingest");
  const counts = readCounts(fields.object("counts"));
  const refusals = fields.tally("refusals");
  fields.tally("reasons");
  fields.text("engine", 128);
  fields.optional("event_time", (name) => readEventTime(fields.object(name)));
  const table = fields.optional("table", (name) => readTable(fields.object(name)));
  const quarantine = fields.optional("quarantine", (name) => readRows(fields.object(name)));
  const checks = fields.has("checks") ? readChecks(fields.object("checks")) : null;
  const ingest: Ingest = {
    kind: "ingest",
    feed: fields.matching("feed", FEED_NAME, FEED),
    batch: fields.count("batch"),
    receivedAt: fields.time("received_at"),
    contractSha256: fields.sha256("contract"),
    file: readFile(fields.object("file")),
    part: readPart(fields.object("part")),
    evidence: readEvidence(fields.object("evidence")),
    counts,
    layouts: fields.items("layouts", MAX_LAYOUTS).map((item) => readLayout(fields, item)),
    delivery: fields.optional("delivery", (name) => readDelivered(fields.take(name))),
    released: fields.has("released") ? readReleased(fields.object("released")) : null,
    messages: fields.has("messages") ? readMessages(fields.object("messages")) : null,
    simulated: fields.flag("simulated"),
  };
  fields.done();
  checkCounts("ingest", counts, refusals);
  for (const [name, count, rows] of [
    ["table", counts.accepted, table?.rows ?? 0],
    ["quarantine", counts.quarantined, quarantine?.rows ?? 0],
  ] as const) {
    if (rows !== count) throw fail(`ingest.${name}.rows: want ${count}, got ${rows}`);
  }
  if (checks !== null && (checks.flagged > counts.accepted || checks.asked > counts.quarantined)) {
    throw fail(`ingest.checks: want at most ${counts.accepted} flagged and ${counts.quarantined} asked, got more`);
  }
  checkItself(ingest);
  const rows = [table, quarantine].filter((found) => found !== null);
  checkSubjects(
    statement,
    [SHA256, ingest.file.sha256],
    [EVIDENCE_ROOT, ingest.evidence.root],
    ...rows.map(({ sha256 }) => [ROWS, sha256] as const),
  );
  return ingest;
}

/** What a statement must not contradict in itself. */
function checkItself(ingest: Ingest): void {
  const { part, evidence, layouts } = ingest;
  const [nRecords, perPage] = [BigInt(part.nRecords), BigInt(evidence.recordsPerPage)];
  const nPages = (nRecords + perPage - 1n) / perPage;
  if (BigInt(evidence.nPages) !== nPages) throw fail(`ingest.evidence.n_pages: want ${nPages}, got ${evidence.nPages}`);
  const firsts = layouts.map(([first]) => first);
  if (!ascend(firsts) || firsts.some((first) => first >= part.nRecords)) {
    throw fail(`ingest.layouts: want records that ascend below ${part.nRecords}, got others`);
  }
  if (ingest.released !== null) checkReleased(ingest);
  if (ingest.messages !== null) checkMessages(ingest, ingest.messages);
}

/** Whether a batch is the whole of one file as it came, uncompressed. */
function isWhole({ part, file, evidence }: Ingest): boolean {
  const isAll = part.index === 0 && part.firstRecord === 0 && part.last;
  return isAll && file.compression === "none" && evidence.form === "received";
}

/** A release is one whole file of our own lines, each a row that the city kept; no agency sends it. */
function checkReleased(ingest: Ingest): void {
  const { file, part, counts, delivery } = ingest;
  const areRows = counts.received === part.nRecords && counts.refused === 0 && counts.blank === 0;
  if (!isWhole(ingest) || file.kind !== "ndjson" || delivery !== null || !areRows) {
    throw fail("ingest.released: want one whole file of lines, each a row, without a delivery, got another");
  }
}

/** A live batch is one whole file of lines that no agency delivered; without records it says why. */
function checkMessages(ingest: Ingest, { taken, duplicate, refused }: Messages): void {
  const { file, delivery, released } = ingest;
  const { nRecords } = ingest.part;
  const isShared = taken <= nRecords && (taken === 0) === (nRecords === 0);
  if (!isWhole(ingest) || file.kind === "parquet" || delivery !== null || released !== null || !isShared) {
    throw fail("ingest.messages: want one whole file of lines, at least one a message, without a delivery");
  }
  if (nRecords === 0 && duplicate === 0 && [...refused.values()].every((n) => n === 0)) {
    throw fail("ingest.messages: want some that came, got none");
  }
}

/** Whether who sent it signed all of it: a delivery as a whole, or messages one by one. */
export function isSentSigned({ delivery, messages }: Ingest): boolean {
  return delivery !== null || (messages !== null && messages.signed);
}

/** The columns in force at a record of the batch; null where records name their own. */
export function columnsOf(ingest: Ingest, record: number): readonly string[] | null {
  return ingest.layouts.filter(([first]) => first <= record).at(-1)?.[1] ?? null;
}

function readMessages(fields: Fields): Messages {
  readRows(fields.object("rows"));
  const messages = {
    taken: fields.count("taken"),
    signed: fields.flag("signed"),
    duplicate: fields.count("duplicate"),
    refused: fields.tally("refused"),
  };
  fields.done();
  return messages;
}

function readFile(fields: Fields): Ingest["file"] {
  const file = {
    ...readFileDigest(fields),
    kind: fields.choice("kind", ["csv", "ndjson", "parquet"] as const),
    compression: fields.choice("compression", ["none", "gzip"] as const),
  };
  fields.done();
  return file;
}

function readPart(fields: Fields): Part {
  const part = {
    index: fields.count("index"),
    firstRecord: fields.count("first_record"),
    nRecords: fields.count("n_records"),
    last: fields.flag("last"),
  };
  fields.done();
  return part;
}

export function readEvidence(fields: Fields): Evidence {
  const evidence = {
    root: fields.sha256("root"),
    nPages: fields.count("n_pages"),
    recordsPerPage: fields.count("records_per_page", 1),
    form: fields.choice("form", ["received", "rendered"] as const),
  };
  fields.done();
  return evidence;
}

function readTable(fields: Fields): RowsDigest {
  const table = { rows: fields.count("rows"), sha256: fields.sha256("sha256") };
  fields.count("version");
  fields.done();
  return table;
}

function readEventTime(fields: Fields): void {
  fields.time("first");
  fields.time("last");
  fields.done();
}

function readLayout(fields: Fields, item: Json): readonly [number, readonly string[]] {
  const [first, columns] = Array.isArray(item) && item.length === 2 ? (item as readonly Json[]) : [null, null];
  if (typeof first === "number" && first >= 0 && Array.isArray(columns)) {
    const names = columns as readonly Json[];
    if (names.length > 0 && names.length <= MAX_COLUMNS && names.every(isText)) return [first, names];
  }
  throw fields.fail("layouts", "[first record, [column, …]]", item);
}

function readDelivered(value: Json): Envelope {
  try {
    return readEnvelope(value, "ingest.delivery");
  } catch (error) {
    throw error instanceof Malformed ? new Malformed(MALFORMED, error.message) : error;
  }
}
