// DSSE envelopes (secure-systems-lab/dsse v1.0.0) with an in-toto payload. An entry of the log is one envelope.

import { concat, utf8, type Bytes } from "./bytes.js";
import { Malformed, Rejected } from "./errors.js";
import { Fields } from "./fields.js";
import { isSigned } from "./platform.js";
import { parseJson, type Json } from "./strict_json.js";

export const IN_TOTO = "application/vnd.in-toto+json";
export const MAX_ENVELOPE_BYTES = 65_535; // what an entry bundle of tlog-tiles can carry
const MAX_SIGNATURES = 16;
const CODE = "malformed-envelope";

export interface EnvelopeSignature {
  readonly keyid: string; // a hint that nothing vouches for, empty where none was given
  readonly signature: Bytes;
}

export interface Envelope {
  readonly payload: Bytes;
  readonly signatures: readonly EnvelopeSignature[];
}

/** A key that signs statements: 32 raw bytes, named by the hex SHA-256 of them. */
export interface PublicKey {
  readonly raw: Bytes;
  readonly keyid: string;
}

/** Parse an envelope without checking any signature. */
export function openEnvelope(data: Uint8Array): Envelope {
  return readEnvelope(parseJson(data, "envelope", MAX_ENVELOPE_BYTES, CODE));
}

export function readEnvelope(value: Json, where = "envelope"): Envelope {
  const fields = new Fields(value, where, CODE);
  fields.choice("payloadType", [IN_TOTO]);
  const payload = fields.base64("payload");
  const signatures = fields.objects("signatures", MAX_SIGNATURES).map((item) => {
    const keyid = item.has("keyid") ? item.text("keyid", 128, 0) : "";
    const signature = item.base64("sig");
    item.done();
    return { keyid, signature };
  });
  if (signatures.length === 0) throw new Malformed(CODE, `${where}.signatures: want at least one, got none`);
  fields.done();
  return { payload, signatures };
}

/** The bytes a DSSE signature covers (pre-authentication encoding). */
export function pae(payloadType: string, body: Uint8Array): Bytes {
  const kind = utf8(payloadType);
  return concat(utf8(`DSSEv1 ${kind.length} ${payloadType} ${body.length} `), body);
}

/**
 * Check that `key` signed. A signature whose hint names it must verify; one without a hint is tried; those with
 * another's name are ignored.
 */
export async function verifyEnvelope(envelope: Envelope, key: PublicKey): Promise<void> {
  const message = pae(IN_TOTO, envelope.payload);
  let signed = false;
  for (const line of envelope.signatures) {
    if (line.keyid !== "" && line.keyid !== key.keyid) continue;
    const holds = await isSigned(key.raw, line.signature, message);
    if (!holds && line.keyid !== "") {
      throw new Rejected("envelope-rejected", `signature: want one of key ${key.keyid.slice(0, 16)}, got another`);
    }
    signed ||= holds;
  }
  if (!signed) {
    throw new Rejected("envelope-rejected", `envelope: want a signature of ${key.keyid.slice(0, 16)}, got none`);
  }
}
