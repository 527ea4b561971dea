import assert from "node:assert/strict";
import { test } from "node:test";

import { hasEd25519 } from "@veracity/verify";
import { outcome, vector } from "./vectors.js";

const RECEIPT = vector("receipts/valid-enrol.json");
const POLICY = vector("receipts/trust.policy");

async function under(crypto: unknown, check: () => Promise<void>): Promise<void> {
  const own = Object.getOwnPropertyDescriptor(globalThis, "crypto");
  assert.ok(own);
  Object.defineProperty(globalThis, "crypto", { value: crypto, configurable: true });
  try {
    await check();
  } finally {
    Object.defineProperty(globalThis, "crypto", own);
  }
}

test("where Ed25519 is missing nothing is said of the receipt: unsupported, neither valid nor rejected", async () => {
  const digest = globalThis.crypto.subtle.digest.bind(globalThis.crypto.subtle);
  const importKey = () => Promise.reject(new DOMException("Unrecognized algorithm name", "NotSupportedError"));
  const withoutEd25519 = { subtle: { digest, importKey } };
  for (const crypto of [withoutEd25519, {}, undefined]) {
    await under(crypto, async () => {
      assert.equal(await hasEd25519(), false);
      assert.equal(await outcome(RECEIPT, POLICY), "unsupported");
    });
  }
});

test("a platform that calls every signature good is not believed", async () => {
  const subtle = globalThis.crypto.subtle;
  const yes = { subtle: { digest: subtle.digest.bind(subtle), importKey: () => ({}), verify: () => true } };
  await under(yes, async () => assert.equal(await outcome(RECEIPT, POLICY), "unsupported"));
});

test("where it is there, the same receipt verifies", async () => {
  assert.equal(await hasEd25519(), true);
  assert.equal(await outcome(RECEIPT, POLICY), "valid");
});
