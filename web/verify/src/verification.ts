// Verifying a receipt: from a trust policy to one record, link by link, with no server. Each link is a step with a
// name. The first that fails raises ReceiptRejected with that name.

import { Agencies, checkTime, type Authority } from "./agencies.js";
import { equal, forDisplay, type Bytes } from "./bytes.js";
import { Malformed, ReceiptRejected, Rejected } from "./errors.js";
import { checkDue, checkRelease, readDecision, valuesOf } from "./decisions.js";
import { checkPages, locate, pagedDecide, pagedIngest, type Located } from "./evidence.js";
import { checkContract, checkDelivery, checkOperator, checkParts } from "./links.js";
import { leafHash, verifyInclusion } from "./merkle.js";
import { checkSender } from "./messages.js";
import { needEd25519 } from "./platform.js";
import { checkPolicy, parsePolicy, type Accepted, type Policy } from "./policy.js";
import { parseReceipt, type ProvenEntry, type Receipt, type Value } from "./receipt.js";
import type { SealedContract } from "./statements/contract.js";
import { readEnrol, type Enrol } from "./statements/enrol.js";
import { columnsOf, type Ingest } from "./statements/ingest.js";
import type { Approvable, Decide, Stage } from "./statements/models.js";
import { saidAt, type Statement, type Subject } from "./statements/statement.js";
import { typed } from "./statements/typed.js";
import { plain } from "./strict_json.js";
import { formatTime, fromSeconds, wholeSeconds } from "./time.js";

/** A check that passed: its name, and what it found in one line. */
export interface Step {
  readonly name: string;
  readonly detail: string;
}

/** The record that the receipt shows, proven to be the batch's. */
export interface RecordEvidence {
  readonly feed: string;
  readonly batch: number;
  readonly record: number;
  readonly data: Bytes; // its newline included
  readonly text: string; // the same, to be shown: never as HTML
  readonly receivedAt: string;
  readonly columns: readonly string[] | null; // null where records name their own
  readonly isExact: boolean;
  readonly firstLine: number | null;
  readonly contract: Bytes; // YAML
}

/** A proven decision: what a system said, under which release, and who let it. */
export interface DecisionEvidence {
  readonly system: string;
  readonly run: number;
  readonly record: number;
  readonly modelSha256: string | null;
  readonly stage: Stage;
  readonly madeAt: string;
  readonly due: string;
  /** Made before `due`; else it says what already was and was not measured. MUST be shown. */
  readonly isForecast: boolean;
  readonly release: number | null; // its log entry
  readonly officer: string | null; // who released it, as enrolled
  readonly person: string | null; // and as people read it
  readonly why: string | null;
  readonly data: Bytes; // its newline included
}

export interface Verification {
  /** The checks, in order; all passed. */
  readonly steps: readonly Step[];
  /** What a reader might believe was checked and was not, one line each. MUST be shown. */
  readonly notChecked: readonly string[];
  readonly kind: string;
  readonly subjects: readonly Subject[];
  readonly predicate: Readonly<Record<string, unknown>>;
  /** The data were made by a simulation. MUST be shown wherever the row is. */
  readonly simulated: boolean;
  readonly operator: string;
  /** Who signed the delivery of the file, or the message that the record came in; null: nobody. */
  readonly agency: string | null;
  /** The device whose key signed it, as `<agency>/<device>`; null for no device. */
  readonly device: string | null;
  readonly origin: string;
  readonly size: bigint;
  readonly index: bigint;
  readonly witnesses: readonly string[];
  /** A time (RFC 3339) before which the statement was in the log, by the word of the policy's quorum; null where it says none. */
  readonly inLogBefore: string | null;
  /** The keys it rests on that were revoked after it, one line each. */
  readonly revoked: readonly string[];
  readonly evidence: RecordEvidence | null;
  /** The decision that the receipt shows; `row` holds what it says. */
  readonly decision: DecisionEvidence | null;
  /** The clean values claimed for the record. Not checked here: cleaning again takes the Python package. */
  readonly row: ReadonlyMap<string, Value> | null;
}

/**
 * Verify a receipt against a trust policy, the only thing believed.
 *
 * Raises Malformed if either is not what it should be, ReceiptRejected with the first step that fails, and
 * Unsupported where the platform lacks Ed25519, which says nothing of the receipt. `onStep` is told of each check as it
 * passes: of a receipt that is rejected, those before the one that failed.
 */
export async function verifyReceipt(
  receipt: Uint8Array,
  policy: Uint8Array | string,
  onStep: (step: Step) => void = () => undefined,
): Promise<Verification> {
  // A copy: the caller may write to its own while we wait for WebCrypto.
  const parsed = parseReceipt(Uint8Array.from(receipt));
  await needEd25519();
  return new Verifier(parsed, await parsePolicy(policy), onStep).run();
}

class Verifier {
  readonly #steps: Step[] = [];
  readonly #notChecked: string[] = [];
  readonly #revoked: string[] = [];
  readonly #agencies = new Agencies();
  #inLogBefore: bigint | null = null;
  readonly #index: bigint;

  constructor(
    readonly receipt: Receipt,
    readonly policy: Policy,
    readonly onStep: (step: Step) => void,
  ) {
    this.#index = receipt.stated.proof.index;
  }

  async run(): Promise<Verification> {
    const { stated } = this.receipt;
    const { statement } = stated;
    const accepted = await step("checkpoint", () => this.#checkCheckpoint());
    this.#tellTimeStamps();
    await step("keys", () => this.#checkKeys(accepted));
    await step("entry", () => checkIncluded(stated, accepted));
    const { origin, size } = accepted.checkpoint;
    this.#passed("entry", `entry ${this.#index} of ${size}`);
    const signer = await step("signature", () => this.#checkSignature());
    const form = await step("statement", () => typed(statement));
    if (form?.kind === "delivery" || form?.kind === "approve") {
      throw new ReceiptRejected("statement", `kind: want one that goes in the log, got ${form.kind}`);
    }
    this.#passed("statement", statement.kind);
    await step("revocations", () => this.#checkRevocations(accepted));
    let sender: Authority | null = null;
    let evidence: RecordEvidence | null = null;
    let decided: Decided | null = null;
    this.#checkShown(statement.kind);
    if (form?.kind === "ingest") {
      ({ sender, evidence } = await this.#checkIngest(form, accepted));
    } else if (form?.kind === "decide") {
      decided = await this.#checkDecide(form, accepted);
    } else if (form?.kind === "release" || form?.kind === "override" || form?.kind === "incident") {
      await this.#checkApproval(form, saidAt(statement) ?? 0n);
    }
    this.#tellContradiction(statement);
    if (evidence !== null) this.#tellRow(evidence);
    return {
      steps: this.#steps,
      notChecked: this.#notChecked,
      kind: statement.kind,
      subjects: statement.subjects,
      predicate: plain(statement.predicate) as Record<string, unknown>,
      simulated: statement.predicate.get("simulated") === true,
      operator: signer.agency,
      agency: sender === null ? null : sender.agency,
      device: sender !== null && sender.role === "device" ? sender.name : null,
      origin,
      size,
      index: this.#index,
      witnesses: accepted.witnesses,
      inLogBefore: this.#inLogBefore === null ? null : formatTime(this.#inLogBefore),
      revoked: this.#revoked,
      evidence,
      decision: decided === null ? null : decided.decision,
      row: decided === null ? this.receipt.row : decided.row,
    };
  }

  #passed(name: string, detail: string): void {
    const step = { name, detail };
    this.#steps.push(step);
    this.onStep(step);
  }

  #tell(line: string): void {
    this.#notChecked.push(line);
  }

  #entries(): readonly ProvenEntry[] {
    const { stated, contract, keys, revocations, release } = this.receipt;
    const others = [...(contract === null ? [] : [contract.stated]), ...(release === null ? [] : [release])];
    return [stated, ...others, ...keys, ...revocations];
  }

  /** Check that the receipt shows nothing that a statement of its kind does not have. */
  #checkShown(kind: string): void {
    const { contract, parts, row, record, release, message } = this.receipt;
    const reject = (message: string) => new ReceiptRejected("statement", `${message}, got ${kind}`);
    if (kind !== "ingest" && (contract !== null || parts !== null || row !== null)) {
      throw reject("contract, parts and row: want them of an ingest");
    }
    if (kind !== "ingest" && kind !== "decide" && record !== null) {
      throw reject("record: want one of an ingest or a decide");
    }
    if (kind !== "decide" && release !== null) throw reject("release: want one of a decide");
    if (kind !== "ingest" && message !== null) throw reject("message: want one of an ingest");
  }

  async #checkCheckpoint(): Promise<Accepted> {
    const note = this.receipt.stated.proof.checkpointNote;
    const accepted = await checkPolicy(this.policy, note);
    // One tree for all: proofs under two checkpoints could come from two sides of a fork.
    for (const { proof } of this.#entries()) {
      if (!equal(proof.checkpointNote, note)) {
        const message = `proof of entry ${proof.index}: want the checkpoint of the rest, got another`;
        throw new ReceiptRejected("checkpoint", message);
      }
    }
    const { origin, size } = accepted.checkpoint;
    const witnesses = accepted.witnesses.join(", ") || "no witness";
    this.#passed("checkpoint", `${origin} size ${size}, cosigned by ${witnesses}`);
    this.#inLogBefore = accepted.time === null ? null : fromSeconds(accepted.time);
    if (this.policy.quorum === null) {
      this.#tell("witnesses: the policy asks for none, so another view of the log may be shown to others");
    }
    for (const name of accepted.unchecked) {
      this.#tell(`witness ${name}: its ML-DSA-44 cosignature, which WebCrypto cannot check; it did not count`);
    }
    return accepted;
  }

  #tellTimeStamps(): void {
    const n = this.receipt.timeStamps.length;
    if (n > 0) this.#tell(`time stamps: ${n} not looked at, as no roots of their authorities were given`);
  }

  async #checkKeys(accepted: Accepted): Promise<void> {
    const { keys, stated } = this.receipt;
    for (const key of keys) {
      await checkIncluded(key, accepted);
      const { index } = key.proof;
      if (index >= this.#index) throw new ReceiptRejected("keys", `log index: want below ${this.#index}, got ${index}`);
      await this.#agencies.add(index, key.envelope);
    }
    if (this.#index === 0n) await this.#agencies.add(0n, stated.envelope);
    this.#passed("keys", `enrolled by ${this.#agencies.operator}: ${this.#agencies.names.join(", ")}`);
    if (this.#index > 1n) {
      this.#tell(`revocation: an entry before ${this.#index} that is not shown may have ended a key`);
    }
    this.#tell(`later statements: an entry after ${this.#index} may correct or erase what this one says`);
  }

  async #checkSignature(): Promise<Authority> {
    const { stated } = this.receipt;
    let signer: Authority;
    if (this.#index === 0n) {
      signer = await this.#agencies.signer(stated.envelope, 0n);
    } else if (stated.statement.kind === "enrol") {
      signer = await this.#agencies.signer(stated.envelope, this.#index);
      await this.#agencies.add(this.#index, stated.envelope);
    } else {
      signer = await checkOperator(this.#agencies, stated, "signature");
    }
    this.#passed("signature", `${signer.role} ${signer.name}, key ${signer.key.keyid.slice(0, 16)}`);
    return signer;
  }

  /** Take in what came after the statement; the steps that follow ask the keys as they are now. */
  async #checkRevocations(accepted: Accepted): Promise<void> {
    const { revocations, stated } = this.receipt;
    for (const later of revocations) {
      await checkIncluded(later, accepted);
      const { index } = later.proof;
      if (index <= this.#index) {
        throw new ReceiptRejected("revocations", `log index: want above ${this.#index}, got ${index}`);
      }
      const { action, agency, key, asOf, reason } = await this.#agencies.add(index, later.envelope);
      if (action === "revoke") {
        const since = asOf === null ? "" : ` as of ${asOf}`;
        const why = reason === null ? "" : `: ${reason}`;
        this.#revoked.push(`key ${key.keyid.slice(0, 16)} of ${agency}, revoked at entry ${index}${since}${why}`);
      }
    }
    if (this.#revoked.length > 0) this.#passed("revocations", this.#revoked.join("; "));
    if (stated.statement.kind === "enrol") this.#checkCounts(await readEnrol(stated.statement));
  }

  /** Check that a key that came was not taken back as of then or before: it never counted. */
  #checkCounts({ action, key, since }: Enrol): void {
    if (action === "revoke") return;
    const authority = this.#agencies.authority(key.keyid, this.#index);
    const { voidFrom } = authority;
    if (voidFrom !== null && (since === null || since >= voidFrom)) checkTime(authority, since ?? voidFrom);
  }

  async #checkIngest(
    ingest: Ingest,
    accepted: Accepted,
  ): Promise<{ sender: Authority | null; evidence: RecordEvidence | null }> {
    const sealed = await this.#checkContract(ingest, accepted);
    const deliverer = await this.#checkDelivery(ingest, sealed);
    if (ingest.released !== null) {
      const { by, why, waived } = ingest.released;
      this.#passed("released", `by ${by}: ${why} (waived: ${waived.join(", ") || "no rule"})`);
      this.#tell("quarantine: that the row was set aside as the record that its line names (`veracity audit`)");
    }
    const evidence = await this.#checkRecord(ingest);
    const sender = (await this.#checkMessage(ingest, evidence, sealed)) ?? deliverer;
    this.#tell("file: that the pages are all of the received file; that takes the file and `veracity audit`");
    const before = this.#inLogBefore;
    const known = before === null ? "" : `, but that it was in the log before ${formatTime(before)}`;
    this.#tell(`time: received_at is the operator's word${known}`);
    return { sender, evidence };
  }

  async #checkApproval(form: Approvable, at: bigint): Promise<void> {
    const given = await step("approval", () => this.#agencies.officer(form, this.#index, at));
    if (given === null) return;
    const { officer, approve } = given;
    this.#passed("approval", `by ${officer.person} (${officer.name}): ${approve.why}`);
  }

  async #checkDecide(decide: Decide, accepted: Accepted): Promise<Decided | null> {
    const released = await this.#checkRelease(decide, accepted);
    this.#tell(
      "run: that its decisions are all there, and what it saw; that takes the city's files and `veracity audit`",
    );
    const { record } = this.receipt;
    if (record === null) return null;
    const paged = pagedDecide(decide);
    await step("pages", () => checkPages(paged, record));
    this.#passed("pages", `page ${record.pages.map((page) => page.index).join(", ")} of ${decide.evidence.nPages}`);
    const { page, start, end }: Located = await step("record", () => locate(paged, record));
    const data = page.content.slice(start, end);
    this.#passed("record", `decision ${record.record} of run ${decide.run}, ${data.length} bytes`);
    const row = await step("row", () => readDecision(data));
    this.#passed("row", `${row.size} values, the decision's own`);
    const { text, due, isForecast } = await step("due", () => checkDue(decide, row));
    this.#tellDue(decide, text, due, isForecast);
    const { system, run, modelSha256, stage, madeAt, release } = decide;
    const shown = { system, run, record: record.record, modelSha256, stage, madeAt, release, data };
    return { decision: { ...shown, due: formatTime(due), isForecast, ...released }, row: valuesOf(row) };
  }

  /** Check who released what a run ran under; null values where no release is named or shown. */
  async #checkRelease(decide: Decide, accepted: Accepted): Promise<Who> {
    const { release: stated, record } = this.receipt;
    if (decide.release === null) {
      if (stated !== null) throw new ReceiptRejected("release", "release: want none, as the run names none, got one");
      this.#passed("release", `${decide.system}: none, by rungs that need no model`);
      return NOBODY;
    }
    if (stated === null) {
      if (record !== null) {
        throw new ReceiptRejected("release", "release: want the one that the run was under, got none");
      }
      this.#tell("release: the receipt does not carry it");
      return NOBODY;
    }
    const { release, officer, approve } = await step("release", async () => {
      await checkIncluded(stated, accepted);
      return checkRelease(decide, this.#index, stated, this.#agencies);
    });
    const model = `model ${release.modelSha256.slice(0, 16)} to ${decide.stage}`;
    const by = `released at entry ${stated.proof.index} by ${officer.person} (${officer.name}): ${approve.why}`;
    this.#passed("release", `${decide.system}: ${model}, ${by}`);
    const between = `an entry between ${stated.proof.index} and ${this.#index}`;
    this.#tell(`release: ${between} that is not shown may have ended it`);
    this.#tell("model: its files, its card and the reports on it, of which it has digests");
    return { officer: officer.name, person: officer.person, why: approve.why };
  }

  /** Tell whether a decision came before its outcome, and by whose word. */
  #tellDue(decide: Decide, text: string, due: bigint, isForecast: boolean): void {
    const before = this.#inLogBefore;
    if (!isForecast) return this.#passed("due", `of ${text} itself, made ${decide.madeAt}`);
    if (before !== null && before <= due) {
      return this.#passed("due", `due ${text}, made ${decide.madeAt}, in the log before ${formatTime(before)}`);
    }
    this.#passed("due", `due ${text}, made ${decide.madeAt}`);
    const known = before === null ? "" : `, but that it was in the log before ${formatTime(before)}`;
    this.#tell(`time: that it was made before its outcome is the operator's word${known}`);
  }

  /** Tell of a statement that dates itself after it was in the log; cosignatures count whole seconds. */
  #tellContradiction(statement: Statement): void {
    const before = this.#inLogBefore;
    const said = saidAt(statement);
    if (said === null || before === null || before >= wholeSeconds(said)) return;
    const times = `the statement says ${formatTime(said)}, later than ${formatTime(before)}`;
    this.#tell(`time: ${times}, before which it was in the log: one of the two is wrong`);
  }

  async #checkContract(ingest: Ingest, accepted: Accepted): Promise<SealedContract | null> {
    const { contract, record } = this.receipt;
    if (contract === null) {
      if (record !== null) {
        throw new ReceiptRejected("contract", "contract: want the one the record was held to, got none");
      }
      this.#tell("contract: the receipt does not carry it");
      return null;
    }
    const sealed = await step("contract", async () => {
      await checkIncluded(contract.stated, accepted);
      return checkContract(ingest, this.#index, contract, this.#agencies);
    });
    this.#passed("contract", `${sealed.feed} ${sealed.version}, in force from entry ${contract.stated.proof.index}`);
    this.#tell(`contract: an entry before ${this.#index} that is not shown may have put another in force`);
    return sealed;
  }

  async #checkDelivery(ingest: Ingest, sealed: SealedContract | null): Promise<Authority | null> {
    const { parts } = this.receipt;
    if (ingest.delivery === null) {
      if (parts !== null) {
        throw new ReceiptRejected("parts", "parts: want none where no delivery was signed, got some");
      }
      if (ingest.messages === null) this.#tell(`agency: nobody signed this delivery of ${ingest.feed}`);
      return null;
    }
    const { delivery, signer } = await step("delivery", () =>
      checkDelivery(ingest, this.#index, sealed, this.#agencies),
    );
    const { name, bytes } = delivery.file;
    this.#passed("delivery", `${name}, ${bytes} bytes, signed by ${signer.role} ${signer.name}`);
    if (parts === null) {
      throw new ReceiptRejected("parts", "parts: want the way to the delivered file's root, got none");
    }
    await step("parts", () => checkParts(ingest, parts, delivery));
    this.#passed("parts", `part ${parts.index + 1} of ${parts.n}`);
    return signer;
  }

  /** Check who signed the message of a proven record; null where nobody's signature is shown. */
  async #checkMessage(
    ingest: Ingest,
    evidence: RecordEvidence | null,
    sealed: SealedContract | null,
  ): Promise<Authority | null> {
    const { message } = this.receipt;
    if (ingest.messages === null) {
      if (message !== null) {
        throw new ReceiptRejected("message", "message: want none of a batch of a file, got one");
      }
      return null;
    }
    if (evidence === null) {
      this.#tell("messages: who signed each; a receipt of a record shows it");
      return null;
    }
    if (message === null) {
      if (sealed?.signature === "required") {
        throw new ReceiptRejected("message", `message: want one signed by ${sealed.agency}, got none`);
      }
      this.#tell("message: no device's signature of this record is shown, whatever its topic said");
      return null;
    }
    const sender = await step("message", () =>
      checkSender(message, evidence.data, ingest, this.#index, sealed, this.#agencies),
    );
    const by = `${sender.role} ${sender.name}, key ${sender.key.keyid.slice(0, 16)}`;
    this.#passed("message", `record ${message.index + 1} of ${message.n} signed by ${by}`);
    this.#tell("message: when it was signed, and that its other records are in the batch too");
    return sender;
  }

  async #checkRecord(ingest: Ingest): Promise<RecordEvidence | null> {
    const { record, contract } = this.receipt;
    if (record === null || contract === null) return null;
    await step("pages", () => checkPages(pagedIngest(ingest), record));
    this.#passed("pages", `page ${record.pages.map((page) => page.index).join(", ")} of ${ingest.evidence.nPages}`);
    const { page, start, end, isExact }: Located = await step("record", () => locate(pagedIngest(ingest), record));
    this.#passed("record", `record ${record.record} of batch ${record.batch}, ${end - start} bytes`);
    if (record.firstLine !== null) this.#tell("line: its number in the file is a help to find it, not proven");
    if (ingest.file.kind === "csv") {
      this.#tell("columns: their names are the signed statement's, not the header's");
    }
    const data = page.content.slice(start, end);
    return {
      feed: ingest.feed,
      batch: record.batch,
      record: record.record,
      data,
      text: forDisplay(data),
      receivedAt: ingest.receivedAt,
      columns: columnsOf(ingest, record.record),
      isExact,
      firstLine: record.firstLine,
      contract: contract.text,
    };
  }

  #tellRow(evidence: RecordEvidence): void {
    if (!evidence.isExact) {
      this.#tell("record: that these bytes are one record and have this number, as the page holds quoted text");
    }
    if (this.receipt.row !== null) this.#tell("row: the record was not cleaned again");
  }
}

/** Who released what a run ran under. */
interface Who {
  readonly officer: string | null;
  readonly person: string | null;
  readonly why: string | null;
}

interface Decided {
  readonly decision: DecisionEvidence;
  readonly row: ReadonlyMap<string, Value>;
}

const NOBODY: Who = { officer: null, person: null, why: null };

async function checkIncluded(stated: ProvenEntry, { checkpoint }: Accepted): Promise<void> {
  const { index, path } = stated.proof;
  await verifyInclusion(await leafHash(stated.entry), index, checkpoint.size, path, checkpoint.root);
}

/** Turn what a check raises into ReceiptRejected with the step's name. */
async function step<T>(name: string, check: () => T | Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    if (error instanceof ReceiptRejected) throw error;
    if (error instanceof Malformed || error instanceof Rejected) throw new ReceiptRejected(name, error.message);
    throw error;
  }
}

