// The AI register: each system that decides or advises, who allowed it, and how it does.

import type { JSX } from "preact";
import { useResource } from "../../api/resource";
import type { App, List, ModelItem } from "../../api/types";
import { Table } from "../../parts/facts";
import { Simulated } from "../../parts/mark";
import { Loaded } from "../../parts/states";
import { said, t, tWord } from "../../language";
import { number, short, time } from "../../language/format";
import type { ViewProps } from "../../portal";
import { linkTo } from "../../router";
import { fieldWords } from "../words";
import { AppPage } from "./app";
import { ModelPage } from "./model";

export function ModelsView({ route }: ViewProps): JSX.Element {
  const [first, second] = route.places;
  if (first === "app" && second !== undefined) return <AppPage key={second} name={second} />;
  return first === undefined ? <Register /> : <ModelPage key={first} id={first} />;
}

function Register(): JSX.Element {
  const models = useResource<List<ModelItem>>("api/v1/models");
  const apps = useResource<List<App>>("api/v1/apps");
  const head = ["models.model", "models.app", "models.stage", "models.tests", "models.released-by", "models.incidents"] as const;
  return (
    <>
      <h1 tabIndex={-1}>{t("models.title")}</h1>
      <p>{t("models.intro")}</p>
      <Loaded of={models} isEmpty={({ items }) => items.length === 0} empty={t("models.none")}>
        {({ items }) => (
          <Table caption={t("models.title")} head={head.map((key) => t(key))} numeric={[5]}>
            {items.map((item) => (
              <tr key={item.model}>
                <th scope="row">
                  <a href={linkTo("models", [item.model])}>{item.name}</a> <Simulated is={item.simulated} />
                  <br />
                  <code class="soft" title={item.model}>
                    {short(item.model)}
                  </code>
                </th>
                <td>{item.app === null ? "–" : <a href={linkTo("models", ["app", item.app])}>{item.app}</a>}</td>
                <td>{item.stage === null ? t("models.not-released") : tWord("stage", item.stage)}</td>
                <td>
                  <Tests of={item.assurance} />
                </td>
                <td>
                  {item.released_by ?? "–"}
                  {item.released_at !== null && (
                    <>
                      <br />
                      <span class="soft">{time(item.released_at)}</span>
                    </>
                  )}
                </td>
                <td class="num">{number(item.incidents)}</td>
              </tr>
            ))}
          </Table>
        )}
      </Loaded>
      <h2>{t("models.apps")}</h2>
      <Loaded of={apps} isEmpty={({ items }) => items.length === 0} empty={t("models.no-apps")}>
        {({ items }) => (
          <ul class="grid plain">
            {items.map((app) => (
              <li key={app.app} class="card">
                <h3>
                  <a href={linkTo("models", ["app", app.app])}>{said(app.title) || app.app}</a> <Simulated is={app.simulated} />
                </h3>
                <p>{said(app.description)}</p>
                <p class="soft">
                  {app.stage === null ? t("models.not-released") : tWord("stage", app.stage)} · {Object.keys(app.targets).map(fieldWords).join(", ")}
                </p>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </>
  );
}

export function Tests({ of }: { readonly of: ModelItem["assurance"] | undefined }): JSX.Element {
  if (of === null || of === undefined) return <>{t("models.untested")}</>;
  return (
    <span class={of.failed > 0 ? "tag bad" : "tag"}>
      {t("models.counts", { passed: of.passed, failed: of.failed, untested: of.untested })}
    </span>
  );
}
