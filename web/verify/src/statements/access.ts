// `access`: rights over the network given or taken, and what was written there under them.

import { utf8 } from "../bytes.js";
import { isText, type Fields } from "../fields.js";
import { sha256Hex } from "../platform.js";
import { AGENCY_NAME } from "./enrol.js";
import { fail } from "./parts.js";
import { checkSubjects, FEED_NAME, predicateOf, SHA256, type Statement } from "./statement.js";

const NAME = /^[a-z0-9][a-z0-9-]{0,62}[a-z0-9]$/;
const NAMED = "a name ([a-z0-9-], 2 to 64)";
const TOKEN = /^[0-9A-Za-z]{8,32}$/;
const ROLES = /^(?:admin|auditor|developer|operator|publisher|viewer)$/;

export async function readAccess(statement: Statement): Promise<null> {
  const fields = predicateOf(statement, "access");
  fields.count("number");
  const act = fields.choice("act", ["grant", "revoke", "writes"]);
  fields.matching("by", NAME, NAMED);
  fields.choice("came_by", ["command", "token", "session", "sign-in"]);
  fields.time("done_at");
  const account = fields.optional("account", (name) => fields.matching(name, NAME, NAMED));
  const token = fields.optional("token", (name) => fields.matching(name, TOKEN, "a token's identifier"));
  const rights = fields.optional("rights", (name) => readRights(fields.object(name)));
  const writes = fields.optional("writes", (name) => readWrites(fields.object(name)));
  fields.done();
  const isWrites = act === "writes";
  const fits = (account === null) === isWrites && (writes !== null) === isWrites && (rights !== null) === (act === "grant");
  if (!fits || (token !== null && account === null)) throw fail(`access: want what belongs to ${act}, got other parts`);
  if (rights !== null && rights.isOfToken !== (token !== null)) {
    throw fail("access: want an expiry of a token and of nothing else, got otherwise");
  }
  if (rights !== null && rights.hasFeeds && token === null) {
    throw fail("access: want feeds of a token only, got them of an account");
  }
  const what = token === null ? `account ${account}` : `token ${token}`;
  checkSubjects(statement, [SHA256, writes ?? (await sha256Hex(utf8(what)))]);
  return null;
}

function readRights(fields: Fields): { isOfToken: boolean; hasFeeds: boolean } {
  readNames(fields, "roles", 6, ROLES);
  fields.optional("agency", (name) => fields.matching(name, AGENCY_NAME, "an agency's name"));
  const feeds = fields.optional("feeds", (name) => readNames(fields, name, 256, FEED_NAME));
  const expires = fields.optional("expires", (name) => fields.time(name));
  fields.done();
  return { isOfToken: expires !== null, hasFeeds: feeds !== null };
}

/** Names in order, each once, at least one. */
function readNames(fields: Fields, name: string, most: number, pattern: RegExp): readonly string[] {
  const items = fields.items(name, most);
  const names = items.filter(isText).filter((item) => pattern.test(item));
  const isOrdered = names.every((item, i) => i === 0 || (names[i - 1] as string) < item);
  if (names.length === 0 || names.length !== items.length || !isOrdered) {
    throw fields.fail(name, "names in order, each once", items);
  }
  return names;
}

function readWrites(fields: Fields): string {
  const digest = fields.sha256("sha256");
  const numbers = fields.object("numbers");
  const [first, last] = [numbers.count("first"), numbers.count("last")];
  numbers.done();
  fields.done();
  if (first > last) throw fail(`access.writes.numbers: want the first not after the last, got ${first} to ${last}`);
  return digest;
}
