// One model: its card, what it was tested against, who approved it, and who overruled it.

import type { ComponentChildren, JSX } from "preact";
import { ours } from "../../api/client";
import { useResource } from "../../api/resource";
import { ForRole } from "../../parts/for_role";
import { Simulated } from "../../parts/mark";
import { Loaded } from "../../parts/states";
import { Tree } from "../../parts/tree";
import { t, tWord } from "../../language";
import { linkTo } from "../../router";
import { asksWords } from "../words";

type Document = Readonly<Record<string, unknown>>;

/** What stands in parts of its own, or says the same again. */
const APART = ["approvals", "assurance", "assurances", "overrides", "incident_list", "facts", "name", "model", "app", "stage", "simulated", "card"];

export function ModelPage({ id }: { readonly id: string }): JSX.Element {
  const model = useResource<Document>(`api/v1/models/${encodeURIComponent(id)}`);
  return (
    <>
      <p class="soft">
        <a href={linkTo("models")}>{t("models.title")}</a> › {t("models.model")}
      </p>
      <Loaded of={model}>{(data) => <Model data={data} />}</Loaded>
    </>
  );
}

function Model({ data }: { readonly data: Document }): JSX.Element {
  const app = data["app"];
  const stage = data["stage"];
  const card = data["card"];
  const rest = Object.fromEntries(Object.entries(data).filter(([name]) => !APART.includes(name)));
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
      <Part title={t("models.assurance")} items={data["assurances"]} empty={t("models.untested")}>
        {(one) => <Report report={one} />}
      </Part>
      <Part title={t("models.approvals")} items={data["approvals"]} empty={t("models.no-approvals")} />
      <Part title={t("models.overrides")} items={data["overrides"]} empty={t("models.no-overrides")} />
      <Part title={t("models.incidents")} items={data["incident_list"]} empty={t("models.no-incidents")} />
      {typeof app === "string" && (
        <ForRole
          role="operator"
          title={t("models.acts")}
          commands={[
            `veracity model ask ${app} --model ${String(data["name"])} --stage STAGE -o REQUEST`,
            `veracity officer sign REQUEST --key KEY --by NAME --why "WHY" -o APPROVAL`,
            `veracity model release --request REQUEST --approval APPROVAL`,
            `veracity model ask ${app} --stop -o REQUEST`,
          ]}
        />
      )}
      <h2>{t("models.card")}</h2>
      <Tree of={rest} />
      {typeof data["facts"] === "object" && data["facts"] !== null && (
        <details>
          <summary>{t("models.facts")}</summary>
          <Tree of={bySection(data["facts"] as Document)} />
        </details>
      )}
      {typeof card === "string" && ours(card) !== null && (
        <p>
          <a href={ours(card) ?? ""}>{t("models.whole-card")}</a>
        </p>
      )}
    </>
  );
}

/** Facts `use.owner`, `use.title.en`, `use.title.vi` … by their section; of a text in several languages the reader's is shown. */
function bySection(facts: Document): Document {
  const sections: Record<string, Record<string, unknown>> = {};
  for (const [name, value] of Object.entries(facts)) {
    const [, section = "", label = name, language] = /^([^.]+)\.(.+?)(?:\.(en|vi|id))?$/.exec(name) ?? [];
    const of = (sections[section] ??= {});
    of[label] = language === undefined ? value : { ...(of[label] as object | undefined), [language]: value };
  }
  return sections;
}

function Part(props: {
  readonly title: string;
  readonly items: unknown;
  readonly empty: string;
  readonly children?: (item: Document) => ComponentChildren;
}): JSX.Element {
  const items = Array.isArray(props.items) ? (props.items as Document[]) : [];
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
              <InLog entry={item["entry"]} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function InLog({ entry }: { readonly entry: unknown }): JSX.Element | null {
  if (typeof entry !== "number") return null;
  return (
    <p>
      <a href={linkTo("lineage", [entry])} aria-label={`${t("seal.lineage")}: ${entry}`}>
        {t("seal.lineage")}
      </a>
    </p>
  );
}

const SIGNS: Readonly<Record<string, string>> = { passed: "✓", failed: "✗" };

/** A report: what it says of itself, and its tests one a line. */
function Report({ report }: { readonly report: Document }): JSX.Element {
  const { tests, ...rest } = report;
  const list = Array.isArray(tests) ? (tests as Document[]) : [];
  return (
    <>
      <Tree of={rest} />
      <ul class="checks">
        {list.map((test) => {
          const verdict = String(test["verdict"]);
          const answer = verdict === "passed" ? "yes" : verdict === "failed" ? "no" : "undone";
          const { words, lang } = asksWords(String(test["name"]), String(test["asks"] ?? ""));
          return (
            <li key={String(test["name"])} class={`answer-${answer}`}>
              <span class="sign" aria-hidden="true">
                {SIGNS[verdict] ?? "○"}
              </span>
              <span>
                <strong lang={lang}>{words}</strong> <span class="tag">{tWord("verdict", verdict)}</span>
                <br />
                <span class="soft" lang="en">
                  {String(test["reason"] ?? "")}
                </span>
              </span>
            </li>
          );
        })}
      </ul>
    </>
  );
}
