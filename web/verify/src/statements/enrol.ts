// `enrol`: a key of the operator, an agency or a device comes, is replaced, or goes.

import { decodeBase64, toBase64, type Bytes } from "../bytes.js";
import type { PublicKey } from "../envelope.js";
import { KEY_BYTES, sha256Hex } from "../platform.js";
import { parseTime } from "../time.js";
import { fail } from "./parts.js";
import { checkSubjects, predicateOf, SHA256, type Statement } from "./statement.js";

export const AGENCY_NAME = /^[a-z0-9][a-z0-9._/-]{0,127}$/;
export const DEVICE_NAME = /^[a-z0-9][a-z0-9-]{0,63}\/[a-z0-9][a-z0-9-]{0,62}$/;
const PREFIX = "ed25519:";

export type Action = "enrol" | "rotate" | "revoke";
export type Role = "operator" | "agency" | "device";

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
}

function parseKey(text: string): Bytes {
  const raw = text.startsWith(PREFIX) ? decodeBase64(text.slice(PREFIX.length)) : null;
  if (raw === null || raw.length !== KEY_BYTES || PREFIX + toBase64(raw) !== text) {
    throw fail("enrol.key: want ed25519:<base64 of 32 bytes>, got another");
  }
  return raw;
}

export async function readEnrol(statement: Statement): Promise<Enrol> {
  const fields = predicateOf(statement, "enrol");
  const action = fields.choice<Action>("action", ["enrol", "rotate", "revoke"]);
  const agency = fields.matching("agency", AGENCY_NAME, "an agency's name ([a-z0-9._/-], at most 128)");
  const role = fields.choice<Role>("role", ["operator", "agency", "device"]);
  const named = fields.object("key");
  const claimed = named.sha256("keyid");
  const raw = parseKey(named.text("public", 128));
  named.done();
  const replaces = fields.optional("replaces", (name) => fields.sha256(name));
  const asOf = fields.optional("as_of", (name) => fields.time(name));
  const reason = fields.optional("reason", (name) => fields.text(name, 1000));
  const until = fields.has("expires") ? fields.when("expires") : null;
  fields.done();
  const keyid = await sha256Hex(raw);
  if (keyid !== claimed) throw fail(`enrol.key.keyid: want ${keyid}, got ${claimed}`);
  if ((action === "rotate") !== (replaces !== null)) {
    throw fail(`enrol.replaces: want a key ID to rotate and only then, got ${replaces}`);
  }
  if (until !== null && action === "revoke") throw fail("enrol.expires: want none to revoke, got one");
  checkSubjects(statement, [SHA256, keyid]);
  const since = asOf === null ? null : parseTime(asOf);
  return { kind: "enrol", action, agency, role, key: { raw, keyid }, replaces, asOf, since, until, reason };
}
