// Which trust policy the checks of this page use: the reader's own, else the one that the city's server gives.

import { computed, signal } from "@preact/signals";
import { recall, remember } from "../../remembered";

/** What the server says is its city's policy; null without a server. */
export const served = signal<string | null>(null);

/** What the reader gave, which counts for more. */
export const own = signal<string | null>(recall("policy"));

export const policy = computed(() => own.value ?? served.value ?? "");

export function trust(text: string | null, isKept: boolean): void {
  own.value = text;
  remember("policy", isKept ? text : null);
}

export const isKept = () => recall("policy") !== null;
