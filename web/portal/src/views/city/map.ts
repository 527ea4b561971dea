// The map: MapLibre with the city's own geometry. It reaches nobody else: no base map, no glyphs, no sprites from outside.
// What it shows, the list beside it says too: a canvas has no words for those who cannot see it.

import "maplibre-gl/dist/maplibre-gl.css";
import { Map as MapLibre, NavigationControl, ScaleControl, setWorkerUrl, type GeoJSONSource, type StyleSpecification } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import type { FeatureCollection } from "geojson";
import { colour } from "../../theme";
import { allMade, drawMark, markName } from "./mark_image";

setWorkerUrl(workerUrl);

export interface MapPlace {
  readonly id: string; // "<feed>/<key>"
  readonly at: readonly [number, number];
  readonly label: string;
  readonly mark: string;
  readonly order: number; // of its layer
}

export interface CityMap {
  show(places: readonly MapPlace[]): void;
  fit(box: readonly [number, number, number, number]): void;
  repaint(): void;
  remove(): void;
}

type Collection = FeatureCollection;

const NOTHING: Collection = { type: "FeatureCollection", features: [] };

export function openMap(
  container: HTMLElement,
  geometry: Collection | null,
  words: { readonly title: string; readonly zoomIn: string; readonly zoomOut: string },
  onOpen: (id: string) => void,
): CityMap {
  const map = new MapLibre({
    container,
    style: style(geometry ?? NOTHING),
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
  let last: Collection = NOTHING;
  const put = () => (map.getSource("places") as GeoJSONSource | undefined)?.setData(last);
  const paintMarks = () => {
    for (const made of allMade()) {
      const image = drawMark(made, 2);
      if (map.hasImage(markName(made))) map.updateImage(markName(made), image);
      else map.addImage(markName(made), image, { pixelRatio: 2 });
    }
  };
  let isReady = false;
  map.on("load", () => {
    isReady = true;
    paintMarks();
    put();
  });
  map.on("click", "places", (event) => {
    const id: unknown = event.features?.[0]?.properties["id"];
    if (typeof id === "string") onOpen(id);
  });
  map.on("mouseenter", "places", () => (map.getCanvas().style.cursor = "pointer"));
  map.on("mouseleave", "places", () => (map.getCanvas().style.cursor = ""));
  return {
    show(places) {
      last = {
        type: "FeatureCollection",
        features: places.map(({ id, at, label, mark, order }) => ({
          type: "Feature",
          geometry: { type: "Point", coordinates: [...at] },
          properties: { id, label, mark, order },
        })),
      };
      if (isReady) put();
    },
    fit(box) {
      map.fitBounds([...box] as [number, number, number, number], { padding: 36, animate: false, maxZoom: 14 });
    },
    repaint() {
      if (!isReady) return;
      paintMarks();
      map.setPaintProperty("water", "background-color", colour("water"));
      map.setPaintProperty("land", "fill-color", colour("land"));
      map.setPaintProperty("edges", "line-color", colour("gap"));
      map.setPaintProperty("places", "text-color", colour("fg"));
      map.setPaintProperty("places", "text-halo-color", colour("bg"));
    },
    remove() {
      map.remove();
    },
  };
}

function style(geometry: Collection): StyleSpecification {
  return {
    version: 8,
    sources: {
      city: { type: "geojson", data: geometry },
      places: { type: "geojson", data: NOTHING },
    },
    layers: [
      { id: "water", type: "background", paint: { "background-color": colour("water") } },
      {
        id: "land",
        type: "fill",
        source: "city",
        filter: ["in", ["geometry-type"], ["literal", ["Polygon", "MultiPolygon"]]],
        paint: { "fill-color": colour("land") },
      },
      { id: "edges", type: "line", source: "city", paint: { "line-color": colour("gap"), "line-width": 0.8, "line-opacity": 0.6 } },
      {
        id: "places",
        type: "symbol",
        source: "places",
        layout: {
          "symbol-sort-key": ["get", "order"],
          "icon-image": ["get", "mark"],
          "icon-allow-overlap": true,
          "text-field": ["get", "label"],
          "text-size": 12,
          "text-offset": [0, 1.1],
          "text-anchor": "top",
          "text-optional": true,
        },
        paint: { "text-color": colour("fg"), "text-halo-color": colour("bg"), "text-halo-width": 1.5 },
      },
    ],
  };
}
