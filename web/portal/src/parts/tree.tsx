// Any document as nested facts: for cards, whose parts differ from model to model.

import type { JSX } from "preact";
import { said, t, tWord } from "../language";
import { number, span, time } from "../language/format";
import { partWords } from "../views/words";

/** Names whose values are words that we have. */
const WORDED: Readonly<Record<string, (word: string) => string>> = {
  stage: (word) => tWord("stage", word),
  verdict: (word) => tWord("verdict", word),
  action: (word) => tWord("action", word),
  risk: (word) => tWord("risk", word),
  severity: (word) => tWord("severity", word),
  state: (word) => tWord("incident", word),
  now: (word) => (word === "not in service" ? t("models.not-released") : tWord("stage", word)),
};
/** Names whose values are spans of seconds. */
const SPANS = ["every"];
const DEEPEST = 6;
const MOST = 200;

export function Tree({ of, depth = 0 }: { readonly of: unknown; readonly depth?: number }): JSX.Element | null {
  if (of === null || of === undefined) return <span class="soft">–</span>;
  if (typeof of === "number") return <>{number(of, 4)}</>;
  if (typeof of === "string") return <Text of={of} />;
  if (typeof of !== "object") return <>{t(of === true ? "yes" : "no")}</>;
  if (depth >= DEEPEST) return <code>{JSON.stringify(of).slice(0, 500)}</code>;
  if (Array.isArray(of)) {
    if (of.length === 0) return <span class="soft">–</span>;
    if (of.every((one) => typeof one !== "object" || one === null)) return <>{of.map(String).join(", ")}</>;
    return (
      <ul class="plain">
        {of.slice(0, MOST).map((one, i) => (
          <li key={i} class="branch">
            <Tree of={one} depth={depth + 1} />
          </li>
        ))}
        {of.length > MOST && <li class="soft">{t("more", { n: of.length - MOST })}</li>}
      </ul>
    );
  }
  const pairs = Object.entries(of);
  if (isSaid(pairs)) return <>{said(of as Record<string, string>)}</>;
  return (
    <dl>
      {pairs.slice(0, MOST).map(([name, value]) => (
        <div key={name}>
          <dt>{partWords(name)}</dt>
          <dd>
            <Member name={name} value={value} depth={depth} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Member({ name, value, depth }: { readonly name: string; readonly value: unknown; readonly depth: number }): JSX.Element {
  if (typeof value === "string" && Object.hasOwn(WORDED, name)) return <>{WORDED[name]?.(value)}</>;
  if (typeof value === "number" && SPANS.includes(name)) return <>{span(value)}</>;
  return isNested(value) ? (
    <div class="branch">
      <Tree of={value} depth={depth + 1} />
    </div>
  ) : (
    <Tree of={value} depth={depth + 1} />
  );
}

function isNested(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isSaid(Object.entries(value));
}

function Text({ of }: { readonly of: string }): JSX.Element {
  if (/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(of)) return <>{time(of)}</>;
  return /^[0-9a-f]{64}$/.test(of) ? <code>{of}</code> : <>{of}</>;
}

/** Whether an object is one text in several languages. */
function isSaid(pairs: readonly (readonly [string, unknown])[]): boolean {
  return pairs.length > 0 && pairs.every(([name, value]) => /^(en|vi|id)$/.test(name) && typeof value === "string");
}
