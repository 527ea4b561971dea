// Which layers the map can show: readings of feeds, panels that fill what is missing, forecasts of applications.

import type { App, Feed, Panel, PanelColumn } from "../../api/types";

export type LayerOf =
  | { readonly kind: "feed"; readonly id: string; readonly feed: Feed }
  | { readonly kind: "panel"; readonly id: string; readonly panel: Panel; readonly column: PanelColumn; readonly feed: Feed }
  | { readonly kind: "app"; readonly id: string; readonly app: App; readonly target: string };

/** All layers there are: those of feeds first. Ids go into addresses. */
export function layersOf(feeds: readonly Feed[], panels: readonly Panel[], apps: readonly App[]): LayerOf[] {
  const known = new Map(feeds.map((feed) => [feed.feed, feed]));
  return [
    ...feeds.map((feed): LayerOf => ({ kind: "feed", id: feed.feed, feed })),
    ...panels.flatMap((panel) =>
      panel.columns.flatMap((column): LayerOf[] => {
        const feed = known.get(column.feed);
        // A server of before does not say by which column a panel is keyed: then no place is known.
        if (feed === undefined || typeof column.key !== "string") return [];
        return [{ kind: "panel", id: `panel:${panel.panel}:${column.name}`, panel, column, feed }];
      }),
    ),
    ...apps.flatMap((app) =>
      Object.keys(app.targets).map((target): LayerOf => ({ kind: "app", id: `app:${app.app}:${target}`, app, target })),
    ),
  ];
}

/** The ids that an address names, of layers that there may be; null where it names none. */
export function idsOf(text: string | undefined): ReadonlySet<string> | null {
  return text === undefined ? null : new Set(text.split(","));
}

/** The ids that are wanted, of those there are; where nobody said what, the first three feeds. */
export function firstLayers(layers: readonly LayerOf[], wanted: ReadonlySet<string> | null): ReadonlySet<string> {
  const ids = new Set(layers.map((layer) => layer.id));
  if (wanted !== null) return new Set([...wanted].filter((id) => ids.has(id)));
  return new Set(layers.filter((layer) => layer.kind === "feed").slice(0, 3).map((layer) => layer.id));
}
