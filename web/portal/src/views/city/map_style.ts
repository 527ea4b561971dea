// How the map looks: water, the city's ground, marks, and labels where there is room for them.

import type { FeatureCollection } from "geojson";
import type { ExpressionSpecification, StyleSpecification } from "maplibre-gl";
import { colour } from "../../theme";

export const GROUND = "ground";
export const NOTHING: FeatureCollection = { type: "FeatureCollection", features: [] };

const NAMES_FROM_ZOOM = 11;
const PIXELS_PER_M = [1 / 294, 1 / 1.15] as const; // at zoom 8 and 16, where the built-in city is

const ROUND = { "line-cap": "round", "line-join": "round" } as const;
const kind = ["get", "kind"] as const;
const isLine = (name: string) => ["all", ["==", ["geometry-type"], "LineString"], ["==", kind, name]] as unknown as ExpressionSpecification;

/** What is drawn in the theme's colours, and again when the theme changes. Over a base map only borders are drawn. */
export function paintsOf(isOnBase: boolean): readonly (readonly [layer: string, property: string, value: unknown])[] {
  const ofKind = ["wood", "town", "beyond", "water"].flatMap((name) => [name, colour(name)]);
  const shown = isOnBase ? 0 : 1;
  return [
    ["water", "background-color", colour("water")],
    ["land", "fill-color", ["match", kind, ...ofKind, colour("land")]],
    ["land", "fill-opacity", shown],
    ["edges", "line-color", colour(isOnBase ? "gap" : "edge")],
    ["rivers", "line-color", colour("water")],
    ["rivers", "line-opacity", shown],
    ["kerbs", "line-color", colour("kerb")],
    ["kerbs", "line-opacity", shown],
    ["roads", "line-color", colour("road")],
    ["roads", "line-opacity", shown],
    ["names", "text-color", colour("soft")],
    ["names", "text-halo-color", colour("land")],
    ["labels", "text-color", colour("fg")],
    ["labels", "text-halo-color", colour("bg")],
  ];
}

function painted(layer: string): Record<string, unknown> {
  return Object.fromEntries(paintsOf(false).flatMap(([name, property, value]) => (name === layer ? [[property, value]] : [])));
}

/** Side by side: what a panel says to the left of what was measured, what is expected to the right. */
function beside(left: readonly number[], middle: readonly number[], right: readonly number[]): ExpressionSpecification {
  return ["match", ["get", "kind"], "panel", ["literal", [...left]], "app", ["literal", [...right]], ["literal", [...middle]]] as unknown as ExpressionSpecification;
}

function byZoom(...stops: readonly (readonly [zoom: number, width: unknown])[]): ExpressionSpecification {
  return ["interpolate", ["exponential", 2], ["zoom"], ...stops.flat()] as unknown as ExpressionSpecification;
}

/** A river as wide as it is, and never too thin to be seen. */
function riverWidth(): ExpressionSpecification {
  const wide = (perM: number) => ["max", 2, ["*", ["number", ["get", "width_m"], 50], perM]];
  return byZoom([8, wide(PIXELS_PER_M[0])], [16, wide(PIXELS_PER_M[1])]);
}

export function styleOf(): StyleSpecification {
  const areas: ExpressionSpecification = ["in", ["geometry-type"], ["literal", ["Polygon", "MultiPolygon"]]];
  return {
    version: 8,
    sources: {
      [GROUND]: { type: "geojson", data: NOTHING },
      places: { type: "geojson", data: NOTHING },
    },
    layers: [
      { id: "water", type: "background", paint: painted("water") },
      { id: "land", type: "fill", source: GROUND, filter: areas, paint: painted("land") },
      {
        id: "edges",
        type: "line",
        source: GROUND,
        filter: ["!", ["in", ["coalesce", ["get", "kind"], ""], ["literal", ["wood", "town", "water", "road"]]]],
        paint: { ...painted("edges"), "line-width": 0.8, "line-opacity": 0.8 },
      },
      { id: "rivers", type: "line", source: GROUND, filter: isLine("water"), layout: ROUND, paint: { ...painted("rivers"), "line-width": riverWidth() } },
      { id: "kerbs", type: "line", source: GROUND, filter: isLine("road"), layout: ROUND, paint: { ...painted("kerbs"), "line-width": byZoom([8, 1.6], [12, 3.4], [16, 12]) } },
      { id: "roads", type: "line", source: GROUND, filter: isLine("road"), layout: ROUND, paint: { ...painted("roads"), "line-width": byZoom([8, 0.7], [12, 2], [16, 9]) } },
      {
        id: "names",
        type: "symbol",
        source: GROUND,
        minzoom: NAMES_FROM_ZOOM,
        filter: ["has", "name"],
        layout: { "text-field": ["get", "name"], "text-size": 11 },
        paint: { ...painted("names"), "text-halo-width": 1 },
      },
      {
        id: "labels",
        type: "symbol",
        source: "places",
        layout: {
          "symbol-sort-key": ["get", "order"],
          "text-field": ["get", "label"],
          "text-size": 12,
          "text-offset": beside([-1.8, 0], [0, 1.1], [1.8, 0]),
          "text-anchor": ["match", ["get", "kind"], "panel", "right", "app", "left", "top"],
          "text-padding": 1,
        },
        paint: { ...painted("labels"), "text-halo-width": 1.5 },
      },
      // Above its labels, and so placed before them: no label covers a mark.
      {
        id: "places",
        type: "symbol",
        source: "places",
        layout: {
          "symbol-sort-key": ["get", "order"],
          "icon-image": ["get", "mark"],
          "icon-offset": beside([-20, 0], [0, 0], [20, 0]),
          "icon-allow-overlap": true,
          "icon-padding": 0,
        },
      },
    ],
  };
}
