// Whether a receipt that holds is the one that was asked for: a good receipt of another record proves nothing here.

import type { Verification } from "@veracity/verify";

export function isOf(path: string, { evidence, decision, index, kind }: Verification): boolean {
  const record = /^\/?receipts\/([a-z0-9-]+)\/(\d+)\/(\d+)$/.exec(path);
  if (record !== null && record[1] !== "decisions") {
    const [, feed, batch, number] = record;
    return evidence?.feed === feed && evidence?.batch === Number(batch) && evidence.record === Number(number);
  }
  const decided = /^\/?receipts\/decisions\/(\d+)(?:\?record=(\d+))?$/.exec(path);
  if (decided === null) return false;
  const [, entry, number] = decided;
  return kind === "decide" && index === BigInt(entry as string) && (number === undefined || decision?.record === Number(number));
}
