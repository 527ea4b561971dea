// What the portal says, in the reader's language. Keys are typed: a missing string does not compile.

import { signal } from "@preact/signals";
import { recall, remember } from "../remembered";
import { en } from "./en";
import { id } from "./id";
import { vi } from "./vi";

export type Key = keyof typeof en;
export type Catalogue = Readonly<Record<Key, string>>;
export type Language = "en" | "vi" | "id";
export type Values = Readonly<Record<string, string | number>>;

export const CATALOGUES: Readonly<Record<Language, Catalogue>> = { en, vi, id };

/** Each language by its own name. */
export const LANGUAGES: readonly (readonly [Language, string])[] = [
  ["en", "English"],
  ["vi", "Tiếng Việt"],
  ["id", "Bahasa Indonesia"],
];

export const language = signal<Language>(chosen());

/** Say something, `{name}` replaced by its value. */
export function t(key: Key, values: Values = {}): string {
  return fill(CATALOGUES[language.value][key], values);
}

/** Put values into a text: `{n}` is the value, `{n:row is|rows are}` the words beside one, and beside any other number. */
export function fill(text: string, values: Values): string {
  return text.replace(/\{(\w+)(?::([^|{}]*)\|([^{}]*))?\}/g, (whole, name: string, one?: string, many?: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    if (one === undefined) return String(value);
    return (String(value) === "1" ? one : many) ?? "";
  });
}

/** Whether a text made elsewhere is a key, so that what the API adds later is shown as it came. */
export function isKey(text: string): text is Key {
  return Object.hasOwn(en, text);
}

/** Say `<prefix>.<word>` if the catalogue has it, else the word itself. */
export function tWord(prefix: string, word: string, values: Values = {}): string {
  const key = `${prefix}.${word}`;
  return isKey(key) ? t(key, values) : word;
}

/** The city's own words: one text, or one a language; English where ours is missing. */
export type Said = string | Readonly<Record<string, string>>;

export function said(text: Said | null | undefined): string {
  if (text === null || text === undefined || typeof text === "string") return text ?? "";
  return text[language.value] ?? text["en"] ?? Object.values(text)[0] ?? "";
}

export function speak(chosen: Language): void {
  language.value = chosen;
  remember("language", chosen);
}

function chosen(): Language {
  const wanted = [recall("language"), ...(typeof navigator === "undefined" ? [] : navigator.languages)];
  for (const tag of wanted) {
    const found = LANGUAGES.find(([name]) => tag === name || tag?.startsWith(`${name}-`));
    if (found !== undefined) return found[0];
  }
  return "en";
}
