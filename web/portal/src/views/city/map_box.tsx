// Where the map stands, fetched when it is first shown; where it cannot be drawn, the list says the same.

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { City } from "../../api/types";
import { t } from "../../language";
import { painted } from "../../theme";
import { fetchGround, type FetchedGround } from "./ground";
import type { CityMap, MapLayer } from "./map";
import { boxOf } from "./tiles";

export function MapBox(props: { readonly layers: readonly MapLayer[]; readonly city: City }): JSX.Element {
  const { layers, city } = props;
  const box = useRef<HTMLDivElement>(null);
  const map = useRef<CityMap | null>(null);
  const state = useSignal<"loading" | "shown" | "failed">("loading");
  const ground = useSignal<FetchedGround | null>(null);
  const isOnline = useSignal(false);
  const fitted = useRef("");
  const offered = city.base_map ?? null;

  useEffect(() => {
    let isGone = false;
    const open = async () => {
      const [{ openMap }, fetched] = await Promise.all([import("./map"), fetchGround(city.ground)]);
      if (isGone || box.current === null) return;
      const words = { title: t("map.title"), zoomIn: t("map.in"), zoomOut: t("map.out") };
      map.current = openMap(box.current, words, (href) => (location.hash = href));
      if (fetched !== null) map.current.ground(fetched.collection);
      ground.value = fetched;
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
    map.current.show(layers);
    const around = boxOf(layers.flatMap(({ places }) => places.map(({ at }) => at)), city.bbox);
    const which = layers.map(({ order }) => order).join();
    if (around !== null && which !== fitted.current) {
      fitted.current = which;
      map.current.fit(around);
    }
  }, [layers, isShown]);
  useEffect(() => map.current?.repaint(), [painted.value]);
  useEffect(() => map.current?.base(isOnline.value ? offered : null), [isOnline.value, isShown]);

  return (
    <>
      <div class="map-box" data-state={state.value}>
        <div ref={box} class="map" />
        {state.value === "loading" && <p class="map-note">{t("state.loading")}</p>}
        {state.value === "failed" && (
          <p class="map-note" role="status">
            {t("map.failed")}
          </p>
        )}
      </div>
      <MapFoot city={city} ground={ground.value} isOnline={isOnline.value} />
      {offered !== null && isShown && (
        <label class="tick">
          <input type="checkbox" checked={isOnline.value} onChange={() => (isOnline.value = !isOnline.value)} />{" "}
          {t("map.online", { host: hostOf(offered.tiles) })}
        </label>
      )}
    </>
  );
}

/** Whose map this is; where it is drawn of nothing, that it is. */
function MapFoot(props: { readonly city: City; readonly ground: FetchedGround | null; readonly isOnline: boolean }): JSX.Element | null {
  const { city, ground, isOnline } = props;
  const told = city.ground ?? null;
  const by = isOnline ? [city.base_map?.attribution ?? ""] : [];
  if (told !== null && ground !== null) {
    const source = told.source ?? t("map.no-source");
    by.push(told.licence === null ? t("map.ground", { source }) : `${t("map.ground", { source })} (${told.licence})`);
    if (told.simulated === true) by.push(t("map.simulated"));
    if (ground.isAsTold === false) by.push(t("map.another"));
  }
  return by.length === 0 ? null : <p class="soft map-foot">{by.join(" · ")}</p>;
}

function hostOf(tiles: string): string {
  try {
    return new URL(tiles).host;
  } catch {
    return tiles;
  }
}
