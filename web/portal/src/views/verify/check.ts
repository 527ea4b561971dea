// A receipt and a policy in, what became of the check out: never an exception for what a stranger sent.

import {
  Malformed,
  parsePolicy,
  parseReceipt,
  ReceiptRejected,
  Unsupported,
  verifyReceipt,
  type Policy,
  type Receipt,
  type Step,
  type Verification,
} from "@veracity/verify";

import { compareAgain, type Again } from "./again";

export type Verdict =
  | { readonly state: "holds"; readonly verification: Verification }
  | { readonly state: "fails"; readonly step: string; readonly message: string }
  | { readonly state: "malformed"; readonly what: "receipt" | "policy"; readonly message: string }
  | { readonly state: "unsupported"; readonly message: string };

export interface Checked {
  readonly verdict: Verdict;
  /** The checks that passed, in order. */
  readonly passed: readonly Step[];
  /** What was read, null where it could not be; nothing in it is proven unless the verdict is that it holds. */
  readonly receipt: Receipt | null;
  readonly policy: Policy | null;
  /** How the row compares with the record, where it holds and there are both; null where it could not be compared. */
  readonly again: Again | null;
  readonly bytes: Uint8Array;
  readonly tookMs: number;
}

export async function check(bytes: Uint8Array, policyText: string): Promise<Checked> {
  const started = performance.now();
  const passed: Step[] = [];
  const receipt = readOrNull(() => parseReceipt(bytes));
  const policy = await parsePolicy(policyText).catch(() => null);
  const verified = await judge(bytes, policyText, receipt === null, passed);
  const again = verified.state === "holds" ? comparedAgain(verified.verification) : null;
  const isWrong = again !== null && again.wrong !== null;
  const verdict: Verdict = isWrong ? { state: "fails", step: "row", message: again.wrong ?? "" } : verified;
  return { verdict, passed, receipt, policy, again, bytes, tookMs: performance.now() - started };
}

/** A row that came out of quarantine is read from a line about the record, and is not compared. */
function comparedAgain({ evidence, row, decision, predicate }: Verification): Again | null {
  if (evidence === null || row === null || decision !== null || predicate["released"]) return null;
  return compareAgain(evidence, row);
}

async function judge(bytes: Uint8Array, policy: string, isNoReceipt: boolean, passed: Step[]): Promise<Verdict> {
  try {
    const verification = await verifyReceipt(bytes, policy, (step) => passed.push(step));
    return { state: "holds", verification };
  } catch (error) {
    if (error instanceof ReceiptRejected) {
      return { state: "fails", step: error.step, message: error.message.slice(error.step.length + 2) };
    }
    if (error instanceof Malformed) {
      return { state: "malformed", what: isNoReceipt ? "receipt" : "policy", message: error.message };
    }
    if (error instanceof Unsupported) return { state: "unsupported", message: error.message };
    throw error; // a bug of ours, which must not look like an answer
  }
}

function readOrNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

/** Whether a text is a receipt or a policy, by its look; null for neither. */
export function looksLike(text: string): "receipt" | "policy" | null {
  if (/^\s*\{/.test(text)) return "receipt";
  return /^\s*(#[^\n]*\n\s*)*(log|witness|group|quorum)[ \t]/.test(text) ? "policy" : null;
}

/** A policy as it was pasted: its last line may have lost its newline on the way. */
export function asPolicy(text: string): string {
  const lines = text.replace(/\r\n/g, "\n").trim();
  return lines === "" ? "" : `${lines}\n`;
}

/**
 * The receipt with one bit changed: in the record where it shows one, else in the statement. It shows a reader what
 * the check is worth.
 */
export function withOneBitChanged(bytes: Uint8Array): Uint8Array {
  const text = new TextDecoder().decode(bytes);
  const document = JSON.parse(text) as {
    entry: string;
    record: { offset: number; pages: { text?: string }[] } | null;
  };
  const page = document.record?.pages[0];
  if (page?.text !== undefined && document.record !== null) {
    page.text = flipped(page.text, document.record.offset);
  } else {
    document.entry = flipped(document.entry, Math.floor(document.entry.length / 2));
  }
  return new TextEncoder().encode(JSON.stringify(document));
}

/** Change the last bit of the first digit at or after a place: 2 becomes 3, and 7 becomes 6. */
function flipped(text: string, from: number): string {
  const found = /[0-9]/.exec(text.slice(from)) ?? /[0-9]/.exec(text);
  if (found === null) return text;
  const at = text.slice(from).search(/[0-9]/) < 0 ? found.index : from + found.index;
  const changed = String.fromCharCode(text.charCodeAt(at) ^ 1);
  return text.slice(0, at) + changed + text.slice(at + 1);
}
