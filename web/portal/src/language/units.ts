// Units as people write them: contracts have UCUM's codes. A unit that is a word, `{vehicles}`, is said in the reader's language.

import { tWord } from "./index";

const WORDS: Readonly<Record<string, string>> = { Cel: "°C", deg: "°", "[degF]": "°F", "1": "", "{count}": "", "{pH}": "", ppm: "ppm", "[ppm]": "ppm" };

export function unitWords(unit: string | null | undefined): string {
  if (unit === null || unit === undefined) return "";
  const known = WORDS[unit];
  if (known !== undefined) return known;
  return unit
    .replace(/\bug\b/g, "µg")
    .replace(/\bum\b/g, "µm")
    .replace(/([a-z])3(?![0-9])/g, "$1³")
    .replace(/([a-z])2(?![0-9])/g, "$1²")
    .replace(/\./g, "·")
    .replace(/\{(\w+)\}/g, (_, word: string) => tWord("unit", word))
    .replace(/[{}[\]]/g, "");
}
