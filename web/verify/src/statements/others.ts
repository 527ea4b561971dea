// Kinds of statement of which a receipt shows nothing more than what they say: read to refuse what says nonsense.

import { nCharacters } from "../bytes.js";
import type { Fields } from "../fields.js";
import { checkCounts, fail, readBatches, readCounts, readDigests, readInput, readPerson, readRows } from "./parts.js";
import { checkSubjects, FEED, FEED_NAME, predicateOf, ROWS, SHA256, type Statement } from "./statement.js";

const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;
const DAY = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/;
const CONTROL = /[\x00-\x1f\x7f-\x9f]/;

export function readTransform(statement: Statement): void {
  const fields = predicateOf(statement, "transform");
  fields.matching("name", NAME, "a name ([a-z0-9-], at most 64)");
  fields.sha256("definition");
  fields.objects("inputs", 256).forEach(readInput);
  const output = readRows(fields.object("output"));
  fields.flag("simulated");
  fields.optional("as_of", (name) => fields.time(name));
  fields.done();
  checkSubjects(statement, [ROWS, output.sha256]);
}

export function readCertify(statement: Statement): void {
  const fields = predicateOf(statement, "certify");
  fields.matching("feed", FEED_NAME, FEED);
  fields.matching("day", DAY, "a day such as 2026-09-01");
  fields.optional("batches", (name) => readSpan("certify", fields.object(name)));
  readDigests(fields, "rules", 256);
  const data = fields.sha256("data");
  const counts = readCounts(fields.object("counts"));
  fields.text("engine", 128);
  fields.flag("simulated");
  const [flagged, asked, released] = [fields.count("flagged"), fields.count("asked"), fields.count("released")];
  fields.optional("silent", (name) => fields.count(name));
  fields.tally("reasons");
  const refusals = fields.tally("refusals");
  const health = fields.optional("health", (name) => readRows(fields.object(name)));
  fields.done();
  checkCounts("certify", counts, refusals);
  if (flagged > counts.accepted || asked > counts.quarantined || released > counts.received) {
    throw fail("certify: want no more flagged, asked and released than accepted, quarantined and received, got more");
  }
  checkSubjects(statement, [ROWS, data], ...(health === null ? [] : [[ROWS, health.sha256] as const]));
}

export function readAccount(statement: Statement): void {
  const fields = predicateOf(statement, "account");
  fields.matching("feed", FEED_NAME, FEED);
  const hour = fields.time("hour");
  readSpan("account", fields.object("batches"));
  const refused = readSums(fields.object("sums"));
  const reasons = [...fields.tally("reasons").values()].reduce((total, n) => total + BigInt(n), 0n);
  const devices = readRows(fields.object("devices"));
  fields.flag("simulated");
  fields.text("engine", 128);
  fields.done();
  if (!hour.endsWith(":00:00Z")) throw fail(`account.hour: want a whole hour, got ${hour}`);
  if (reasons > refused) throw fail(`account.reasons: want at most ${refused}, got ${reasons}`);
  if (devices.rows === 0) throw fail("account.devices: want a device that sent, got none");
  checkSubjects(statement, [ROWS, devices.sha256]);
}

/** Where every record went that was sent; returns how many were refused. */
function readSums(fields: Fields): bigint {
  fields.count("messages");
  const names = ["sent", "accepted", "quarantined", "refused", "duplicate"] as const;
  const [sent = 0n, ...parts] = names.map((name) => BigInt(fields.count(name)));
  fields.done();
  const sum = parts.reduce((total, n) => total + n, 0n);
  if (sent !== sum) {
    throw fail(`account.sums: want sent = accepted + quarantined + refused + duplicate, got ${sent} and ${sum}`);
  }
  return parts[2] ?? 0n;
}

function readSpan(kind: string, fields: Fields): void {
  const [first, last] = [fields.count("first"), fields.count("last")];
  fields.done();
  if (first > last) throw fail(`${kind}.batches: want the first not after the last, got ${first} to ${last}`);
}

export function readCalibrate(statement: Statement): void {
  const fields = predicateOf(statement, "calibrate");
  fields.matching("name", FEED_NAME, "a calibration's name");
  fields.sha256("definition");
  fields.objects("inputs", 2).forEach(readInput);
  readRows(fields.object("pairs"));
  const document = fields.sha256("document");
  fields.flag("simulated");
  fields.text("engine", 64);
  fields.optional("as_of", (name) => fields.time(name));
  fields.done();
  checkSubjects(statement, [SHA256, document]);
}

export function readWithdraw(statement: Statement): void {
  const fields = predicateOf(statement, "withdraw");
  fields.matching("name", FEED_NAME, "a calibration's name");
  const document = fields.sha256("document");
  fields.time("from");
  fields.time("said_at");
  for (const [name, most] of [["person", 200], ["reason", 1000]] as const) {
    const text = fields.text(name, most);
    if (CONTROL.test(text) || /^ *$/.test(text) || nCharacters(text) > most) {
      throw fail(`withdraw.${name}: want it on one line, got another`);
    }
  }
  fields.done();
  checkSubjects(statement, [SHA256, document]);
}

export function readReject(statement: Statement): void {
  const fields = predicateOf(statement, "reject");
  fields.matching("feed", FEED_NAME, FEED);
  fields.time("decided_at");
  readPerson(fields);
  readBatches(fields);
  const rows = readRows(fields.object("rows"));
  fields.flag("simulated");
  fields.done();
  checkSubjects(statement, [ROWS, rows.sha256]);
}

export function readErase(statement: Statement): void {
  const fields = predicateOf(statement, "erase");
  fields.matching("feed", FEED_NAME, FEED);
  fields.time("erased_at");
  readPerson(fields);
  fields.choice("ground", ["request", "retention", "order", "mistake"]);
  readBatches(fields);
  const records = readRows(fields.object("records"));
  fields.flag("simulated");
  fields.done();
  if (records.rows < 1) throw fail("erase.records: want at least one, got 0");
  checkSubjects(statement, [ROWS, records.sha256]);
}
