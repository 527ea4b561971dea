// The number of an entry, as people type it or copy it from elsewhere: `1234`, `1,234`, `1.234`, `1 234`.

/** For an input's `pattern`; blanks of any width may stand around it or in it. */
export const ENTRY = String.raw`\s*(?:[0-9]{1,12}|[0-9]{1,3}(?:[.,'’\s][0-9]{3}){1,3})\s*`;

const WHOLE = new RegExp(`^${ENTRY}$`);

/** The digits alone; null for what is no number of an entry. */
export function entryOf(text: string): string | null {
  if (!WHOLE.test(text)) return null;
  return text.replace(/\D/g, "").replace(/^0+(?=\d)/, "");
}
