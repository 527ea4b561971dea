// What stands around every view: whose city, where to go, which language, and how the server is.

import type { ComponentChildren, JSX } from "preact";
import { live } from "./api/events";
import { session } from "./api/session";
import type { City } from "./api/types";
import { language, LANGUAGES, said, speak, t, type Language } from "./language";
import { linkTo, VIEWS, type ViewName } from "./router";
import { paint, theme, THEMES, type Theme } from "./theme";

const LINKED = VIEWS.filter((view) => !["sensor", "lineage", "account"].includes(view));

export function Shell(props: {
  readonly city: City | null;
  readonly view: ViewName | null;
  readonly isAlone?: boolean;
  readonly children: ComponentChildren;
}): JSX.Element {
  const { city, view, isAlone = false } = props;
  return (
    <>
      <a class="skip" href="#main" onClick={toMain}>
        {t("nav.skip")}
      </a>
      <header class="top">
        <p class="brand">
          <Seal /> {city === null ? "Veracity" : said(city.name)}
          {city?.simulated && <span class="sim">{t("simulated")}</span>}
        </p>
        {!isAlone && (
          <nav aria-label={t("nav.title")}>
            {LINKED.map((name) => (
              <a key={name} href={linkTo(name)} aria-current={isCurrent(view, name) ? "page" : undefined}>
                {t(`nav.${name}`)}
              </a>
            ))}
          </nav>
        )}
        <div class="choices">
          {!isAlone && <Liveness />}
          {!isAlone && session.value !== null && (
            <a href={linkTo("account")} class="who" aria-current={view === "account" ? "page" : undefined}>
              {session.value.account === null ? t("nav.account") : session.value.account.name}
            </a>
          )}
          <div class="boxes">
            <label>
              <span class="hidden">{t("nav.language")}</span>
              <select value={language.value} onChange={(event) => speak(event.currentTarget.value as Language)}>
                {LANGUAGES.map(([name, own]) => (
                  <option key={name} value={name} lang={name}>
                    {own}
                  </option>
                ))}
              </select>
            </label>
            <label>
              <span class="hidden">{t("nav.theme")}</span>
              <select value={theme.value} onChange={(event) => paint(event.currentTarget.value as Theme)}>
                {THEMES.map((name) => (
                  <option key={name} value={name}>
                    {t(`theme.${name}`)}
                  </option>
                ))}
              </select>
            </label>
          </div>
        </div>
      </header>
      <main id="main" tabIndex={-1} class={view ?? undefined}>
        {props.children}
      </main>
      <footer>
        <p class="soft">{t(isAlone ? "footer.alone" : "footer")}</p>
      </footer>
    </>
  );
}

function Liveness(): JSX.Element {
  return (
    <span class={`live is-${live.value}`} role="status">
      <span class="dot" aria-hidden="true" /> <span class="words">{t(`live.${live.value}`)}</span>
    </span>
  );
}

function Seal(): JSX.Element {
  return (
    <svg class="seal" viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
      <circle cx="16" cy="16" r="15" />
      <path d="M8 17l6 6 11-13" />
    </svg>
  );
}

/** A link to a place in the page would change the route. */
function toMain(event: MouseEvent): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function isCurrent(view: ViewName | null, name: ViewName): boolean {
  return view === name || (view === "sensor" && name === "city") || (view === "lineage" && name === "log");
}
