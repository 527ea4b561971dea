// One model: its card, what it was tested against, who approved it, and who overruled it.

import type { ComponentChildren, JSX } from "preact";
import { useResource } from "../../api/resource";
import { Simulated } from "../../parts/mark";
import { Loaded } from "../../parts/states";
import { Tree } from "../../parts/tree";
import { t, tWord } from "../../language";
import { linkTo } from "../../router";

type Document = Readonly<Record<string, unknown>>;

const APART = ["approvals", "assurance", "overrides", "name", "model", "app", "stage", "simulated", "card"];

export function ModelPage({ id }: { readonly id: string }): JSX.Element {
  const model = useResource<Document>(`api/v1/models/${encodeURIComponent(id)}`);
  return (
    <>
      <p class="soft">
        <a href={linkTo("models")}>{t("models.title")}</a> ›
      </p>
      <Loaded of={model}>{(data) => <Model data={data} />}</Loaded>
    </>
  );
}

function Model({ data }: { readonly data: Document }): JSX.Element {
  const app = data["app"];
  const stage = data["stage"];
  const rest = Object.fromEntries(Object.entries(data).filter(([name]) => !APART.includes(name)));
  const card = typeof data["card"] === "object" && data["card"] !== null ? data["card"] : rest;
  return (
    <>
      <h1 tabIndex={-1}>
        {String(data["name"] ?? "")} <Simulated is={data["simulated"] === true} />
      </h1>
      <p class="soft">
        <code>{String(data["model"] ?? "")}</code>
      </p>
      <p>
        {typeof stage === "string" ? tWord("stage", stage) : t("models.not-released")}
        {typeof app === "string" && (
          <>
            {" · "}
            <a href={linkTo("models", ["app", app])}>{t("models.app-page")}</a>
          </>
        )}
      </p>
      <Part title={t("models.assurance")} items={data["assurance"]} empty={t("models.untested")}>
        {(one) => <Report report={one} />}
      </Part>
      <Part title={t("models.approvals")} items={data["approvals"]} empty={t("models.no-approvals")} />
      <Part title={t("models.overrides")} items={data["overrides"]} empty={t("models.no-overrides")} />
      <h2>{t("models.card")}</h2>
      <Tree of={card} />
    </>
  );
}

function Part(props: {
  readonly title: string;
  readonly items: unknown;
  readonly empty: string;
  readonly children?: (item: unknown) => ComponentChildren;
}): JSX.Element {
  const items = Array.isArray(props.items) ? (props.items as unknown[]) : [];
  return (
    <section aria-label={props.title}>
      <h2>{props.title}</h2>
      {items.length === 0 ? (
        <p class="state empty">{props.empty}</p>
      ) : (
        <ul class="plain">
          {items.map((item, i) => (
            <li key={i} class="card spaced">
              {props.children === undefined ? <Tree of={item} /> : props.children(item)}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

const SIGNS: Readonly<Record<string, string>> = { passed: "✓", failed: "✗" };

/** A report: its tests one a line, if it lists them. */
function Report({ report }: { readonly report: unknown }): JSX.Element {
  const { tests, results, ...rest } = report as { tests?: unknown; results?: unknown };
  const list = [tests, results].find(Array.isArray) as readonly Document[] | undefined;
  return (
    <>
      <Tree of={list === undefined ? report : rest} />
      {list !== undefined && (
        <ul class="checks">
          {list.map((test, i) => {
            const verdict = String(test["verdict"] ?? test["outcome"] ?? test["state"] ?? "untested");
            const answer = verdict === "passed" ? "yes" : verdict === "failed" ? "no" : "undone";
            return (
              <li key={i} class={`answer-${answer}`}>
                <span class="sign" aria-hidden="true">
                  {SIGNS[verdict] ?? "○"}
                </span>
                <span>
                  <strong>{String(test["name"] ?? test["test"] ?? i + 1)}</strong> <span class="tag">{tWord("verdict", verdict)}</span>
                  <br />
                  <span class="soft">{String(test["said"] ?? test["why"] ?? test["detail"] ?? "")}</span>
                </span>
              </li>
            );
          })}
        </ul>
      )}
    </>
  );
}
