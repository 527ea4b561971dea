// The link from a record of a live batch to the device that signed the message it came in.

import type { Agencies, Authority } from "./agencies.js";
import { hex, utf8, type Bytes } from "./bytes.js";
import { Rejected } from "./errors.js";
import { inclusionRoot, leafHash } from "./merkle.js";
import { isSigned } from "./platform.js";
import type { ProvenMessage } from "./receipt.js";
import type { SealedContract } from "./statements/contract.js";
import type { Ingest } from "./statements/ingest.js";
import { parseTime } from "./time.js";

const MAGIC = "veracity-message/v1";
const NEWLINE = 0x0a;

/** Whose signature covers a record of a live batch; `record` with the newline that the batch ends it with. */
export async function checkSender(
  message: ProvenMessage,
  record: Bytes,
  ingest: Ingest,
  at: bigint,
  sealed: SealedContract | null,
  agencies: Agencies,
): Promise<Authority> {
  const { n, index, path, keyid, signature } = message;
  const sender = agencies.authority(keyid, at, parseTime(ingest.receivedAt));
  const fail = (text: string) => new Rejected("message-rejected", text);
  if (sender.role !== "device" && sender.role !== "agency") {
    throw fail(`signer: want a device or an agency, got ${sender.role} ${sender.name}`);
  }
  if (sealed !== null && sealed.agency !== null && sealed.agency !== sender.agency) {
    throw fail(`signer: want one of ${sealed.agency}, got ${sender.role} ${sender.name}`);
  }
  if (record.at(-1) !== NEWLINE) throw fail("record: want a newline at its end, got none");
  const root = await inclusionRoot(await leafHash(record.slice(0, -1)), BigInt(index), BigInt(n), path);
  const signed = utf8([MAGIC, ingest.feed, sender.name, n, hex(root), ""].join("\n"));
  if (!(await isSigned(sender.key.raw, signature, signed))) {
    throw fail(`signature: want one of key ${keyid.slice(0, 16)}, got another`);
  }
  return sender;
}
