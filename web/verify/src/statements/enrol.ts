// `enrol`: a key of the operator, an agency, a device or an officer comes, is replaced, or goes.

import { decodeBase64, toBase64, type Bytes } from "../bytes.js";
import type { PublicKey } from "../envelope.js";
import type { Fields } from "../fields.js";
import { KEY_BYTES, sha256Hex } from "../platform.js";
import { parseTime } from "../time.js";
import { fail, SPACE_ONLY, UNSHOWN } from "./parts.js";
import { checkSubjects, predicateOf, SHA256, type Statement } from "./statement.js";

export const AGENCY_NAME = /^[a-z0-9][a-z0-9._/-]{0,127}$/;
export const DEVICE_NAME = /^[a-z0-9][a-z0-9-]{0,63}\/[a-z0-9][a-z0-9-]{0,62}$/;
export const DUTIES = ["act", "incident", "override", "release"] as const;
const OFFICER_NAME = /^officer\/[a-z0-9][a-z0-9-]{0,62}$/;
const PREFIX = "ed25519:";

export type Action = "enrol" | "rotate" | "revoke";
export type Role = "operator" | "agency" | "device" | "officer";
export type Duty = (typeof DUTIES)[number];

export interface Enrol {
  readonly kind: "enrol";
  readonly action: Action;
  readonly agency: string;
  readonly role: Role;
  readonly key: PublicKey;
  readonly replaces: string | null;
  readonly asOf: string | null; // when the change counts from, by the word of who signed
  readonly since: bigint | null; // the same as a time
  readonly until: bigint | null; // from when on nothing received counts that the key signed
  readonly reason: string | null;
  readonly person: string | null; // only and always of an officer: the name that approvals show
  readonly duties: readonly Duty[]; // the same: what the officer may approve, in order
}

function parseKey(text: string): Bytes {
  const raw = text.startsWith(PREFIX) ? decodeBase64(text.slice(PREFIX.length)) : null;
  if (raw === null || raw.length !== KEY_BYTES || PREFIX + toBase64(raw) !== text) {
    throw fail("enrol.key: want ed25519:<base64 of 32 bytes>, got another");
  }
  return raw;
}

function readDuties(fields: Fields): readonly Duty[] {
  const items = fields.items("duties", DUTIES.length);
  const duties = DUTIES.filter((duty) => items.includes(duty));
  if (duties.length === 0 || duties.length !== items.length || duties.some((duty, i) => duty !== items[i])) {
    throw fields.fail("duties", `some of ${DUTIES.join(", ")}, in this order, each once`, items);
  }
  return duties;
}

/** Check that a person and duties are there of an officer, and of nobody else. */
function checkOfficer(role: Role, name: string, person: string | null, duties: readonly Duty[]): void {
  const isOfficer = role === "officer";
  if (isOfficer !== (person !== null) || isOfficer !== duties.length > 0) {
    throw fail(`enrol: want a person and duties of an officer and only then, got others of ${role}`);
  }
  if (person === null) return;
  if (!OFFICER_NAME.test(name)) throw fail("enrol.agency: want an officer as officer/<name>, got another");
  if (SPACE_ONLY.test(person) || UNSHOWN.test(person)) throw fail("enrol.person: want one line, got another");
}

export async function readEnrol(statement: Statement): Promise<Enrol> {
  const fields = predicateOf(statement, "enrol");
  const action = fields.choice<Action>("action", ["enrol", "rotate", "revoke"]);
  const agency = fields.matching("agency", AGENCY_NAME, "an agency's name ([a-z0-9._/-], at most 128)");
  const role = fields.choice<Role>("role", ["operator", "agency", "device", "officer"]);
  const named = fields.object("key");
  const claimed = named.sha256("keyid");
  const raw = parseKey(named.text("public", 128));
  named.done();
  const replaces = fields.optional("replaces", (name) => fields.sha256(name));
  const asOf = fields.optional("as_of", (name) => fields.time(name));
  const reason = fields.optional("reason", (name) => fields.text(name, 1000));
  const until = fields.has("expires") ? fields.when("expires") : null;
  const person = fields.has("person") ? fields.text("person", 200) : null;
  const duties = fields.has("duties") ? readDuties(fields) : [];
  fields.done();
  checkOfficer(role, agency, person, duties);
  const keyid = await sha256Hex(raw);
  if (keyid !== claimed) throw fail(`enrol.key.keyid: want ${keyid}, got ${claimed}`);
  if ((action === "rotate") !== (replaces !== null)) {
    throw fail(`enrol.replaces: want a key ID to rotate and only then, got ${replaces}`);
  }
  if (until !== null && action === "revoke") throw fail("enrol.expires: want none to revoke, got one");
  checkSubjects(statement, [SHA256, keyid]);
  const since = asOf === null ? null : parseTime(asOf);
  return { kind: "enrol", action, agency, role, key: { raw, keyid }, replaces, asOf, since, until, reason, person, duties };
}
