// Trust policies (C2SP tlog-policy): which log to believe, and which witnesses must agree. All that is trusted.

import { equal, forDisplay, fromUtf8, isWellFormed, parseDecimal, utf8 } from "./bytes.js";
import { parseCheckpoint, type Checkpoint } from "./checkpoints.js";
import { Malformed, Rejected, show, VerifyError } from "./errors.js";
import { COSIGNATURE, ED25519, ML_DSA_44, parseVkey, type NoteKey } from "./keys.js";
import { keyOf, openNote, parseNote, type OpenedNote } from "./notes.js";

const MAX_POLICY_BYTES = 262_144;
const MAX_DEFINITIONS = 1024; // of each of logs, witnesses and groups

export interface Group {
  readonly threshold: number;
  readonly members: readonly string[];
}

/** Names are opaque bytes in the format; here a character stands for a byte, and `shown` is for people. */
export interface Policy {
  readonly logs: readonly NoteKey[];
  readonly witnesses: ReadonlyMap<string, NoteKey>;
  readonly groups: ReadonlyMap<string, Group>;
  readonly quorum: string | null;
}

/** A checkpoint that met the policy, and who said so (names of the policy, as shown to people). */
export interface Accepted {
  readonly checkpoint: Checkpoint;
  readonly witnesses: readonly string[];
  /** By when they were the quorum, by their own words, in seconds since 1970; null if the policy asks for none. */
  readonly time: bigint | null;
  /** Witnesses whose cosignature is there and of a kind that cannot be checked here; they did not count. */
  readonly unchecked: readonly string[];
}

export function shown(name: string): string {
  return forDisplay(Uint8Array.from(name, (character) => character.charCodeAt(0)));
}

/** Parse a policy file. */
export async function parsePolicy(policy: Uint8Array | string): Promise<Policy> {
  const fail = (message: string) => new Malformed("malformed-policy", message);
  if (typeof policy === "string" && !isWellFormed(policy)) throw fail("policy: want Unicode, got half a character");
  const data = typeof policy === "string" ? utf8(policy) : policy;
  if (data.length > MAX_POLICY_BYTES) throw fail(`policy: want at most ${MAX_POLICY_BYTES} bytes, got ${data.length}`);
  if (data.some((byte) => (byte < 0x20 && byte !== 0x09 && byte !== 0x0a) || byte === 0x7f)) {
    throw fail("policy: want no control character but tab and newline, got one");
  }
  const lines = Array.from(data, (byte) => String.fromCharCode(byte)).join("").split("\n");
  if (lines.pop() !== "") throw fail("policy: want lines that end in a newline, got an unfinished last line");
  const reading = new Reading();
  for (const [i, line] of lines.entries()) {
    const words = line.split(/[ \t]+/).filter((word) => word !== "");
    if (words.length === 0 || words[0]?.startsWith("#")) continue;
    try {
      await reading.read(words);
    } catch (error) {
      throw error instanceof Malformed ? error.within(`policy line ${i + 1}`, "malformed-policy") : error;
    }
  }
  return reading.finish();
}

class Reading {
  readonly #logs: NoteKey[] = [];
  readonly #witnesses = new Map<string, NoteKey>();
  readonly #groups = new Map<string, Group>();
  readonly #memberOf = new Map<string, string>();
  #quorum: string | undefined;

  async read(words: readonly string[]): Promise<void> {
    const [keyword, ...values] = words;
    if (Math.max(this.#logs.length, this.#witnesses.size, this.#groups.size) >= MAX_DEFINITIONS) {
      throw fail(`definitions: want at most ${MAX_DEFINITIONS} of a kind, got more`);
    }
    const [first = "", second = "", ...rest] = values;
    const n = values.length; // a key may be followed by an address, which is not looked at
    if (keyword === "log" && (n === 1 || n === 2)) await this.#readLog(first);
    else if (keyword === "witness" && (n === 2 || n === 3)) await this.#readWitness(first, second);
    else if (keyword === "group" && n >= 3) this.#readGroup(first, second, rest);
    else if (keyword === "quorum" && n === 1) this.#readQuorum(first);
    else throw fail(`want log, witness, group or quorum with its values, got ${show(words.join(" "), 60)}`);
  }

  async #readLog(vkey: string): Promise<void> {
    const key = await parseVkey(decoded(vkey), [ED25519]);
    if (this.#logs.some((log) => equal(log.publicKey, key.publicKey))) {
      throw fail(`log ${key.name}: want each public key once, got it twice`);
    }
    this.#logs.push(key);
  }

  async #readWitness(name: string, vkey: string): Promise<void> {
    this.#define(name);
    const key = await parseVkey(decoded(vkey), [COSIGNATURE, ML_DSA_44]);
    if ([...this.#witnesses.values()].some((other) => equal(other.publicKey, key.publicKey))) {
      throw fail(`witness ${shown(name)}: want each public key once, got it twice`);
    }
    this.#witnesses.set(name, key);
  }

  #readGroup(name: string, rule: string, members: readonly string[]): void {
    this.#define(name);
    for (const member of members) {
      if (!this.#witnesses.has(member) && !this.#groups.has(member)) {
        throw fail(`group ${shown(name)}: want members defined above, got ${show(shown(member))}`);
      }
      if (this.#memberOf.has(member)) {
        throw fail(`group ${shown(name)}: want members of no other, got ${show(shown(member))}`);
      }
      this.#memberOf.set(member, name);
    }
    const most = BigInt(members.length);
    const words = new Map([["any", 1n], ["all", most]]);
    const threshold = words.get(rule) ?? parseDecimal("threshold", rule, "malformed-policy");
    if (threshold < 1n || threshold > most) {
      throw fail(`group ${shown(name)}: want a threshold of 1 to ${members.length}, got ${threshold}`);
    }
    this.#groups.set(name, { threshold: Number(threshold), members });
  }

  #readQuorum(name: string): void {
    if (name !== "none" && !this.#witnesses.has(name) && !this.#groups.has(name)) {
      throw fail(`quorum: want a name defined above or none, got ${show(shown(name))}`);
    }
    if (this.#quorum !== undefined) throw fail("quorum: want exactly one line, got a second");
    this.#quorum = name;
  }

  #define(name: string): void {
    if (name === "none" || this.#witnesses.has(name) || this.#groups.has(name)) {
      throw fail(`name: want one that is free, got ${show(shown(name))}`);
    }
  }

  finish(): Policy {
    if (this.#quorum === undefined) throw fail("quorum: want exactly one line, got none");
    return {
      logs: this.#logs,
      witnesses: this.#witnesses,
      groups: this.#groups,
      quorum: this.#quorum === "none" ? null : this.#quorum,
    };
  }
}

function fail(message: string): Malformed {
  return new Malformed("malformed-policy", message);
}

/** A word as text; what is not UTF-8 cannot be a key. */
function decoded(word: string): string {
  const text = fromUtf8(Uint8Array.from(word, (character) => character.charCodeAt(0)));
  if (text === null) throw fail("verifier key: want UTF-8, got other bytes");
  return text;
}

/** Accept a checkpoint note signed by a log the policy knows and cosigned by its quorum, or raise Rejected. */
export async function checkPolicy(policy: Policy, note: Uint8Array): Promise<Accepted> {
  const checkpoint = parseCheckpoint(parseNote(note).text);
  const { origin } = checkpoint;
  const reject = (message: string) => new Rejected("policy-rejected", message);
  const logs = policy.logs.filter((log) => log.name === origin);
  if (logs.length === 0) {
    const known = policy.logs.map((log) => log.name).sort().join(", ") || "no log";
    throw reject(`origin: want ${known}, got ${show(origin, 80)}`);
  }
  let opened: OpenedNote;
  try {
    opened = await openNote(note, [...logs, ...policy.witnesses.values()]);
  } catch (error) {
    const isRejected = error instanceof VerifyError && error.code === "signature-rejected";
    throw isRejected ? reject(`checkpoint of ${origin}: ${error.message}`) : error;
  }
  if (!logs.some((log) => opened.verified.has(keyOf(log)))) {
    throw reject(`checkpoint: want a signature of ${origin}, got none`);
  }
  const names = (among: ReadonlySet<string>) =>
    [...policy.witnesses].filter(([, key]) => among.has(keyOf(key))).map(([name]) => name);
  // A time of 0 makes no claim that the tree is the largest its witness has seen.
  const claimed = [...opened.times].filter(([, times]) => times.some((time) => time > 0n)).map(([key]) => key);
  const cosigned = names(new Set(claimed));
  const unchecked = names(opened.unchecked);
  if (policy.quorum !== null && !metBy(policy, cosigned).has(policy.quorum)) {
    const got = cosigned.map(shown).join(", ") || "none";
    const told = unchecked.length === 0 ? "" : ` (ML-DSA-44, not checked here: ${unchecked.map(shown).join(", ")})`;
    throw reject(`quorum ${shown(policy.quorum)}: want its cosignatures, got ${got}${told}`);
  }
  const time = quorumTime(policy, opened.times);
  return { checkpoint, witnesses: cosigned.map(shown), time, unchecked: unchecked.map(shown) };
}

/** The last time that the first witnesses to be a quorum say: fewer cannot make it earlier. */
function quorumTime(policy: Policy, times: OpenedNote["times"]): bigint | null {
  if (policy.quorum === null) return null;
  const said = [...policy.witnesses].flatMap(([name, key]) =>
    (times.get(keyOf(key)) ?? []).map((time) => ({ name, time })),
  );
  said.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  const cosigned: string[] = [];
  for (const { name, time } of said) {
    cosigned.push(name);
    if (metBy(policy, cosigned).has(policy.quorum)) return time;
  }
  return null;
}

/** The witnesses and groups that have cosigned. A group's members precede it. */
function metBy(policy: Policy, cosigned: readonly string[]): ReadonlySet<string> {
  const met = new Set(cosigned);
  for (const [name, group] of policy.groups) {
    if (group.members.filter((member) => met.has(member)).length >= group.threshold) met.add(name);
  }
  return met;
}
