// What a layer puts on the map: what its list says, and nothing that the list does not say any more.

import { useEffect } from "preact/hooks";
import type { Resource } from "../../api/resource";
import type { Asked } from "./layer";
import type { MapPlace } from "./map";

/** A layer's marks: none of what failed; undefined, for those that are there, while an answer is on its way. */
export function marksOf<T>(of: Resource<T>, placesOf: (data: T) => readonly MapPlace[]): readonly MapPlace[] | undefined {
  if (of.state === "loading") return undefined;
  return of.state === "failed" ? [] : placesOf(of.data);
}

/** Keep a layer's marks on the map until it is taken away; `and` is what they depend on besides the answer. */
export function useMarks<T>(
  id: string,
  onFound: Asked["onFound"],
  of: Resource<T>,
  placesOf: (data: T) => readonly MapPlace[],
  and: readonly unknown[],
): void {
  useEffect(() => {
    const marks = marksOf(of, placesOf);
    if (marks !== undefined) onFound(id, marks);
  }, [of, ...and]);
  useEffect(() => () => onFound(id, null), []);
}
