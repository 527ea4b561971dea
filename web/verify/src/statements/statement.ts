// An in-toto Statement v1 of one of our kinds, before its predicate is read.

import { MAX_ENVELOPE_BYTES } from "../envelope.js";
import { Malformed } from "../errors.js";
import { Fields } from "../fields.js";
import { parseJson, type JsonObject } from "../strict_json.js";

export const MALFORMED = "malformed-statement";
const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";
const MAX_SUBJECTS = 256;
const KINDS = [
  "enrol", "contract", "delivery", "ingest", "certify", "reject", "transform", "calibrate", "withdraw", "train",
  "assure", "approve", "release", "decide", "override", "outcome", "incident", "alert", "evaluate", "credential",
  "erase", "account", "access",
] as const;

export type Kind = (typeof KINDS)[number];

export const SHA256 = "sha256";
export const EVIDENCE_ROOT = "rfc6962-sha256";
export const ROWS = "veracity-rows-sha256";
export const FEED_NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;
export const FEED = "a feed's name ([a-z0-9-], at most 64)";
const SAID_AT: Partial<Record<Kind, string>> = {
  ingest: "received_at",
  reject: "decided_at",
  withdraw: "said_at",
  erase: "erased_at",
  train: "trained_at",
  assure: "assured_at",
  release: "released_at",
  decide: "made_at",
  override: "overridden_at",
  outcome: "scored_at",
  incident: "said_at",
  access: "done_at",
};
const ALGORITHM = /^[a-z0-9][a-z0-9_-]{0,31}$/;
const DIGEST = /^(?:[0-9a-f]{2}){20,64}$/;

/** One thing a statement is about: a digest (lowercase hex) and perhaps a name, which matches nothing. */
export interface Subject {
  readonly algorithm: string;
  readonly digest: string;
  readonly name: string | null;
}

export interface Statement {
  readonly kind: Kind;
  readonly subjects: readonly Subject[];
  readonly predicate: JsonObject;
}

const predicateType = (kind: Kind): string => `urn:veracity:${kind}:v1`;

/** Parse the payload of an envelope. What its predicate must hold is left to the form of its kind. */
export function parseStatement(payload: Uint8Array): Statement {
  const fields = new Fields(parseJson(payload, "statement", MAX_ENVELOPE_BYTES, MALFORMED), "statement", MALFORMED);
  fields.choice("_type", [STATEMENT_TYPE]);
  const type = fields.choice("predicateType", KINDS.map(predicateType));
  const kind = KINDS.find((k) => predicateType(k) === type) as Kind;
  const subjects = fields.objects("subject", MAX_SUBJECTS).map(readSubject);
  if (subjects.length === 0) throw new Malformed(MALFORMED, "statement.subject: want at least one, got none");
  const predicate = fields.take("predicate");
  if (!(predicate instanceof Map)) throw fields.fail("predicate", "an object", predicate);
  fields.done();
  return { kind, subjects, predicate: predicate as JsonObject };
}

function readSubject(fields: Fields): Subject {
  const name = fields.has("name") ? fields.text("name") : null;
  const value = fields.take("digest");
  const [algorithm, ...others] = value instanceof Map ? [...(value as JsonObject).keys()] : [];
  if (algorithm === undefined || others.length > 0) throw fields.fail("digest", "an object of one digest", value);
  if (!ALGORITHM.test(algorithm)) {
    throw fields.fail("digest", "an algorithm's name ([a-z0-9_-], at most 32)", algorithm);
  }
  const digest = fields.object("digest").matching(algorithm, DIGEST, "20 to 64 bytes in lowercase hex");
  fields.done();
  return { algorithm, digest, name };
}

/** The time of a statement, by its own word; null where its kind has none. Of an ingest it is when it was received. */
export function saidAt(statement: Statement): bigint | null {
  const name = SAID_AT[statement.kind];
  return name === undefined ? null : new Fields(statement.predicate, statement.kind, MALFORMED).when(name);
}

/** The predicate of a statement of `kind`, to read. */
export function predicateOf(statement: Statement, kind: Kind): Fields {
  if (statement.kind !== kind) throw new Malformed(MALFORMED, `statement: want kind ${kind}, got ${statement.kind}`);
  return new Fields(statement.predicate, kind, MALFORMED);
}

/** Raise Malformed unless the subjects' digests are those that the predicate implies, in order. */
export function checkSubjects(
  statement: Statement,
  ...want: readonly (readonly [algorithm: string, digest: string])[]
): void {
  const got = statement.subjects.map((s) => `${s.algorithm}:${s.digest}`).join(", ");
  const implied = want.map(([algorithm, digest]) => `${algorithm}:${digest}`).join(", ");
  if (got !== implied) {
    const message = `want ${implied.slice(0, 200)}, got ${got.slice(0, 200)}`;
    throw new Malformed(MALFORMED, `${statement.kind}.subject: ${message}`);
  }
}
