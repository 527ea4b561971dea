// The log as it grows, by server-sent events. Where they fail, the portal says so and asks again by itself.

import { effect, signal } from "@preact/signals";
import type { StatementItem } from "./types";
import { getStream, isAbort, ours, token } from "./client";
import { revision } from "./resource";

export type Live = "connecting" | "live" | "lost";

export const live = signal<Live>("connecting");

/** The newest size that the server told, and the last statements it sent, newest first. */
export const told = signal<{ size: number; statements: readonly StatementItem[] } | null>(null);

const MAX_TOLD = 50;
const QUIET_MS = 2_000; // a busy log is not fetched more often than this
const AGAIN_MS = 5_000;
const MAX_EVENT = 1_048_576; // characters: what is longer is no event of ours
const PATH = "api/v1/events";

/** Listen from now on, as whoever we are: whoever comes with a token listens with it. */
export function listen(): void {
  effect(() => {
    const held = token.value;
    live.value = "connecting";
    return held === null ? listenAsAnyone() : listenWithToken();
  });
}

function listenAsAnyone(): () => void {
  const url = ours(PATH);
  if (url === null || typeof EventSource === "undefined") return () => undefined;
  const source = new EventSource(url);
  source.addEventListener("open", () => (live.value = "live"));
  source.addEventListener("error", () => (live.value = "lost"));
  source.addEventListener("log", (event) => hear((event as MessageEvent<string>).data));
  return () => source.close();
}

/** An EventSource sends no token, so the stream is read by hand. */
function listenWithToken(): () => void {
  const stop = new AbortController();
  const run = async () => {
    while (!stop.signal.aborted) {
      try {
        const stream = await getStream(PATH, stop.signal);
        live.value = "live";
        if (stream !== null) await readEvents(stream);
      } catch (error) {
        if (stop.signal.aborted || isAbort(error)) return;
      }
      live.value = "lost";
      await new Promise((done) => setTimeout(done, AGAIN_MS));
    }
  };
  void run();
  return () => stop.abort();
}

async function readEvents(stream: ReadableStream<Uint8Array>): Promise<void> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    text += decoder.decode(part.value, { stream: true }).replaceAll("\r\n", "\n");
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    if (text.length > MAX_EVENT) return;
    for (const event of events) {
      const lines = event.split("\n");
      const data = lines.filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart());
      if (lines.some((line) => /^event: ?log$/.test(line))) hear(data.join("\n"));
    }
  }
}

let waiting: ReturnType<typeof setTimeout> | null = null;

function hear(data: string): void {
  const news = parse(data);
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
