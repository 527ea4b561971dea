// Who may sign what: the state of keys, folded from `enrol` statements in the log's order. What counts is the
// position in the log: what a key signed before it ended stays valid.

import { verifyEnvelope, type Envelope, type PublicKey } from "./envelope.js";
import { Rejected } from "./errors.js";
import { readEnrol, type Action, type Enrol, type Role } from "./statements/enrol.js";
import { parseStatement } from "./statements/statement.js";

/** One key, whose it is, and between which entries of the log it counts (both included). */
export interface Authority {
  readonly agency: string;
  readonly role: Role;
  readonly key: PublicKey;
  readonly enrolledAt: bigint;
  readonly endedAt?: bigint;
  readonly endedBy?: Action;
}

export class Agencies {
  readonly #keys = new Map<string, Authority>();
  #last = -1n;

  /** Take in the `enrol` statement at a log index. */
  async add(index: bigint, envelope: Envelope): Promise<void> {
    const enrol = await readEnrol(parseStatement(envelope.payload));
    if (index <= this.#last || (this.#last < 0n && index !== 0n)) {
      const want = this.#last < 0n ? "the operator's enrolment at 0 first" : `above ${this.#last}`;
      throw reject(`log index: want ${want}, got ${index}`);
    }
    if (index === 0n) await this.#addOperator(enrol, envelope);
    else this.#change(index, enrol, await this.signer(envelope, index));
    this.#last = index;
  }

  /** Whose key it is, if it counts for a statement at log index `at`. */
  #authority(keyid: string, at: bigint): Authority {
    const short = keyid.slice(0, 16);
    const found = this.#keys.get(keyid);
    if (found === undefined || found.enrolledAt > at) {
      throw new Rejected("unknown-key", `key ${short}: want one enrolled before entry ${at}, got none such`);
    }
    if (found.endedAt !== undefined && at > found.endedAt) {
      const verb = found.endedBy === "rotate" ? "replaced" : "revoked";
      throw new Rejected(
        "revoked-key",
        `key ${short} of ${found.agency}: want one that counts at entry ${at}, got one ${verb} at ${found.endedAt}`,
      );
    }
    return found;
  }

  /** Verify an envelope for log index `at` and return whose signature counts: the first by an enrolled key. */
  async signer(envelope: Envelope, at: bigint): Promise<Authority> {
    const hints = envelope.signatures.map((line) => line.keyid);
    const keyid = hints.find((hint) => this.#keys.has(hint)) ?? hints[0] ?? "";
    const authority = this.#authority(keyid, at);
    await verifyEnvelope(envelope, authority.key);
    return authority;
  }

  get operator(): string {
    for (const authority of this.#keys.values()) return authority.agency;
    throw new Rejected("unknown-key", "operator: want the enrolment at entry 0, got none yet");
  }

  /** Every agency with a key ever enrolled, oldest first, each once. */
  get names(): readonly string[] {
    return [...new Set([...this.#keys.values()].map((authority) => authority.agency))];
  }

  async #addOperator(enrol: Enrol, envelope: Envelope): Promise<void> {
    if (enrol.action !== "enrol" || enrol.role !== "operator") {
      throw reject(`entry 0: want enrol operator, got ${enrol.action} ${enrol.role}`);
    }
    await verifyEnvelope(envelope, enrol.key);
    this.#keys.set(enrol.key.keyid, { agency: enrol.agency, role: enrol.role, key: enrol.key, enrolledAt: 0n });
  }

  #change(index: bigint, enrol: Enrol, signer: Authority): void {
    const { action, agency, role, key } = enrol;
    if (action === "revoke") return this.#revoke(index, enrol, signer);
    if (this.#keys.has(key.keyid)) throw reject(`key ${key.keyid.slice(0, 16)}: want one never enrolled, got a known one`);
    if (action === "rotate") {
      const old = this.#current(enrol, enrol.replaces ?? "", index);
      if (signer.role !== "operator" && signer.key.keyid !== old.key.keyid) {
        throw reject(`rotate: want the operator's or the old key's signature, got ${signer.agency}'s`);
      }
      this.#keys.set(old.key.keyid, { ...old, endedAt: index, endedBy: "rotate" });
    } else {
      if (signer.role !== "operator") throw reject(`enrol: want the operator's signature, got ${signer.agency}'s`);
      if ((role === "operator") !== (agency === this.operator)) {
        throw reject(`enrol: want role operator for ${this.operator} only, got ${role} ${agency}`);
      }
    }
    this.#keys.set(key.keyid, { agency, role, key, enrolledAt: index });
  }

  #revoke(index: bigint, enrol: Enrol, signer: Authority): void {
    const old = this.#current(enrol, enrol.key.keyid, index);
    if (signer.role !== "operator" && signer.agency !== old.agency) {
      throw reject(`revoke: want the signature of the operator or ${old.agency}, got ${signer.agency}'s`);
    }
    const active = [...this.#keys.values()].filter((a) => a.agency === old.agency && a.endedAt === undefined);
    if (old.role === "operator" && active.length === 1) {
      throw reject("revoke: want an operator's key to remain, got the last (rotate it instead)");
    }
    this.#keys.set(old.key.keyid, { ...old, endedAt: index, endedBy: "revoke" });
  }

  /** The key that ends: enrolled, not ended, and of the agency and role that are named. */
  #current(enrol: Enrol, keyid: string, index: bigint): Authority {
    const old = this.#authority(keyid, index);
    if (old.agency !== enrol.agency || old.role !== enrol.role) {
      throw reject(`${enrol.action}: want a key of ${enrol.role} ${enrol.agency}, got ${old.role} ${old.agency}'s`);
    }
    return old;
  }
}

function reject(message: string): Rejected {
  return new Rejected("enrolment-rejected", message);
}
