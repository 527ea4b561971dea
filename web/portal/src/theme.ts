// Light, dark, or as the reader's system has it.

import { signal } from "@preact/signals";
import { recall, remember } from "./remembered";

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

export const theme = signal<Theme>(THEMES.find((name) => name === recall("theme")) ?? "auto");

/** Grows when the colours change: what is drawn on a canvas is drawn again. */
export const painted = signal(0);

export function paint(chosen: Theme): void {
  theme.value = chosen;
  remember("theme", chosen === "auto" ? null : chosen);
  document.documentElement.dataset["theme"] = chosen;
  painted.value += 1;
}

/** A colour of the style, as a canvas takes it. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim() || "#888";
}

export function watchSystem(): void {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => (painted.value += 1));
}
