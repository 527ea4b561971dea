// The log as it grows, by server-sent events. Where they fail, the portal says so and asks again by itself.

import { signal } from "@preact/signals";
import type { StatementItem } from "./types";
import { ours } from "./client";
import { revision } from "./resource";

export type Live = "connecting" | "live" | "lost";

export const live = signal<Live>("connecting");

/** The newest size that the server told, and the last statements it sent, newest first. */
export const told = signal<{ size: number; statements: readonly StatementItem[] } | null>(null);

const MAX_TOLD = 50;
const QUIET_MS = 2_000; // a busy log is not fetched more often than this

export function listen(): void {
  const url = ours("api/v1/events");
  if (url === null || typeof EventSource === "undefined") return;
  const source = new EventSource(url);
  let waiting: ReturnType<typeof setTimeout> | null = null;
  source.addEventListener("open", () => (live.value = "live"));
  source.addEventListener("error", () => (live.value = "lost"));
  source.addEventListener("log", (event) => {
    const news = parse((event as MessageEvent<string>).data);
    if (news === null) return;
    const before = told.peek()?.statements ?? [];
    const fresh = news.statements.filter((one) => !before.some((other) => other.entry === one.entry));
    const isGrown = told.peek() !== null && news.size > (told.peek()?.size ?? 0);
    const all = [...fresh, ...before].sort((a, b) => b.entry - a.entry).slice(0, MAX_TOLD);
    told.value = { size: news.size, statements: all };
    if (isGrown && waiting === null) {
      waiting = setTimeout(() => {
        waiting = null;
        revision.value += 1;
      }, QUIET_MS);
    }
  });
}

function parse(text: string): { size: number; statements: StatementItem[] } | null {
  try {
    const news = JSON.parse(text) as { size?: unknown; statements?: unknown };
    if (typeof news.size !== "number") return null;
    return { size: news.size, statements: Array.isArray(news.statements) ? (news.statements as StatementItem[]) : [] };
  } catch {
    return null;
  }
}
