// Who asks: a person with a session of this server's, somebody with a token, or anyone. A token is held in memory alone:
// it is gone when the page is.

import { signal } from "@preact/signals";
import { ApiError, getJson, send, token } from "./client";
import { forgetAll, revision } from "./resource";

export const ROLES = ["viewer", "publisher", "operator", "developer", "auditor", "admin"] as const;
export type Role = (typeof ROLES)[number];

export interface Session {
  readonly account: {
    readonly name: string;
    readonly roles: readonly string[];
    readonly agency: string | null;
    readonly feeds: readonly string[] | null;
    readonly came_by: "token" | "session";
  } | null;
  /** Whether people can sign in here, with a provider that the city trusts. */
  readonly sign_in: boolean;
  readonly is_open: boolean;
}

/** Null until it is known, and of a server that knows no accounts. */
export const session = signal<Session | null>(null);

/** Ask the server who we are to it. */
export async function whoAmI(): Promise<Session> {
  const found = await getJson<Session>("api/v1/session");
  session.value = found;
  return found;
}

export async function whoAmIQuietly(): Promise<void> {
  await whoAmI().catch(() => undefined); // the views that need it say what is wrong
}

/** Use a token from now on; one that does not count is forgotten at once. */
export async function comeWith(text: string): Promise<void> {
  token.value = text;
  try {
    const found = await whoAmI();
    if (found.account === null) throw new ApiError(401, "unknown-token", "the server does not know this token");
  } catch (error) {
    token.value = null;
    await whoAmIQuietly();
    throw error;
  }
  revision.value += 1;
}

export async function signOut(): Promise<void> {
  if (token.peek() === null) await send("DELETE", "api/v1/session");
  token.value = null;
  forgetAll();
  await whoAmIQuietly();
  revision.value += 1;
}

/** Whether who asks has a role. What a page shows by it the server checks again. */
export function may(role: Role): boolean {
  return session.value?.account?.roles.includes(role) ?? false;
}
