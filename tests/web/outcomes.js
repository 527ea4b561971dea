// What the verifier in TypeScript says of each line of its input: a JSON array of receipt and policy, in base64.
// One line out for each: `valid`, or the code of the error and, of a rejected receipt, the step.

import { createInterface } from "node:readline";
import { stdin, stdout } from "node:process";

import { ReceiptRejected, VerifyError, verifyReceipt } from "../../web/verify/dist/src/index.js";

for await (const line of createInterface({ input: stdin })) {
  const [receipt, policy] = JSON.parse(line).map((text) => Buffer.from(text, "base64"));
  let outcome = "valid";
  try {
    await verifyReceipt(receipt, policy);
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    outcome = error instanceof ReceiptRejected ? `${error.code} ${error.step}` : error.code;
  }
  stdout.write(`${outcome}\n`);
}
