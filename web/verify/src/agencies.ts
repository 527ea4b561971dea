// Who may sign what: the state of keys, folded from `enrol` statements in the log's order. A key's authority lies
// between the entry that enrols it and the one that ends it; within that, times narrow it: nothing counts that was
// received after it expired, or at or after the `as_of` of a revocation.

import { verifyEnvelope, type Envelope, type PublicKey } from "./envelope.js";
import { Rejected } from "./errors.js";
import { DEVICE_NAME, readEnrol, type Action, type Duty, type Enrol, type Role } from "./statements/enrol.js";
import { readApprove, type Approvable, type Approve } from "./statements/models.js";
import { parseStatement } from "./statements/statement.js";
import { formatTime, parseTime } from "./time.js";

/** One key, whose it is, and what of it counts. */
export interface Authority {
  readonly name: string; // the operator, an agency, or a device as `<agency>/<device>`
  readonly agency: string; // the one it counts for: of a device, the one it belongs to
  readonly role: Role;
  readonly key: PublicKey;
  readonly enrolledAt: bigint;
  readonly expires: bigint | null;
  readonly endedAt: bigint | null;
  readonly endedBy: Action | null;
  readonly voidFrom: bigint | null;
  readonly voidedAt: bigint | null; // the entry that says so
  readonly person: string | null; // of an officer: the name shown
  readonly duties: readonly Duty[]; // and what may be approved
}

const AHEAD = 300_000_000n; // an officer's clock may be ahead of the city's by five minutes

interface Change {
  readonly action: Action;
  readonly keyid: string;
  readonly signer: string;
  readonly since: bigint | null;
}

/** Return if the key counts for what was received at a time, else raise Rejected. */
export function checkTime({ key, name, expires, voidFrom, voidedAt }: Authority, received: bigint): void {
  const who = `key ${key.keyid.slice(0, 16)} of ${name}`;
  if (expires !== null && received >= expires) {
    const want = `what was received before it expired at ${formatTime(expires)}`;
    throw new Rejected("expired-key", `${who}: want ${want}, got ${formatTime(received)}`);
  }
  if (voidFrom !== null && received >= voidFrom) {
    const want = `what was received before ${formatTime(voidFrom)}, as of which entry ${voidedAt} revoked it`;
    throw new Rejected("revoked-key", `${who}: want ${want}, got ${formatTime(received)}`);
  }
}

export class Agencies {
  readonly #keys = new Map<string, Authority>();
  readonly #changes: Change[] = [];
  #last = -1n;

  /** Take in the `enrol` statement at a log index. */
  async add(index: bigint, envelope: Envelope): Promise<Enrol> {
    const enrol = await readEnrol(parseStatement(envelope.payload));
    if (index <= this.#last || (this.#last < 0n && index !== 0n)) {
      const want = this.#last < 0n ? "the operator's enrolment at 0 first" : `above ${this.#last}`;
      throw reject(`log index: want ${want}, got ${index}`);
    }
    let signer: Authority;
    if (index === 0n) {
      signer = await this.#addOperator(enrol, envelope);
    } else {
      signer = await this.signer(envelope, index);
      checkInTime(enrol, signer);
      this.#change(index, enrol, signer);
    }
    const { action, key, since } = enrol;
    this.#changes.push({ action, keyid: key.keyid, signer: signer.key.keyid, since });
    this.#last = index;
    return enrol;
  }

  /** Whose key it is, if it counts for a statement at log index `at`, and for what was received at a time. */
  authority(keyid: string, at: bigint, received: bigint | null = null): Authority {
    const short = keyid.slice(0, 16);
    const found = this.#keys.get(keyid);
    if (found === undefined || found.enrolledAt > at) {
      throw new Rejected("unknown-key", `key ${short}: want one enrolled before entry ${at}, got none such`);
    }
    if (found.endedAt !== null && at > found.endedAt) {
      const got = `one ${found.endedBy === "rotate" ? "replaced" : "revoked"} at ${found.endedAt}`;
      const message = `key ${short} of ${found.name}: want one that counts at entry ${at}, got ${got}`;
      throw new Rejected("revoked-key", message);
    }
    if (received !== null) checkTime(found, received);
    return found;
  }

  /** Verify an envelope and return whose signature counts: the first by an enrolled key. */
  async signer(envelope: Envelope, at: bigint, received: bigint | null = null): Promise<Authority> {
    const hints = envelope.signatures.map((line) => line.keyid);
    const keyid = hints.find((hint) => this.#keys.has(hint)) ?? hints[0] ?? "";
    const authority = this.authority(keyid, at, received);
    await verifyEnvelope(envelope, authority.key);
    return authority;
  }

  /** Check the approval in the statement at a log index, said at a time, and return who gave it and what it says. */
  async officer(
    { approval, duty }: Approvable,
    at: bigint,
    received: bigint,
  ): Promise<{ officer: Authority; approve: Approve } | null> {
    if (approval === null) return null;
    const officer = await this.signer(approval, at, received);
    if (officer.role !== "officer") {
      const got = `${officer.role} ${officer.name}'s`;
      throw new Rejected("not-an-officer", `approval: want an officer's signature, got ${got}`);
    }
    const approve = readApprove(parseStatement(approval.payload));
    if (approve.by !== officer.person) {
      const want = `${officer.person}, as ${officer.name} is enrolled`;
      throw new Rejected("approver-differs", `approval by: want ${want}, got ${approve.by}`);
    }
    if (!officer.duties.includes(duty)) {
      const got = `${officer.name} with ${officer.duties.join(", ")}`;
      throw new Rejected("duty-missing", `approval: want an officer with duty ${duty}, got ${got}`);
    }
    if ((parseTime(approve.approvedAt) ?? 0n) > received + AHEAD) {
      const want = `a time not after ${formatTime(received)}`;
      throw new Rejected("approved-later", `approved_at: want ${want}, got ${approve.approvedAt}`);
    }
    return { officer, approve };
  }

  get operator(): string {
    for (const authority of this.#keys.values()) return authority.name;
    throw new Rejected("unknown-key", "operator: want the enrolment at entry 0, got none yet");
  }

  /** Everybody with a key ever enrolled, oldest first, each once. */
  get names(): readonly string[] {
    return [...new Set([...this.#keys.values()].map((authority) => authority.name))];
  }

  async #addOperator(enrol: Enrol, envelope: Envelope): Promise<Authority> {
    if (enrol.action !== "enrol" || enrol.role !== "operator") {
      throw reject(`entry 0: want enrol operator, got ${enrol.action} ${enrol.role}`);
    }
    await verifyEnvelope(envelope, enrol.key);
    return this.#take(enrol, 0n);
  }

  #take({ agency: name, role, key, until, person, duties }: Enrol, index: bigint): Authority {
    const agency = role === "device" ? agencyOf(name) : name;
    const ends = { endedAt: null, endedBy: null, voidFrom: null, voidedAt: null };
    const authority = { name, agency, role, key, enrolledAt: index, expires: until, person, duties, ...ends };
    this.#keys.set(key.keyid, authority);
    return authority;
  }

  #of(name: string): readonly Authority[] {
    return [...this.#keys.values()].filter((authority) => authority.name === name);
  }

  #change(index: bigint, enrol: Enrol, signer: Authority): void {
    if (enrol.action === "revoke") return this.#revoke(index, enrol, signer);
    const { keyid } = enrol.key;
    if (this.#keys.has(keyid)) throw reject(`key ${keyid.slice(0, 16)}: want one never enrolled, got a known one`);
    if (enrol.action === "rotate") {
      const old = this.#current(enrol, enrol.replaces ?? "", index);
      if (!mayRotate(signer, old)) {
        const want = `the signature of ${whoMay(old)} or, but for a device, the old key's`;
        throw reject(`rotate: want ${want}, got ${signer.name}'s`);
      }
      this.#keys.set(old.key.keyid, { ...old, endedAt: index, endedBy: "rotate" });
    } else {
      this.#checkComes(enrol, signer);
    }
    this.#take(enrol, index);
  }

  /** Check that a key may come under this name, by this signature. */
  #checkComes({ agency: name, role, person }: Enrol, signer: Authority): void {
    const byAgency = role === "device" && signer.role === "agency" && agencyOf(name) === signer.name;
    if (signer.role !== "operator" && !byAgency) {
      throw reject(`enrol: want the operator's signature, got ${signer.name}'s`);
    }
    if ((role === "operator") !== (name === this.operator)) {
      throw reject(`enrol: want role operator for ${this.operator} only, got ${role} ${name}`);
    }
    const other = this.#of(name).find((authority) => authority.role !== role);
    if (other !== undefined) throw reject(`enrol: want role ${other.role} for ${name}, got ${role}`);
    const another = this.#of(name).find((authority) => authority.person !== person);
    if (another !== undefined) throw reject(`enrol: want person ${another.person} for ${name}, got ${person}`);
    if (role !== "device") return;
    if (!DEVICE_NAME.test(name) || !this.#of(agencyOf(name)).some((authority) => authority.role === "agency")) {
      throw reject(`enrol: want a device as <agency>/<device> of an agency enrolled, got ${name}`);
    }
  }

  #revoke(index: bigint, enrol: Enrol, signer: Authority): void {
    const since = enrol.role === "operator" ? null : enrol.since;
    let old = this.#keys.get(enrol.key.keyid);
    // One that ended may be revoked again, to name an earlier time.
    if (old === undefined || old.endedAt === null || since === null) {
      old = this.#current(enrol, enrol.key.keyid, index);
    }
    checkNamed(enrol, old);
    if (signer.role !== "operator" && !isOfAgency(signer, old)) {
      throw reject(`revoke: want the signature of ${whoMay(old)}, got ${signer.name}'s`);
    }
    if (old.voidFrom !== null && since !== null && since >= old.voidFrom) {
      const want = `a time before ${formatTime(old.voidFrom)}, as of which the key is revoked`;
      throw reject(`revoke: want ${want}, got ${formatTime(since)}`);
    }
    const active = this.#of(old.name).filter((authority) => authority.endedAt === null);
    if (old.role === "operator" && active.length === 1) {
      throw reject("revoke: want an operator's key to remain, got the last (rotate it instead)");
    }
    this.#end(old, index, since);
  }

  /** End a key at an entry, and what it signed from a time on; with it the keys it brought since. */
  #end(old: Authority, index: bigint, since: bigint | null): void {
    const todo = [old];
    for (let key = todo.pop(); key !== undefined; key = todo.pop()) {
      const ended = key.endedAt === null ? { endedAt: index, endedBy: "revoke" as const } : {};
      const voided = since === null ? {} : { voidFrom: since, voidedAt: index };
      this.#keys.set(key.key.keyid, { ...key, ...ended, ...voided });
      if (since !== null) todo.push(...this.#brought(key, since));
    }
  }

  /** The keys that came by a key's signature from a time on and count from then on still. */
  #brought({ key }: Authority, since: bigint): readonly Authority[] {
    const came = this.#changes.filter(
      (c) => c.action !== "revoke" && c.signer === key.keyid && (c.since === null || c.since >= since),
    );
    return [...new Set(came.map((c) => c.keyid))]
      .map((keyid) => this.#keys.get(keyid))
      .filter((found) => found !== undefined)
      .filter(({ voidFrom }) => voidFrom === null || voidFrom > since);
  }

  /** The key that ends: enrolled, not ended, and of the name and role that are given. */
  #current(enrol: Enrol, keyid: string, index: bigint): Authority {
    const old = this.authority(keyid, index);
    checkNamed(enrol, old);
    return old;
  }
}

function checkNamed({ action, agency, role, person, duties }: Enrol, old: Authority): void {
  if (old.name !== agency || old.role !== role) {
    throw reject(`${action}: want a key of ${role} ${agency}, got ${old.role} ${old.name}'s`);
  }
  if (old.person !== person || old.duties.join() !== duties.join()) {
    throw reject(`${action}: want ${old.person} with ${old.duties.join(", ")}, as enrolled, got another`);
  }
}

/** Raise if the key that signed a change had expired; the operator's may still be replaced by itself. */
function checkInTime(enrol: Enrol, signer: Authority): void {
  if (signer.expires === null || (signer.role === "operator" && enrol.replaces === signer.key.keyid)) return;
  if (enrol.since === null) throw reject(`${enrol.action}: want as_of, as the signer's key expires, got none`);
  if (enrol.since >= signer.expires) checkTime(signer, enrol.since);
}

/** Whether a key is one of the agency that another belongs to, and no device's. */
function isOfAgency(signer: Authority, old: Authority): boolean {
  return signer.role === "agency" && signer.agency === old.agency;
}

function mayRotate(signer: Authority, old: Authority): boolean {
  if (signer.role === "operator") return true;
  return old.role === "device" ? isOfAgency(signer, old) : signer.key.keyid === old.key.keyid;
}

function whoMay(old: Authority): string {
  return old.role === "operator" || old.role === "officer" ? "the operator" : `the operator or ${old.agency}`;
}

function agencyOf(device: string): string {
  return device.split("/")[0] ?? "";
}

function reject(message: string): Rejected {
  return new Rejected("enrolment-rejected", message);
}
