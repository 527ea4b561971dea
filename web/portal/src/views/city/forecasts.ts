// What a forecast says, in short.

/** The middle of what is said, and the interval that holds four fifths; null where not said. */
export function middleAndRange({ quantiles }: { readonly quantiles: Readonly<Record<string, number | null>> }): {
  readonly middle: number | null;
  readonly low: number | null;
  readonly high: number | null;
} {
  return { middle: quantiles["0.5"] ?? null, low: quantiles["0.1"] ?? null, high: quantiles["0.9"] ?? null };
}
