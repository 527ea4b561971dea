// The map: MapLibre on the city's own ground. It reaches nobody else: no glyphs, no sprites from outside, and an online
// base map only where the city offers one and the reader asks for it.
// What it shows, the list beside it says too: a canvas has no words for those who cannot see it.

import "maplibre-gl/dist/maplibre-gl.css";
import { Map as MapLibre, NavigationControl, ScaleControl, setWorkerUrl, type GeoJSONSource } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import type { FeatureCollection } from "geojson";
import type { BaseMap } from "../../api/types";
import { allMade, drawMark, markName } from "./mark_image";
import { GROUND, NOTHING, paintsOf, styleOf } from "./map_style";

setWorkerUrl(workerUrl);

type Paint = Parameters<MapLibre["setPaintProperty"]>;

/** One mark on the map. */
export interface MapPlace {
  readonly href: string; // where a click leads
  readonly at: readonly [number, number];
  readonly label: string;
  readonly mark: string;
}

/** Marks of one layer; of two layers at one place the marks stand side by side. */
export interface MapLayer {
  readonly kind: "feed" | "panel" | "app";
  readonly order: number;
  readonly places: readonly MapPlace[];
}

export interface CityMap {
  show(layers: readonly MapLayer[]): void;
  ground(collection: FeatureCollection): void;
  base(map: BaseMap | null): void;
  fit(box: readonly [number, number, number, number]): void;
  repaint(): void;
  remove(): void;
}

export function openMap(
  container: HTMLElement,
  words: { readonly title: string; readonly zoomIn: string; readonly zoomOut: string },
  onOpen: (href: string) => void,
): CityMap {
  const map = new MapLibre({
    container,
    style: styleOf(),
    center: [108.2, 16.06],
    zoom: 10,
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    locale: {
      "Map.Title": words.title,
      "NavigationControl.ZoomIn": words.zoomIn,
      "NavigationControl.ZoomOut": words.zoomOut,
    },
  });
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  map.addControl(new ScaleControl({ unit: "metric" }), "bottom-left");
  const waiting: (() => void)[] = [];
  let isReady = false;
  const ready = (act: () => void) => (isReady ? act() : waiting.push(act));
  const put = (source: string, data: FeatureCollection) => ready(() => map.getSource<GeoJSONSource>(source)?.setData(data));
  const paintMarks = () => {
    for (const made of allMade()) {
      const image = drawMark(made, 2);
      if (map.hasImage(markName(made))) map.updateImage(markName(made), image);
      else map.addImage(markName(made), image, { pixelRatio: 2 });
    }
  };
  map.on("load", () => {
    isReady = true;
    paintMarks();
    for (const act of waiting.splice(0)) act();
  });
  map.on("click", "places", (event) => {
    const href: unknown = event.features?.[0]?.properties["href"];
    if (typeof href === "string") onOpen(href);
  });
  map.on("mouseenter", "places", () => (map.getCanvas().style.cursor = "pointer"));
  map.on("mouseleave", "places", () => (map.getCanvas().style.cursor = ""));
  let isOnBase = false;
  const paint = () => {
    for (const [layer, name, value] of paintsOf(isOnBase)) map.setPaintProperty(layer, name as Paint[1], value as Paint[2]);
  };
  return {
    show: (layers) => put("places", collectionOf(layers)),
    ground: (collection) => put(GROUND, collection),
    base(wanted) {
      ready(() => {
        if (map.getLayer("base") !== undefined) {
          map.removeLayer("base");
          map.removeSource("base");
        }
        isOnBase = wanted !== null;
        if (wanted !== null) {
          map.addSource("base", { type: "raster", tiles: [wanted.tiles], tileSize: 256, maxzoom: wanted.max_zoom });
          map.addLayer({ id: "base", type: "raster", source: "base" }, "land");
        }
        paint();
      });
    },
    fit(box) {
      map.fitBounds([...box] as [number, number, number, number], { padding: 36, animate: false, maxZoom: 14 });
    },
    repaint() {
      ready(() => {
        paintMarks();
        paint();
      });
    },
    remove() {
      map.remove();
    },
  };
}

function collectionOf(layers: readonly MapLayer[]): FeatureCollection {
  return {
    ...NOTHING,
    features: layers.flatMap(({ kind, order, places }) =>
      places.map(({ href, at, label, mark }) => ({
        type: "Feature",
        geometry: { type: "Point", coordinates: [...at] },
        properties: { href, label, mark, kind, order },
      })),
    ),
  };
}
