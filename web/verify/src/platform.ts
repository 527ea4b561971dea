// The only door to the platform: SHA-256 and Ed25519 of WebCrypto.

import { concat, fromHex, hex, type Bytes } from "./bytes.js";
import { Unsupported } from "./errors.js";

export const SIGNATURE_BYTES = 64;
export const KEY_BYTES = 32;

// RFC 8032, section 7.1, test 1: the empty message.
const KNOWN_KEY = fromHex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
const KNOWN_SIGNATURE = fromHex(
  "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155" +
    "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
);

function subtle(): SubtleCrypto {
  const found = globalThis.crypto?.subtle as SubtleCrypto | undefined;
  if (found === undefined) {
    throw new Unsupported("WebCrypto: want crypto.subtle (a secure context, or Node 20), got none");
  }
  return found;
}

export async function sha256(...parts: readonly Uint8Array[]): Promise<Bytes> {
  return new Uint8Array(await subtle().digest("SHA-256", concat(...parts)));
}

export async function sha256Hex(data: Uint8Array): Promise<string> {
  return hex(await sha256(data));
}

async function check(key: Bytes, signature: Bytes, message: Bytes): Promise<boolean> {
  const imported = await subtle().importKey("raw", key, "Ed25519", false, ["verify"]);
  return subtle().verify("Ed25519", imported, signature, message);
}

/**
 * Whether this platform checks Ed25519: a published signature verifies, and one with a bit flipped does not.
 * Where it does not, nothing here can be verified, and `verifyReceipt` raises `Unsupported`.
 */
export async function hasEd25519(): Promise<boolean> {
  try {
    const wrong = Uint8Array.from(KNOWN_SIGNATURE);
    wrong[0] = (wrong[0] ?? 0) ^ 1;
    const empty = new Uint8Array(0);
    return (await check(KNOWN_KEY, KNOWN_SIGNATURE, empty)) && !(await check(KNOWN_KEY, wrong, empty));
  } catch {
    return false;
  }
}

let supported: Promise<boolean> | undefined;

/** Raise Unsupported where the platform cannot check Ed25519. Asked once. */
export async function needEd25519(): Promise<void> {
  subtle();
  supported ??= hasEd25519();
  if (!(await supported)) {
    supported = undefined;
    throw new Unsupported("Ed25519: want WebCrypto that checks it, got one that does not; nothing was checked");
  }
}

/** Whether `signature` is that of `key` (32 raw bytes) on `message`. A key that is no point signs nothing. */
export async function isSigned(key: Bytes, signature: Bytes, message: Bytes): Promise<boolean> {
  await needEd25519();
  if (signature.length !== SIGNATURE_BYTES) return false;
  try {
    return await check(key, signature, message);
  } catch {
    return false;
  }
}
