// A record shown in its page: that the page is the batch's, and which bytes are the record.

import { fromHex } from "./bytes.js";
import { ReceiptRejected } from "./errors.js";
import { leafHash, verifyInclusion } from "./merkle.js";
import type { ProvenPage, ProvenRecord } from "./receipt.js";
import type { Evidence, Ingest } from "./statements/ingest.js";
import type { Decide } from "./statements/models.js";

const RECORD_BYTES = 65_536; // a longer record is cut into pieces of this length, each a record
const NEWLINE = 0x0a;
const QUOTE = 0x22;

/** Where a record stands in its page: `page.content.slice(start, end)`. */
export interface Located {
  readonly page: ProvenPage;
  readonly start: number;
  readonly end: number;
  /** False where the page holds quoted CSV: the bytes are only known to lie on lines of the page. */
  readonly isExact: boolean;
}

/** Records cut into pages under one root: of a batch as received, of a run as rendered. */
export interface Paged {
  readonly number: number;
  readonly nRecords: number;
  readonly evidence: Evidence;
  readonly isCsv: boolean;
}

export function pagedIngest({ batch, part, evidence, file }: Ingest): Paged {
  const isCsv = file.kind === "csv" && evidence.form === "received";
  return { number: batch, nRecords: part.nRecords, evidence, isCsv };
}

export function pagedDecide({ run, nDecisions, evidence }: Decide): Paged {
  return { number: run, nRecords: nDecisions, evidence, isCsv: false };
}

/** A record's page, its position there, and how many records the page has. */
function pageOf(
  { nRecords, evidence }: Paged,
  record: number,
): { page: number; position: number; nRecords: number } {
  const perPage = evidence.recordsPerPage;
  const page = Math.floor(record / perPage);
  return { page, position: record - page * perPage, nRecords: Math.min(perPage, nRecords - page * perPage) };
}

/** Check that the record is one of the batch or run and that every page shown is a page of it. */
export async function checkPages(paged: Paged, record: ProvenRecord): Promise<void> {
  const reject = (message: string) => new ReceiptRejected("pages", message);
  const { number, nRecords, evidence } = paged;
  if (record.batch !== number) throw reject(`batch: want ${number}, got ${record.batch}`);
  if (record.record >= nRecords) throw reject(`record: want below ${nRecords}, got ${record.record}`);
  const indices = record.pages.map((page) => page.index);
  if (indices.some((index, i) => i > 0 && index <= (indices[i - 1] ?? -1))) {
    throw reject(`page indices: want them to ascend, got ${indices.join(", ")}`);
  }
  const root = fromHex(evidence.root);
  for (const page of record.pages) {
    await verifyInclusion(await leafHash(page.content), BigInt(page.index), BigInt(evidence.nPages), page.path, root);
  }
}

/** Find the record in its page, and check that it is the one its number says. */
export function locate(paged: Paged, record: ProvenRecord): Located {
  const reject = (message: string) => new ReceiptRejected("record", message);
  const { page: number, position, nRecords } = pageOf(paged, record.record);
  const page = record.pages.find(({ index }) => index === number);
  if (page === undefined) throw reject(`record ${record.record}: want page ${number}, got others`);
  const before = record.pages.filter(({ index }) => index < number);
  const start = record.offset - before.reduce((n, { content }) => n + content.length, 0);
  const end = start + record.length;
  const got = `bytes ${start} to ${end} of ${page.content.length}`;
  if (!(start >= 0 && start < end && end <= page.content.length)) {
    throw reject(`record ${record.record}: want bytes of page ${number}, got ${got}`);
  }
  if (paged.isCsv && page.content.includes(QUOTE)) {
    const begins = start === 0 || page.content[start - 1] === NEWLINE;
    const ends = end === page.content.length || page.content[end - 1] === NEWLINE;
    if (!begins || !ends) throw reject(`record ${record.record}: want whole lines, got ${got}`);
    return { page, start, end, isExact: false };
  }
  const ends = lineEnds(page.content);
  if (ends.length !== nRecords) throw reject(`page ${number}: want ${nRecords} records, got ${ends.length}`);
  const [from, to] = [position === 0 ? 0 : ends[position - 1], ends[position]];
  if (start !== from || end !== to) {
    throw reject(`record ${record.record}: want bytes ${from} to ${to} of page ${number}, got ${start} to ${end}`);
  }
  return { page, start, end, isExact: true };
}

/** Where each record of a page ends, if every newline ends one; a record too long is cut. */
export function lineEnds(page: Uint8Array): readonly number[] {
  const ends: number[] = [];
  let start = 0;
  while (start < page.length) {
    const newline = page.indexOf(NEWLINE, start);
    const limit = start + RECORD_BYTES;
    start = newline >= 0 && newline < limit ? newline + 1 : Math.min(limit, page.length);
    ends.push(start);
  }
  return ends;
}
