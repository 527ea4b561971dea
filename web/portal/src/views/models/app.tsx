// One application: what it forecasts against what came, its scoreboard, and its decisions with their receipts.

import { useSignal, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import { query } from "../../api/client";
import { useResource } from "../../api/resource";
import type { App, Decision, List } from "../../api/types";
import { Facts, Table } from "../../parts/facts";
import { ForRole } from "../../parts/for_role";
import { Simulated } from "../../parts/mark";
import { SealOf } from "../../parts/seal";
import { Loaded } from "../../parts/states";
import { said, t, tWord } from "../../language";
import { number, short, time } from "../../language/format";
import { linkTo } from "../../router";
import { sitesOf, usePlaces } from "../city/sites";
import { OneForecast } from "../sensor/sensor";
import { fieldWords } from "../words";
import { Scoreboard } from "./scoreboard";

const PAGE = 25;

export function AppPage({ name }: { readonly name: string }): JSX.Element {
  const apps = useResource<List<App>>("api/v1/apps");
  return (
    <>
      <p class="soft">
        <a href={linkTo("models")}>{t("models.title")}</a> › {t("models.app")}
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
      <Facts
        items={[
          [t("models.stage"), app.stage === null ? t("models.not-released") : tWord("stage", app.stage)],
          [t("models.owner"), app.owner],
          [t("models.risk"), app.risk && `${tWord("risk", app.risk)}. ${app.risk_why ?? ""}`],
          [t("models.affected"), said(app.affected)],
          [t("models.appeal"), said(app.appeal)],
        ]}
      />
      <Fans app={app} />
      <Scoreboard app={app.app} />
      <Decisions app={app} />
      <ForRole
        role="operator"
        title={t("models.override-acts")}
        commands={[
          `veracity app override ${app.app} --run RUN --record DECISION --value VALUE --request REQUEST`,
          `veracity officer sign REQUEST --key KEY --by NAME --why "WHY" -o APPROVAL`,
          `veracity app override ${app.app} --run RUN --record DECISION --value VALUE --approval APPROVAL`,
        ]}
      />
    </>
  );
}

/** What it expected of one place, against what came. */
function Fans({ app }: { readonly app: App }): JSX.Element | null {
  const place = useSignal(app.keys[0] ?? "");
  const targets = Object.keys(app.targets);
  const target = useSignal(targets[0] ?? "");
  const places = usePlaces(app.feeds);
  const sites = sitesOf(app.feeds, places);
  const nameOf = (key: string) => {
    const title = sites.get(key)?.title ?? key;
    return title === key ? key : `${title} (${key})`;
  };
  if (app.keys.length === 0 || targets.length === 0) return null;
  return (
    <section aria-labelledby="fans">
      <h2 id="fans">{t("forecast.heading")}</h2>
      <div class="tools">
        <Choice label={t("score.key")} of={place} from={app.keys} words={nameOf} />
        <Choice label={t("sensor.field")} of={target} from={targets} words={fieldWords} />
      </div>
      <OneForecast key={`${place.value} ${target.value}`} app={app.app} id={place.value} target={target.value} />
    </section>
  );
}

function Choice(props: {
  readonly label: string;
  readonly of: Signal<string>;
  readonly from: readonly string[];
  readonly words: (name: string) => string;
}): JSX.Element {
  return (
    <label>
      <span>{props.label}</span>
      <select value={props.of.value} onChange={(event) => (props.of.value = event.currentTarget.value)}>
        {props.from.map((name) => (
          <option key={name} value={name}>
            {props.words(name)}
          </option>
        ))}
      </select>
    </label>
  );
}

function Decisions({ app }: { readonly app: App }): JSX.Element {
  const list = useResource<List<Decision>>(`api/v1/apps/${encodeURIComponent(app.app)}/decisions${query({ limit: PAGE })}`);
  const head = ["models.run", "shown.made", "shown.stage", "models.rows", "models.overruled", "models.model", "seal.title"] as const;
  return (
    <section aria-labelledby="decisions">
      <h2 id="decisions">{t("models.decisions")}</h2>
      <p class="soft">{t("models.decisions-why")}</p>
      <Loaded of={list} isEmpty={({ items }) => items.length === 0} empty={t("models.no-decisions")}>
        {({ items }) => (
          <Table caption={t("models.decisions")} head={head.map((key) => t(key))} numeric={[3, 4]}>
            {items.map((one) => (
              <tr key={one.entry}>
                <th scope="row">
                  {number(one.run)} <Simulated is={one.simulated} />
                </th>
                <td>{time(one.made_at)}</td>
                <td>{tWord("stage", one.stage)}</td>
                <td class="num">{number(one.n_rows)}</td>
                <td class="num">{number(one.n_overrides)}</td>
                <td>{one.model === null ? "–" : <a href={linkTo("models", [one.model])}>{short(one.model)}</a>}</td>
                <td>
                  <SealOf path={one.receipt} about={t("models.run-of", { run: one.run })} lineage={linkTo("lineage", [one.entry])} />
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Loaded>
    </section>
  );
}
