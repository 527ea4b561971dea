// The steps of a check as a reader sees them: those that passed, the one that failed, those it never came to.

import type { Receipt } from "@veracity/verify";
import type { Again } from "./again";
import type { Checked } from "./check";

/** `compared`: values read again and found the same, which is less than cleaning again. */
export type StepState = "passed" | "failed" | "unreached" | "undone" | "compared";

export interface ShownStep {
  readonly name: string;
  readonly state: StepState;
  readonly detail: string | null; // the verifier's own words
}

/** All steps that there are, in the order of the specification. */
export const ORDER = [
  "checkpoint", "keys", "entry", "signature", "statement", "revocations", "contract", "delivery", "parts", "released",
  "approval", "release", "pages", "record", "message", "row", "due",
] as const;

export type StepName = (typeof ORDER)[number];

/** The steps that a receipt of this make goes through if all is well. */
export function planOf(receipt: Receipt): StepName[] {
  const { stated, contract, parts, record, row, revocations, message, release } = receipt;
  const { kind, predicate } = stated.statement;
  const plan: StepName[] = ["checkpoint", "keys", "entry", "signature", "statement"];
  if (revocations.length > 0) plan.push("revocations");
  if (kind === "ingest") {
    if (contract !== null) plan.push("contract");
    if (parts !== null) plan.push("delivery", "parts");
    if (predicate.get("released")) plan.push("released");
    if (record !== null) plan.push("pages", "record");
    if (message !== null) plan.push("message");
    if (row !== null) plan.push("row");
  } else if (kind === "decide") {
    if (predicate.get("release") === null || release !== null) plan.push("release");
    if (record !== null) plan.push("pages", "record", "row", "due");
  } else if (predicate.get("approval")) {
    plan.push("approval");
  }
  return plan;
}

export function shownSteps({ verdict, passed, receipt, again }: Checked): ShownStep[] {
  if (verdict.state === "malformed" || verdict.state === "unsupported") return [];
  const shown: ShownStep[] = passed.map(({ name, detail }) => ({ name, state: "passed", detail }));
  if (verdict.state === "fails") shown.push({ name: verdict.step, state: "failed", detail: verdict.message });
  const seen = new Set(shown.map((step) => step.name));
  const isCleaned = receipt?.stated.statement.kind === "decide";
  for (const name of receipt === null ? [] : planOf(receipt)) {
    if (seen.has(name)) continue;
    const isUndone = name === "row" && !isCleaned;
    const compared = isUndone && verdict.state === "holds" ? again : null;
    shown.push({
      name,
      state: compared !== null && compared.compared.length > 0 ? "compared" : isUndone ? "undone" : "unreached",
      detail: compared === null ? null : detailOf(compared),
    });
  }
  return shown;
}

function detailOf({ compared, left }: Again): string {
  const same = `the same: ${compared.join(", ") || "none"}`;
  return left.length === 0 ? same : `${same}; not compared: ${left.join(", ")}`;
}

/** What a reader asks: five questions, each answered by some steps. */
export const QUESTIONS = {
  log: ["checkpoint", "entry", "statement"],
  signatures: ["keys", "signature", "revocations", "delivery", "message", "approval", "release", "released"],
  evidence: ["contract", "parts", "pages", "record", "due"],
} as const satisfies Record<string, readonly StepName[]>;

export type Question = keyof typeof QUESTIONS | "witnesses" | "cleaning";

export interface Answer {
  readonly question: Question;
  readonly state: "yes" | "no" | "compared" | "undone" | "unreached" | "none";
  readonly n: number; // steps that passed, or witnesses that count
}

export function answers(checked: Checked): Answer[] {
  const steps = shownSteps(checked);
  const of = (question: keyof typeof QUESTIONS): Answer => {
    const names: readonly string[] = QUESTIONS[question];
    const mine = steps.filter((step) => names.includes(step.name));
    const n = mine.filter((step) => step.state === "passed").length;
    if (mine.some((step) => step.state === "failed")) return { question, state: "no", n };
    if (mine.length === 0) return { question, state: "none", n };
    return { question, state: n === mine.length ? "yes" : "unreached", n };
  };
  return [of("log"), of("signatures"), witnesses(checked), of("evidence"), cleaning(checked, steps)];
}

function witnesses({ verdict, policy, passed }: Checked): Answer {
  const question = "witnesses";
  if (policy === null || policy.quorum === null) return { question, state: "none", n: 0 };
  if (verdict.state === "holds") return { question, state: "yes", n: verdict.verification.witnesses.length };
  if (verdict.state === "fails" && verdict.step === "checkpoint") return { question, state: "no", n: 0 };
  return { question, state: passed.length > 0 ? "yes" : "unreached", n: 0 };
}

function cleaning({ receipt }: Checked, steps: readonly ShownStep[]): Answer {
  const question = "cleaning";
  const row = steps.find((step) => step.name === "row");
  if (row === undefined || receipt?.stated.statement.kind === "decide") return { question, state: "none", n: 0 };
  const state = row.state === "failed" ? "no" : row.state === "compared" ? "compared" : "undone";
  return { question, state, n: 0 };
}
