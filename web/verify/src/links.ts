// The links of an `ingest` statement: to the contract it was held to, and to the agency that sent it.

import { checkTime, type Agencies, type Authority } from "./agencies.js";
import { fromHex } from "./bytes.js";
import { ReceiptRejected } from "./errors.js";
import { verifyInclusion } from "./merkle.js";
import { sha256Hex } from "./platform.js";
import type { PartPath, ProvenContract, ProvenEntry } from "./receipt.js";
import { readContract, type SealedContract } from "./statements/contract.js";
import { readDelivery, type Delivery } from "./statements/delivery.js";
import { isSentSigned, type Ingest } from "./statements/ingest.js";
import { parseStatement, saidAt } from "./statements/statement.js";
import { parseTime } from "./time.js";

type Wanted = readonly (readonly [name: string, want: unknown, got: unknown])[];

function checkSame(step: string, wanted: Wanted): void {
  for (const [name, want, got] of wanted) {
    if (want !== got) throw new ReceiptRejected(step, `${name}: want ${want}, got ${got}`);
  }
}

/** Check that a key of the operator, in force at that entry, signed it. */
export async function checkOperator(agencies: Agencies, stated: ProvenEntry, step: string): Promise<Authority> {
  const { index } = stated.proof;
  const signer = await agencies.signer(stated.envelope, index);
  const at = signer.expires === null ? null : saidAt(stated.statement); // asked for only where it matters
  if (at !== null) checkTime(signer, at);
  if (signer.role !== "operator") {
    const got = `${signer.role} ${signer.name}`;
    throw new ReceiptRejected(step, `signer of entry ${index}: want the operator, got ${got}`);
  }
  return signer;
}

/** Check that these YAML bytes were put in force for the feed, before the batch, by the operator. */
export async function checkContract(
  ingest: Ingest,
  at: bigint,
  contract: ProvenContract,
  agencies: Agencies,
): Promise<SealedContract> {
  const digest = await sha256Hex(contract.text);
  checkSame("contract", [["sha256", ingest.contractSha256, digest]]);
  const sealed = readContract(contract.stated.statement);
  await checkOperator(agencies, contract.stated, "contract");
  const { index } = contract.stated.proof;
  if (index >= at) throw new ReceiptRejected("contract", `log index: want below ${at}, got ${index}`);
  checkSame("contract", [
    ["sha256", digest, sealed.sha256],
    ["feed", ingest.feed, sealed.feed],
    ["simulated", ingest.simulated, sealed.simulated],
  ]);
  if (sealed.signature === "required" && !isSentSigned(ingest) && ingest.released === null) {
    const what = ingest.messages === null ? "a delivery" : "every message";
    throw new ReceiptRejected("delivery", `${ingest.feed}: want ${what} signed by ${sealed.agency}, got none`);
  }
  return sealed;
}

/** Check that an agency signed for the file, and that it is the agency of the contract. */
export async function checkDelivery(
  ingest: Ingest,
  at: bigint,
  sealed: SealedContract | null,
  agencies: Agencies,
): Promise<{ delivery: Delivery; signer: Authority }> {
  if (ingest.delivery === null) throw new ReceiptRejected("delivery", "ingest.delivery: want one signed, got none");
  const signer = await agencies.signer(ingest.delivery, at, parseTime(ingest.receivedAt));
  if (sealed !== null && sealed.agency !== null && sealed.agency !== signer.agency) {
    throw new ReceiptRejected("delivery", `signer: want ${sealed.agency}, got ${signer.role} ${signer.name}`);
  }
  const delivery = readDelivery(parseStatement(ingest.delivery.payload));
  checkSame("delivery", [
    ["feed", ingest.feed, delivery.feed],
    ["file.sha256", ingest.file.sha256, delivery.file.sha256],
    ["file.bytes", ingest.file.bytes, delivery.file.bytes],
    ["records_per_page", ingest.evidence.recordsPerPage, delivery.evidence.recordsPerPage],
  ]);
  return { delivery, signer };
}

/** Check that the batch is the part of the delivered file that it says, whole and in its place. */
export async function checkParts(ingest: Ingest, parts: PartPath, { evidence }: Delivery): Promise<void> {
  const { part } = ingest;
  checkSame("parts", [
    ["n", evidence.nParts, parts.n],
    ["index", part.index, parts.index],
    ["last", parts.index === parts.n - 1, part.last],
  ]);
  const end = BigInt(part.firstRecord) + BigInt(part.nRecords);
  const isInPlace = (part.index === 0) === (part.firstRecord === 0);
  if (!isInPlace || (part.last && end !== BigInt(evidence.nRecords))) {
    const got = `${part.firstRecord} to ${end}`;
    throw new ReceiptRejected(
      "parts",
      `part ${part.index + 1} of ${parts.n}: want its place among ${evidence.nRecords} records, got ${got}`,
    );
  }
  const leaf = fromHex(ingest.evidence.root);
  await verifyInclusion(leaf, BigInt(parts.index), BigInt(parts.n), parts.path, fromHex(evidence.root));
}
