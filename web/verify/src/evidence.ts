// A record shown in its page: that the page is the batch's, and which bytes are the record.

import { fromHex } from "./bytes.js";
import { ReceiptRejected } from "./errors.js";
import { leafHash, verifyInclusion } from "./merkle.js";
import type { ProvenPage, ProvenRecord } from "./receipt.js";
import { pageOf, type Ingest } from "./statements/ingest.js";

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

/** Check that the record is one of the batch and that every page shown is a page of it. */
export async function checkPages(ingest: Ingest, record: ProvenRecord): Promise<void> {
  const reject = (message: string) => new ReceiptRejected("pages", message);
  const { part, evidence } = ingest;
  if (record.batch !== ingest.batch) throw reject(`batch: want ${ingest.batch}, got ${record.batch}`);
  if (record.record >= part.nRecords) throw reject(`record: want below ${part.nRecords}, got ${record.record}`);
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
export function locate(ingest: Ingest, record: ProvenRecord): Located {
  const reject = (message: string) => new ReceiptRejected("record", message);
  const { page: number, position, nRecords } = pageOf(ingest, record.record);
  const page = record.pages.find(({ index }) => index === number);
  if (page === undefined) throw reject(`record ${record.record}: want page ${number}, got others`);
  const before = record.pages.filter(({ index }) => index < number);
  const start = record.offset - before.reduce((n, { content }) => n + content.length, 0);
  const end = start + record.length;
  const got = `bytes ${start} to ${end} of ${page.content.length}`;
  if (!(start >= 0 && start < end && end <= page.content.length)) {
    throw reject(`record ${record.record}: want bytes of page ${number}, got ${got}`);
  }
  if (ingest.file.kind === "csv" && ingest.evidence.form === "received" && page.content.includes(QUOTE)) {
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
