#!/usr/bin/env node
// node web/verify/cli.js RECEIPT POLICY [--json]: exit 0 holds, 1 does not, 2 usage, 3 malformed, 4 out of reach.
// Build first: npm ci && npm run build.

import { open } from "node:fs/promises";
import { argv, exit, stderr, stdout } from "node:process";

import { Malformed, MAX_RECEIPT_BYTES, Rejected, verifyReceipt } from "./dist/src/index.js";

async function readAtMost(path, most) {
  const file = await open(path);
  try {
    const data = new Uint8Array(most);
    let at = 0;
    for (let n = 1; n > 0 && at < most; at += n) ({ bytesRead: n } = await file.read(data, at, most - at));
    return data.subarray(0, at);
  } finally {
    await file.close();
  }
}

/** What others wrote must not move the cursor or print a second "VERIFIED". */
function visible(text) {
  return text.replace(
    /[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function say(result, asJson) {
  const { steps, notChecked, simulated, row, evidence, witnesses, operator, agency, device, origin, size, index } = result;
  const { inLogBefore, revoked, decision } = result;
  if (asJson) {
    const document = {
      verified: true, simulated, origin, log_size: Number(size), entry: Number(index), operator, agency, device, witnesses,
      in_log_before: inLogBefore, revoked, decision: decision === null ? null : decided(decision),
      row: row === null ? null : Object.fromEntries(row), steps, not_checked: notChecked,
    };
    return `${visible(JSON.stringify(document))}\n`;
  }
  const lines = [`VERIFIED${simulated ? "  [SIMULATED DATA]" : ""}`, ""];
  for (const { name, detail } of steps) lines.push(`ok  ${name.padEnd(10)}  ${detail}`);
  if (row !== null) lines.push("", decision === null ? "the row" : "the decision", ...[...row].map(([name, value]) => `  ${name}  ${value}`));
  if (evidence !== null) lines.push("", "the record as received", `  ${JSON.stringify(evidence.text.slice(0, 2000))}`);
  lines.push("", "not checked", ...notChecked.map((line) => `  ${line}`));
  return `${visible(lines.map((line) => line.replaceAll("\n", "\\n")).join("\n"))}\n`;
}

function decided({ system, run, record, modelSha256, stage, madeAt, due, isForecast, release, officer, person, why }) {
  return {
    system, run, record, model: modelSha256, stage, made_at: madeAt, due, forecast: isForecast, release, officer,
    person, why,
  };
}

async function main(values) {
  const asJson = values.includes("--json");
  const [receipt, policy, ...others] = values.filter((value) => value !== "--json");
  if (receipt === undefined || policy === undefined || others.length > 0) {
    stderr.write("usage: node cli.js RECEIPT POLICY [--json]\n");
    return 2;
  }
  try {
    const bytes = await readAtMost(receipt, MAX_RECEIPT_BYTES + 1);
    stdout.write(say(await verifyReceipt(bytes, await readAtMost(policy, 262_145)), asJson));
    return 0;
  } catch (error) {
    const code = error instanceof Rejected ? 1 : error instanceof Malformed ? 3 : 4;
    stderr.write(`verify: ${code === 1 ? "NOT VERIFIED: " : ""}${visible(error.message).replaceAll("\n", " ")}\n`);
    return code;
  }
}

exit(await main(argv.slice(2)));
