// One application: what it forecasts against what came, its scoreboard, and its decisions with their receipts.

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { query } from "../../api/client";
import { useResource } from "../../api/resource";
import type { App, Decision, List } from "../../api/types";
import { Table } from "../../parts/facts";
import { Simulated } from "../../parts/mark";
import { SealOf } from "../../parts/seal";
import { Loaded } from "../../parts/states";
import { said, t, tWord } from "../../language";
import { number, short, time } from "../../language/format";
import { linkTo } from "../../router";
import { OneForecast } from "../sensor/sensor";

const PAGE = 25;

export function AppPage({ name }: { readonly name: string }): JSX.Element {
  const apps = useResource<List<App>>("api/v1/apps");
  return (
    <>
      <p class="soft">
        <a href={linkTo("models")}>{t("models.title")}</a> › {name}
      </p>
      <Loaded of={apps} isEmpty={({ items }) => !items.some((app) => app.app === name)} empty={t("models.no-app")}>
        {({ items }) => <OneApp app={items.find((app) => app.app === name) as App} />}
      </Loaded>
    </>
  );
}

function OneApp({ app }: { readonly app: App }): JSX.Element {
  return (
    <>
      <h1 tabIndex={-1}>
        {said(app.title) || app.app} <Simulated is={app.simulated} />
      </h1>
      <p>{said(app.description)}</p>
      <p class="soft">{app.stage === null ? t("models.not-released") : tWord("stage", app.stage)}</p>
      <Scoreboard app={app.app} />
      <Decisions app={app} />
    </>
  );
}

type Score = Readonly<Record<string, unknown>>;

/** The scoreboard's columns are its scores': they differ from system to system. */
function Scoreboard({ app }: { readonly app: string }): JSX.Element {
  const board = useResource<{ readonly items: readonly Score[] }>(`api/v1/apps/${encodeURIComponent(app)}/scoreboard`);
  return (
    <section aria-labelledby="scoreboard">
      <h2 id="scoreboard">{t("models.scoreboard")}</h2>
      <p class="soft">{t("models.scoreboard-why")}</p>
      <Loaded of={board} isEmpty={({ items }) => items.length === 0} empty={t("models.no-scores")}>
        {({ items }) => {
          const columns = [...new Set(items.flatMap((item) => Object.keys(item)))].filter(
            (name) => !items.some((item) => typeof item[name] === "object" && item[name] !== null),
          );
          return (
            <Table caption={t("models.scoreboard")} head={columns.map((name) => tWord("score", name))}>
              {items.map((item, i) => (
                <tr key={i}>
                  {columns.map((name) => (
                    <td key={name}>{cell(item[name])}</td>
                  ))}
                </tr>
              ))}
            </Table>
          );
        }}
      </Loaded>
    </section>
  );
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number") return number(value, 3);
  if (typeof value === "string" && /^\d{4}-\d\d-\d\dT/.test(value)) return time(value);
  return String(value);
}

function Decisions({ app }: { readonly app: App }): JSX.Element {
  const list = useResource<List<Decision>>(`api/v1/apps/${encodeURIComponent(app.app)}/decisions${query({ limit: PAGE })}`);
  const chosen = useSignal<string | null>(null);
  return (
    <section aria-labelledby="decisions">
      <h2 id="decisions">{t("models.decisions")}</h2>
      <p class="soft">{t("models.decisions-why")}</p>
      <Loaded of={list} isEmpty={({ items }) => items.length === 0} empty={t("models.no-decisions")}>
        {({ items }) => {
          const keys = [...new Set(items.flatMap(({ key }) => (typeof key === "string" ? [key] : [])))];
          const key = chosen.value ?? keys[0];
          return (
            <>
              {keys.length > 0 && (
                <>
                  <div class="tools">
                    <label>
                      <span>{t("quality.sensor")}</span>
                      <select value={key} onChange={(event) => (chosen.value = event.currentTarget.value)}>
                        {keys.map((name) => (
                          <option key={name} value={name}>
                            {name}
                          </option>
                        ))}
                      </select>
                    </label>
                  </div>
                  {app.targets.map((target) => (
                    <OneForecast key={`${key} ${target}`} app={app.app} id={key ?? ""} target={target} />
                  ))}
                </>
              )}
              <Table
                caption={t("models.decisions")}
                head={[t("lineage.entry"), t("shown.made"), t("lineage.about"), t("models.model"), t("seal.title")]}
              >
                {items.map((one) => (
                  <tr key={`${one.entry} ${one.record ?? ""}`}>
                    <th scope="row">{number(one.entry)}</th>
                    <td>{time(one.made_at)}</td>
                    <td>
                      {[one.key, one.target].filter(Boolean).join(", ")} {one.due && <>({time(one.due)})</>}{" "}
                      <Simulated is={one.simulated} />
                    </td>
                    <td>
                      {one.model === null ? "–" : <a href={linkTo("models", [one.model])}>{short(one.model)}</a>}
                    </td>
                    <td>
                      <SealOf
                        path={typeof one.receipt === "string" ? one.receipt.replace(/^\/+/, "") : null}
                        about={`${one.entry}`}
                        lineage={linkTo("lineage", [one.entry])}
                      />
                    </td>
                  </tr>
                ))}
              </Table>
            </>
          );
        }}
      </Loaded>
    </section>
  );
}
