// The vectors of the tree, as every implementation reads them.

import { readFileSync } from "node:fs";

import { ReceiptRejected, VerifyError, verifyReceipt } from "@veracity/verify";

const ROOT = new URL("../../../../tests/vectors/", import.meta.url);

export function vector(path: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(path, ROOT)));
}

// A vector is data of our own making: its shape is what the script in the tree writes.
export function vectorJson<T>(path: string): T {
  return JSON.parse(new TextDecoder().decode(vector(path))) as T;
}

export interface Operation {
  readonly op: "add" | "replace" | "remove";
  readonly path: string;
  readonly value?: unknown;
}

export interface Edit {
  readonly name: string;
  readonly base: string;
  readonly patch: readonly Operation[];
  readonly code: string;
  readonly step: string | null;
}

export interface Index {
  readonly policy: string;
  readonly valid: readonly string[];
  readonly lies: readonly { file: string; code: string; step: string }[];
  readonly edits: readonly Edit[];
  readonly time_stamps: { readonly valid: readonly string[]; readonly lies: readonly { file: string }[] };
}

type Inner = Record<string, unknown>;

/** Apply the three operations of RFC 6902 that the vectors use. */
export function applyPatch(document: unknown, patch: readonly Operation[]): unknown {
  const changed = structuredClone(document);
  for (const { op, path, value } of patch) {
    const names = path.split("/").slice(1);
    const last = names.pop() ?? "";
    const target = names.reduce((inner, name) => (inner as Inner)[name], changed) as Inner;
    if (op !== "remove") target[last] = value;
    else if (Array.isArray(target)) target.splice(Number(last), 1);
    else delete target[last];
  }
  return changed;
}

/** `valid`, or the code of the error and, of a rejected receipt, the step. Anything but our errors escapes. */
export async function outcome(receipt: Uint8Array, policy: Uint8Array | string): Promise<string> {
  return attempt(() => verifyReceipt(receipt, policy));
}

export async function attempt(check: () => unknown): Promise<string> {
  try {
    await check();
    return "valid";
  } catch (error) {
    if (error instanceof VerifyError && error.message.includes("\n")) return `more than one line: ${error.message}`;
    if (error instanceof ReceiptRejected) return `${error.code} ${error.step}`;
    if (error instanceof VerifyError) return error.code;
    throw error;
  }
}

/** Numbers from a seed (mulberry32), so that what a test tries is what it tries every time. */
export function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
