// What this browser remembers for its reader: nothing secret, and nothing that must be there.

export type Remembered = "language" | "theme" | "policy";

export function recall(name: Remembered): string | null {
  try {
    return globalThis.localStorage?.getItem(`veracity.${name}`) ?? null;
  } catch {
    return null; // forbidden, as some browsers do for files
  }
}

/** Keep a value, or forget it if it is null. */
export function remember(name: Remembered, value: string | null): void {
  try {
    if (value === null) globalThis.localStorage?.removeItem(`veracity.${name}`);
    else globalThis.localStorage?.setItem(`veracity.${name}`, value);
  } catch {
    // it lasts as long as the page
  }
}
