// The portal: a route in, its view out. Each view but the first is fetched when it is first looked at.

import { useSignal } from "@preact/signals";
import type { ComponentType, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { told } from "./api/events";
import { useResource } from "./api/resource";
import { whoAmIQuietly } from "./api/session";
import type { City } from "./api/types";
import { language, t } from "./language";
import { clockOffsetMs, zone } from "./language/format";
import { parseRoute, linkTo, type Route, type ViewName } from "./router";
import { Loading } from "./parts/states";
import { Shell } from "./shell";
import { served } from "./views/verify/trust";

export interface ViewProps {
  readonly route: Route;
  readonly city: City | null;
}

const VIEWS: Readonly<Record<ViewName, () => Promise<ComponentType<ViewProps>>>> = {
  city: async () => (await import("./views/city/city")).CityView,
  sensor: async () => (await import("./views/sensor/sensor")).SensorView,
  verify: async () => (await import("./views/verify/view")).VerifyView,
  lineage: async () => (await import("./views/lineage/lineage")).LineageView,
  models: async () => (await import("./views/models/models")).ModelsView,
  quality: async () => (await import("./views/quality/quality")).QualityView,
  log: async () => (await import("./views/log/log")).LogView,
  account: async () => (await import("./views/account/account")).AccountView,
};

const FETCH_VIEWS_MS = 4_000; // the first view comes first

export function Portal(): JSX.Element {
  const route = useRoute();
  const city = useResource<City>("api/v1/city");
  const known = city.state === "ready" ? city.data : null;
  useEffect(() => {
    if (known === null) return;
    served.value = known.policy;
    zone.value = known.timezone;
    const now = Date.parse(known.now);
    if (!Number.isNaN(now)) clockOffsetMs.value = now - Date.now();
    // What is told from now on is news if it is more than this.
    if (told.peek() === null) told.value = { size: known.log.size, statements: [] };
  }, [known]);
  useEffect(() => void whoAmIQuietly(), []);
  useEffect(fetchViews, []);
  useEffect(() => {
    document.documentElement.lang = language.value;
    document.title = `${t(route === null ? "nav.missing" : `nav.${route.view}`)} · Veracity`;
  }, [language.value, route]);
  return (
    <Shell city={known} view={route?.view ?? null}>
      {city.state === "failed" && city.error.status !== 401 && <ServerAway code={city.error.code} />}
      {city.state === "failed" && city.error.status === 401 && route?.view !== "account" && <Closed />}
      {route === null ? <Missing /> : <View key={route.view} route={route} city={known} />}
    </Shell>
  );
}

function View({ route, city }: ViewProps): JSX.Element {
  const view = useSignal<{ made: ComponentType<ViewProps> } | "failed" | null>(null);
  useEffect(() => {
    VIEWS[route.view]().then(
      (made) => (view.value = { made }),
      () => (view.value = "failed"),
    );
  }, [route.view]);
  if (view.value === null) return <Loading />;
  if (view.value === "failed") {
    return (
      <p class="state failed" role="alert">
        {t("failed.view")}{" "}
        <button type="button" class="small" onClick={() => void anew()}>
          {t("state.again")}
        </button>
      </p>
    );
  }
  const Made = view.value.made;
  return <Made route={route} city={city} />;
}

/** Load the page anew, if its server is there: where it is away, what is shown stays. */
async function anew(): Promise<void> {
  const found = await fetch(document.baseURI, { cache: "no-store" }).catch(() => null);
  if (found?.ok) location.reload();
}

/** Fetch the other views while nothing else is to be done: they open at once, and when the server is away. */
function fetchViews(): () => void {
  const timer = setTimeout(() => {
    for (const fetchView of Object.values(VIEWS)) fetchView().catch(() => undefined);
  }, FETCH_VIEWS_MS);
  return () => clearTimeout(timer);
}

function Missing(): JSX.Element {
  return (
    <div class="state">
      <h1>{t("nav.missing")}</h1>
      <p>
        <a href={linkTo("city")}>{t("nav.city")}</a>
      </p>
    </div>
  );
}

/** The city is closed: who has an account may read. */
function Closed(): JSX.Element {
  return (
    <p class="state" role="status">
      {t("account.closed")} <a href={linkTo("account")}>{t("nav.account")}</a>
    </p>
  );
}

function ServerAway({ code }: { readonly code: string }): JSX.Element {
  return (
    <p class="state stale" role="alert">
      {t("failed.city")} <code>{code}</code>
    </p>
  );
}

/** The route of the address, as it changes; a new view is announced by its heading, which gets the focus. */
function useRoute(): Route | null {
  const route = useSignal(parseRoute(location.hash));
  const isFirst = useRef(true);
  useEffect(() => {
    const read = () => (route.value = parseRoute(location.hash));
    addEventListener("hashchange", read);
    return () => removeEventListener("hashchange", read);
  }, []);
  const where = `${route.value?.view}/${route.value?.places.join("/")}`;
  useEffect(() => {
    if (isFirst.current) isFirst.current = false;
    else {
      scrollTo(0, 0);
      document.getElementById("main")?.focus({ preventScroll: true });
    }
  }, [where]);
  return route.value;
}
