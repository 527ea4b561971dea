// A trust policy in plain words: whom it believes.

import type { Policy } from "@veracity/verify";

export interface Believed {
  readonly logs: readonly string[];
  readonly witnesses: readonly string[];
  /** How many of how many must have cosigned; null where none must. */
  readonly quorum: { readonly least: number; readonly of: number } | null;
}

export function believed(policy: Policy): Believed {
  const names = [...policy.witnesses.keys()];
  const { quorum } = policy;
  if (quorum === null) return { logs: policy.logs.map((log) => log.name), witnesses: names, quorum: null };
  return {
    logs: policy.logs.map((log) => log.name),
    witnesses: names,
    quorum: { least: least(policy, quorum), of: reached(policy, quorum).size },
  };
}

/** The fewest witnesses whose cosignatures meet a group. Groups are trees: no member is in two. */
function least(policy: Policy, name: string): number {
  const group = policy.groups.get(name);
  if (group === undefined) return 1;
  const each = group.members.map((member) => least(policy, member)).sort((a, b) => a - b);
  return each.slice(0, group.threshold).reduce((sum, n) => sum + n, 0);
}

function reached(policy: Policy, name: string): ReadonlySet<string> {
  const group = policy.groups.get(name);
  if (group === undefined) return new Set([name]);
  return new Set(group.members.flatMap((member) => [...reached(policy, member)]));
}
