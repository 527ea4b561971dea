// Where the map stands, fetched when it is first shown; where it cannot be drawn, the list says the same.

import type { FeatureCollection } from "geojson";
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { getJson } from "../../api/client";
import { said, t } from "../../language";
import { number } from "../../language/format";
import { unitWords } from "../../language/units";
import { painted } from "../../theme";
import { linkTo } from "../../router";
import type { Found } from "./city";
import type { CityMap, MapPlace } from "./map";
import { markName } from "./mark_image";
import { boxOf, madeOf, valuesOf } from "./tiles";

export function MapBox(props: {
  readonly found: Found;
  readonly box: readonly [number, number, number, number] | null;
  readonly geometry: string | null;
}): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const map = useRef<CityMap | null>(null);
  const state = useSignal<"loading" | "shown" | "failed">("loading");
  const fitted = useRef("");

  useEffect(() => {
    let isGone = false;
    const open = async () => {
      const [{ openMap }, geometry] = await Promise.all([import("./map"), geometryOrNull(props.geometry)]);
      if (isGone || box.current === null) return;
      const words = { title: t("map.title"), zoomIn: t("map.in"), zoomOut: t("map.out") };
      map.current = openMap(box.current, geometry, words, (id) => {
        const [feed = "", key = ""] = id.split("\n");
        location.hash = linkTo("sensor", [feed, key]);
      });
      state.value = "shown";
    };
    open().catch(() => (state.value = "failed"));
    return () => {
      isGone = true;
      map.current?.remove();
      map.current = null;
    };
  }, []);

  const isShown = state.value === "shown";
  useEffect(() => {
    if (map.current === null) return;
    map.current.show(placesOf(props.found));
    const around = boxOf([...props.found.values()].flatMap(({ places }) => places), props.box);
    const which = [...props.found.keys()].sort().join();
    if (around !== null && which !== fitted.current) {
      fitted.current = which;
      map.current.fit(around);
    }
  }, [props.found, isShown]);
  useEffect(() => map.current?.repaint(), [painted.value]);

  return (
    <div class="map-box" data-state={state.value}>
      <div ref={box} class="map" />
      {state.value === "loading" && <p class="map-note">{t("state.loading")}</p>}
      {state.value === "failed" && (
        <p class="map-note" role="status">
          {t("map.failed")}
        </p>
      )}
    </div>
  );
}

function placesOf(found: Found): MapPlace[] {
  // In one order, whichever answer came first: where labels have no room, those of the first layer stay.
  const layers = [...found.values()].sort((a, b) => a.feed.feed.localeCompare(b.feed.feed));
  return layers.flatMap(({ feed, places }, order) =>
    places.flatMap((place) => {
      if (place.geometry === null) return [];
      const first = valuesOf(feed, place, 1)[0]?.shown;
      const value = typeof first?.value === "number" ? `${number(first.value, 1)} ${unitWords(first.unit)}` : "";
      return [
        {
          id: `${feed.feed}\n${place.properties.key}`,
          at: place.geometry.coordinates,
          label: value === "" ? said(place.properties.title) || place.properties.key : value,
          mark: markName(madeOf(feed, place)),
          order,
        },
      ];
    }),
  );
}

/** The city's own lines and areas, if it has some. */
async function geometryOrNull(path: string | null): Promise<FeatureCollection | null> {
  if (path === null) return null;
  try {
    return await getJson<FeatureCollection>(path);
  } catch {
    return null;
  }
}
