// Finding text whatever accents it is typed with: "da nang" finds "Đà Nẵng".

/** The letters of a text without accents, in lower case. */
export function fold(text: string): string {
  return text
    .normalize("NFD")
    .replace(/\p{M}+/gu, "")
    .replace(/[đĐ]/g, "d") // a letter of its own, which no form takes apart
    .toLowerCase();
}

/** Whether each word of `query` is somewhere in `text`. */
export function isFound(query: string, text: string): boolean {
  const within = fold(text);
  return fold(query)
    .split(/\s+/)
    .every((word) => within.includes(word));
}
