// Asking the city's server. Paths are relative to the page: the portal works in any folder.

import { signal } from "@preact/signals";

/** What the server said, or that it could not be reached (status 0). RFC 9457. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** Whether what was asked for is there now, and was not at the time asked for. */
export function isNotThen(error: Pick<ApiError, "code">): boolean {
  return error.code === "not-there-then";
}

/** A token that the reader gave, in this page's memory and nowhere else. */
export const token = signal<string | null>(null);

const TIMEOUT_MS = 30_000;
const MAX_RECEIPT = 1_048_576;

/** The address of a path of this server; null if it leads anywhere else. */
export function ours(path: string, base = document.baseURI): string | null {
  try {
    const root = new URL(".", base);
    const url = new URL(path.replace(/^\/+/, ""), root);
    return url.origin === root.origin && url.href.startsWith(root.href) ? url.href : null;
  } catch {
    return null;
  }
}

export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await get(path, "application/json, application/geo+json", signal);
  try {
    return (await response.json()) as T;
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError(response.status, "malformed-answer", `${path}: want JSON, got something else`);
  }
}

/** A receipt's bytes as they came: they are what is checked. */
export async function getReceipt(path: string): Promise<Uint8Array> {
  return getBytes(path, MAX_RECEIPT + 1, "application/json");
}

/** What lies at a path, byte for byte, and cut after `most` bytes. */
export async function getBytes(path: string, most: number, accept: string): Promise<Uint8Array> {
  const response = await get(path, accept);
  return new Uint8Array(await response.arrayBuffer()).subarray(0, most);
}

/** Ask for something to be done; the answer says nothing but that it was. */
export async function send(method: "DELETE" | "POST", path: string): Promise<void> {
  await ask(method, path, "application/json");
}

/** Send a document and read what became of it. */
export async function postJson<T>(path: string, body: unknown): Promise<T> {
  const response = await ask("POST", path, "application/json", undefined, JSON.stringify(body));
  return (await response.json()) as T;
}

/** Read a stream of events as whoever holds the token; it ends when the server ends it or `stop` does. */
export async function getStream(path: string, stop: AbortSignal): Promise<ReadableStream<Uint8Array> | null> {
  const url = ours(path);
  if (url === null) return null;
  const response = await fetch(url, { ...asWho("text/event-stream"), signal: stop });
  if (!response.ok) throw await problemOf(response);
  return response.body;
}

function asWho(accept: string): { readonly headers: Record<string, string>; readonly credentials: RequestCredentials } {
  const held = token.peek();
  // Who came with a token is that account alone, whatever cookie the browser has.
  if (held === null) return { headers: { Accept: accept }, credentials: "same-origin" };
  return { headers: { Accept: accept, Authorization: `Bearer ${held}` }, credentials: "omit" };
}

function get(path: string, accept: string, signal?: AbortSignal): Promise<Response> {
  return ask("GET", path, accept, signal);
}

async function ask(method: string, path: string, accept: string, signal?: AbortSignal, body?: string): Promise<Response> {
  const url = ours(path);
  if (url === null) throw new ApiError(0, "foreign-address", `want a path of this server, got ${path.slice(0, 80)}`);
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const who = asWho(accept);
  const headers = body === undefined ? who.headers : { ...who.headers, "Content-Type": "application/json" };
  let response: Response;
  try {
    response = await fetch(url, {
      ...who,
      method,
      headers,
      ...(body === undefined ? {} : { body }),
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "unreachable", limit.aborted ? "no answer in time" : "no answer");
  }
  if (response.ok) return response;
  throw await problemOf(response);
}

async function problemOf(response: Response): Promise<ApiError> {
  try {
    const body = (await response.json()) as { code?: unknown; detail?: unknown; title?: unknown };
    const detail = String(body.detail ?? body.title ?? response.statusText);
    return new ApiError(response.status, String(body.code ?? "http-error"), detail.slice(0, 500));
  } catch {
    return new ApiError(response.status, "http-error", response.statusText || String(response.status));
  }
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** A query string; undefined and null are left out. */
export function query(values: Readonly<Record<string, string | number | null | undefined>>): string {
  const pairs = Object.entries(values).filter(([, v]) => v !== undefined && v !== null && v !== "");
  const text = new URLSearchParams(pairs.map(([k, v]) => [k, String(v)])).toString();
  return text === "" ? "" : `?${text}`;
}
