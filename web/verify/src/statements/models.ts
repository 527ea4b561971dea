// Statements about models and what they decide: who trained, tested, released, ran, overrode and scored them.

import { utf8 } from "../bytes.js";
import { readEnvelope, type Envelope } from "../envelope.js";
import { Malformed } from "../errors.js";
import { SHA256_HEX, type Fields } from "../fields.js";
import { sha256Hex } from "../platform.js";
import type { Json } from "../strict_json.js";
import type { Duty } from "./enrol.js";
import { readEvidence, type Evidence } from "./ingest.js";
import { fail, readInput, readPerson, readRows, UNSHOWN, SPACE_ONLY } from "./parts.js";
import {
  checkSubjects, EVIDENCE_ROOT, MALFORMED, parseStatement, predicateOf, ROWS, SHA256, type Statement,
} from "./statement.js";

const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;
const MODEL_NAME = "a model's name ([a-z0-9-], at most 64)";
const SYSTEM_NAME = "a system's name ([a-z0-9-], at most 64)";
const STAGES = ["shadow", "advise", "act"] as const;
const ACTIONS = ["release", "roll-back", "stop"] as const;
const APPROVED = ["release", "override", "incident"] as const;
const MAX_INPUTS = 256;
const MAX_REPORTS = 16;
const MAX_RUNGS = 64;
const MAX_LINE = 1000;

export type Stage = (typeof STAGES)[number];
type ApprovedKind = (typeof APPROVED)[number];

export interface Approve {
  readonly kind: "approve";
  readonly action: ApprovedKind;
  readonly system: string;
  readonly subjectSha256: string;
  readonly by: string;
  readonly why: string;
  readonly approvedAt: string;
}

/** What an officer approves: the envelope, the duty that it takes, and when it was said. */
export interface Approvable {
  readonly approval: Envelope | null;
  readonly duty: Duty;
}

export interface Release extends Approvable {
  readonly kind: "release";
  readonly system: string;
  readonly action: (typeof ACTIONS)[number];
  readonly modelSha256: string;
  readonly stage: Stage;
  readonly releasedAt: string;
  readonly simulated: boolean;
}

export interface Override extends Approvable {
  readonly kind: "override";
}

export interface Incident extends Approvable {
  readonly kind: "incident";
}

export interface Decide {
  readonly kind: "decide";
  readonly system: string;
  readonly run: number;
  readonly release: number | null; // a log index
  readonly modelSha256: string | null;
  readonly stage: Stage;
  readonly madeAt: string;
  readonly nDecisions: number;
  readonly evidence: Evidence;
  readonly simulated: boolean;
}

export function readTrain(statement: Statement): void {
  const fields = predicateOf(statement, "train");
  fields.matching("name", NAME, MODEL_NAME);
  const model = fields.sha256("model");
  fields.sha256("definition");
  fields.objects("inputs", MAX_INPUTS).forEach(readInput);
  readRows(fields.object("rows"));
  fields.sha256("code");
  fields.count("seed");
  fields.text("engine", 256);
  fields.time("trained_at");
  fields.flag("simulated");
  fields.flag("personal");
  fields.optional("as_of", (name) => fields.time(name));
  fields.done();
  checkSubjects(statement, [SHA256, model]);
}

export function readAssure(statement: Statement): void {
  const fields = predicateOf(statement, "assure");
  const tests = fields.object("tests");
  fields.matching("name", NAME, MODEL_NAME);
  for (const name of ["model", "policy", "definition"]) fields.sha256(name);
  const report = fields.sha256("report");
  fields.objects("inputs", MAX_INPUTS).forEach(readInput);
  readRows(fields.object("rows"));
  tests.count("passed");
  const failed = tests.count("failed");
  tests.count("untested");
  const verdict = fields.choice("verdict", ["passed", "failed", "incomplete"]);
  fields.count("seed");
  fields.text("engine", 256);
  fields.time("assured_at");
  fields.flag("simulated");
  tests.done();
  fields.done();
  if ((verdict === "failed") !== failed > 0) {
    throw fail(`assure.verdict: want failed if and only if a test failed, got ${verdict} with ${failed} failed`);
  }
  checkSubjects(statement, [SHA256, report]);
}

export function readApprove(statement: Statement): Approve {
  const fields = predicateOf(statement, "approve");
  const approve: Approve = {
    kind: "approve",
    action: fields.choice("action", APPROVED),
    system: readSystem(fields),
    subjectSha256: fields.sha256("subject"),
    ...readPerson(fields),
    approvedAt: fields.time("approved_at"),
  };
  fields.done();
  checkSubjects(statement, [SHA256, approve.subjectSha256]);
  return approve;
}

export async function readRelease(statement: Statement): Promise<Release> {
  const fields = predicateOf(statement, "release");
  const system = readSystem(fields);
  const action = fields.choice("action", ACTIONS);
  const model = fields.sha256("model");
  const stage = fields.choice("stage", STAGES);
  const card = fields.sha256("card");
  const reports = readReports(fields);
  const releasedAt = fields.time("released_at");
  const simulated = fields.flag("simulated");
  const replaces = fields.optional("replaces", (name) => fields.count(name));
  const rule = fields.optional("rule", (name) => readLine(fields, name));
  const approval = fields.optional("approval", (name) => takeApproval(fields, name));
  fields.done();
  if ((rule === null) === (approval === null) || (rule !== null && action !== "stop")) {
    throw fail(`release: want an officer's approval, or to stop, a rule; got ${action}`);
  }
  if (action !== "release" && replaces === null) {
    throw fail(`release.replaces: want the release that ${action} ends, got none`);
  }
  const asked = { action, card, model, replaces, reports, simulated, stage, system };
  await checkApproved(approval, "release", system, asked);
  checkSubjects(statement, [SHA256, model]);
  const duty = stage === "act" && action !== "stop" ? "act" : "release";
  return { kind: "release", system, action, modelSha256: model, stage, releasedAt, simulated, approval, duty };
}

export function readDecide(statement: Statement): Decide {
  const fields = predicateOf(statement, "decide");
  const system = readSystem(fields);
  const run = fields.count("run");
  const release = fields.optional("release", (name) => fields.count(name));
  const modelSha256 = fields.optional("model", (name) => fields.sha256(name));
  const stage = fields.choice("stage", STAGES);
  const madeAt = fields.time("made_at");
  fields.objects("inputs", MAX_INPUTS).forEach(readInput);
  readRows(fields.object("input"));
  const output = readRows(fields.object("output"));
  const evidence = readEvidence(fields.object("evidence"));
  fields.sha256("code");
  const rungs = fields.tally("rungs", MAX_RUNGS);
  fields.text("engine", 256);
  const simulated = fields.flag("simulated");
  fields.done();
  if ((release !== null) !== (modelSha256 !== null) || (release === null && stage !== "shadow")) {
    throw fail("decide: want a release with its model, or neither and stage shadow, got others");
  }
  const perPage = BigInt(evidence.recordsPerPage);
  const nPages = (BigInt(output.rows) + perPage - 1n) / perPage;
  if (evidence.form !== "rendered" || BigInt(evidence.nPages) !== nPages) {
    throw fail(`decide.evidence: want ${nPages} rendered pages, got ${evidence.nPages}, ${evidence.form}`);
  }
  const sum = [...rungs.values()].reduce((total, n) => total + BigInt(n), 0n);
  if (sum !== BigInt(output.rows)) throw fail(`decide.rungs: want a sum of ${output.rows}, got ${sum}`);
  checkSubjects(statement, [EVIDENCE_ROOT, evidence.root], [ROWS, output.sha256]);
  const nDecisions = output.rows;
  return { kind: "decide", system, run, release, modelSha256, stage, madeAt, nDecisions, evidence, simulated };
}

export async function readOverride(statement: Statement): Promise<Override> {
  const fields = predicateOf(statement, "override");
  const asked = {
    decision: fields.sha256("decision"),
    record: fields.count("record"),
    run: fields.count("run"),
    system: readSystem(fields),
    value: fields.text("value"),
  };
  const isLate = fields.when("overridden_at") >= fields.when("due");
  const approval = takeApproval(fields, "approval");
  fields.flag("simulated");
  fields.done();
  if (isLate) throw fail("override: want it before the outcome is due");
  await checkApproved(approval, "override", asked.system, asked);
  checkSubjects(statement, [SHA256, asked.decision]);
  return { kind: "override", approval, duty: "override" };
}

export function readOutcome(statement: Statement): void {
  const fields = predicateOf(statement, "outcome");
  readSystem(fields);
  const number = fields.count("number");
  fields.time("until");
  fields.optional("runs", (name) => readRuns(fields.object(name)));
  fields.objects("inputs", MAX_INPUTS).forEach(readInput);
  readMatched(fields.object("counts"));
  const outcomes = readRows(fields.object("outcomes"));
  const scores = readRows(fields.object("scores"));
  const before = fields.optional("before", (name) => fields.sha256(name));
  fields.time("scored_at");
  fields.sha256("code");
  fields.text("engine", 256);
  fields.flag("simulated");
  fields.done();
  if ((number === 0) !== (before === null)) {
    throw fail(`outcome.before: want that of the scoring before, none for the first, got another for ${number}`);
  }
  checkSubjects(statement, [ROWS, scores.sha256], [ROWS, outcomes.sha256]);
}

export async function readIncident(statement: Statement): Promise<Incident> {
  const fields = predicateOf(statement, "incident");
  const system = readSystem(fields);
  const incident = fields.matching("incident", NAME, "an incident's name ([a-z0-9-], at most 64)");
  const step = fields.choice("step", ["opened", "updated", "closed"]);
  fields.choice("severity", ["low", "serious", "critical"]);
  readLine(fields, "by", 200);
  const what = readLine(fields, "what");
  fields.time("due");
  fields.time("said_at");
  fields.flag("simulated");
  const approval = fields.optional("approval", (name) => takeApproval(fields, name));
  fields.done();
  if ((step === "closed") !== (approval !== null)) {
    throw fail(`incident.approval: want an officer's to close, and only then, got ${step}`);
  }
  await checkApproved(approval, "incident", system, { incident, step: "closed", system, what });
  checkSubjects(statement, [SHA256, await digestOf({ incident, system })]);
  return { kind: "incident", approval, duty: "incident" };
}

function readSystem(fields: Fields): string {
  return fields.matching("system", NAME, SYSTEM_NAME);
}

function readReports(fields: Fields): readonly string[] {
  const isDigest = (item: Json): item is string => typeof item === "string" && SHA256_HEX.test(item);
  const reports = fields.every("reports", MAX_REPORTS, isDigest, "digests of 64 hex digits");
  if (!reports.every((digest, i) => i === 0 || (reports[i - 1] ?? "") < digest)) {
    throw fail("release.reports: want digests in order, each once, got others");
  }
  return reports;
}

/** One line that shows itself. */
function readLine(fields: Fields, name: string, most = MAX_LINE): string {
  const text = fields.text(name, most);
  if (SPACE_ONLY.test(text) || UNSHOWN.test(text)) throw fail(`${name}: want one line of characters, got another`);
  return text;
}

function readRuns(fields: Fields): void {
  const [first, last] = [fields.count("first"), fields.count("last")];
  fields.done();
  if (first > last) throw fail(`outcome.runs: want a first run that is not after the last, got ${first} to ${last}`);
}

function readMatched(fields: Fields): void {
  const [due, matched, missing] = [fields.count("due"), fields.count("matched"), fields.count("missing")];
  fields.count("repeated");
  fields.count("contradicted");
  fields.done();
  if (BigInt(due) !== BigInt(matched) + BigInt(missing)) {
    throw fail(`outcome.counts: want due = matched + missing, got ${due}`);
  }
}

function takeApproval(fields: Fields, name: string): Envelope {
  try {
    return readEnvelope(fields.take(name), `${fields.where}.${name}`);
  } catch (error) {
    throw error instanceof Malformed ? new Malformed(MALFORMED, error.message) : error;
  }
}

/** Check that an approval is of just what its statement says. Whether its signature counts is for the keys. */
async function checkApproved(
  approval: Envelope | null,
  action: ApprovedKind,
  system: string,
  asked: Asked,
): Promise<void> {
  const subject = approval === null ? "" : await digestOf(asked);
  if (approval === null) return;
  const approve = readApprove(parseStatement(approval.payload));
  if (approve.action !== action || approve.system !== system || approve.subjectSha256 !== subject) {
    const got = `${approve.action} ${approve.system} ${approve.subjectSha256.slice(0, 16)}`;
    throw fail(`${action}.approval: want one of ${action} ${system} ${subject.slice(0, 16)}, got ${got}`);
  }
}

type Asked = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/** The SHA-256 of the canonical JSON (RFC 8785) of an object whose names stand in order. */
async function digestOf(asked: Asked): Promise<string> {
  for (const value of Object.values(asked)) {
    if (typeof value === "number" && !Number.isSafeInteger(value)) {
      throw fail(`canonical JSON: want an integer below 2**53, got ${value}`);
    }
  }
  return sha256Hex(utf8(JSON.stringify(asked)));
}
