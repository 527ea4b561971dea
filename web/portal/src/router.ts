// Where the reader is: after the hash, so that it works on any server, in any folder, and from a disk.

export const VIEWS = ["city", "sensor", "verify", "lineage", "models", "quality", "log", "account"] as const;

export type ViewName = (typeof VIEWS)[number];

/** A view, what it shows (`lineage/row/air/3/14` has four places) and how. */
export interface Route {
  readonly view: ViewName;
  readonly places: readonly string[];
  readonly query: ReadonlyMap<string, string>;
}

/** Read a hash; null for one that names no view. */
export function parseRoute(hash: string): Route | null {
  const [path = "", query = ""] = split(hash.replace(/^#\/?/, ""), "?");
  const [view = "", ...places] = path.split("/");
  if (path === "") return { view: "city", places: [], query: readQuery(query) };
  const known = VIEWS.find((name) => name === view);
  if (known === undefined) return null;
  const decoded = places.filter((place) => place !== "").map(decode);
  if (decoded.includes(null)) return null;
  return { view: known, places: decoded as string[], query: readQuery(query) };
}

/** Write a hash that `parseRoute` reads back; undefined and empty values are left out. */
export function linkTo(
  view: ViewName,
  places: readonly (string | number)[] = [],
  query: Readonly<Record<string, string | undefined>> = {},
): string {
  const path = [view, ...places.map((place) => encodeURIComponent(place))].join("/");
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const search = new URLSearchParams(pairs as [string, string][]).toString();
  return `#/${path}${search === "" ? "" : `?${search}`}`;
}

function readQuery(text: string): ReadonlyMap<string, string> {
  return new Map(new URLSearchParams(text));
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null; // a lone per cent sign
  }
}

function split(text: string, by: string): [string, string] {
  const at = text.indexOf(by);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
