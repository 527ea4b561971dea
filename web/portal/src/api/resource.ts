// What a view shows of the server: on its way, there, there but old, or failed. Nothing shown is thrown away for an error,
// but for one that says that it is gone, or not for this reader.

import { useEffect } from "preact/hooks";
import { signal, useSignal } from "@preact/signals";
import { ApiError, getJson, isAbort } from "./client";

export type Resource<T> =
  | { readonly state: "loading" }
  | { readonly state: "ready"; readonly data: T; readonly at: number; readonly problem: ApiError | null }
  | { readonly state: "failed"; readonly error: ApiError };

/** Grows when the log does, and when the reader asks again: what depends on the log is then fetched anew. */
export const revision = signal(0);

const MAX_KEPT = 60;
const NOT_KEPT = [401, 403, 404];
const kept = new Map<string, { data: unknown; at: number }>();

/** Fetch a path and keep it up to date; null fetches nothing, and stays loading. */
export function useResource<T>(path: string | null): Resource<T> {
  const shown = useSignal<{ path: string | null; resource: Resource<T> }>({ path: null, resource: { state: "loading" } });
  const now = revision.value;
  useEffect(() => {
    if (path === null) return undefined;
    const stop = new AbortController();
    const before = kept.get(path) as { data: T; at: number } | undefined;
    if (before !== undefined) shown.value = { path, resource: { state: "ready", ...before, problem: null } };
    else if (shown.peek().path !== path) shown.value = { path, resource: { state: "loading" } };
    getJson<T>(path, stop.signal).then(
      (data) => {
        const fresh = { data, at: Date.now() };
        keep(path, fresh);
        shown.value = { path, resource: { state: "ready", ...fresh, problem: null } };
      },
      (error: unknown) => {
        if (stop.signal.aborted || isAbort(error)) return;
        const problem = error instanceof ApiError ? error : new ApiError(0, "bug", String(error));
        const old = kept.get(path) as { data: T; at: number } | undefined;
        const resource: Resource<T> =
          old === undefined || NOT_KEPT.includes(problem.status)
            ? { state: "failed", error: problem }
            : { state: "ready", ...old, problem };
        shown.value = { path, resource };
      },
    );
    return () => stop.abort();
  }, [path, now]);
  return shown.value.path === path ? shown.value.resource : { state: "loading" };
}

/** Forget what was fetched: somebody else reads now. */
export function forgetAll(): void {
  kept.clear();
}

function keep(path: string, fresh: { data: unknown; at: number }): void {
  kept.delete(path);
  kept.set(path, fresh);
  const oldest = kept.keys().next().value;
  if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
}
