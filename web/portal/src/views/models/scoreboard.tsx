// The scoreboard: how the model did beside the baselines, one table a target, the model first.

import type { JSX } from "preact";
import { useResource } from "../../api/resource";
import { Table } from "../../parts/facts";
import { Loaded } from "../../parts/states";
import { t, tWord } from "../../language";
import { number, percent, sentence, span, time } from "../../language/format";
import { fieldWords } from "../words";

type Score = Readonly<Record<string, unknown>>;

/** What a table's rows are of, and its caption says. */
const APART = ["target", "model"];
/** Shares of one. */
const SHARES = ["coverage80", "coverage95", "skill_mae", "skill_crps", "pod", "far"];
const OWN = "model";

export function Scoreboard({ app }: { readonly app: string }): JSX.Element {
  const board = useResource<{ readonly items: readonly Score[] }>(`api/v1/apps/${encodeURIComponent(app)}/scoreboard?by=all`);
  return (
    <section aria-labelledby="scoreboard">
      <h2 id="scoreboard">{t("models.scoreboard")}</h2>
      <p class="soft">{t("models.scoreboard-why")}</p>
      <Loaded of={board} isEmpty={({ items }) => items.length === 0} empty={t("models.no-scores")}>
        {({ items }) => (
          <>
            {[...new Set(items.map((item) => String(item["target"] ?? "")))].map((target) => (
              <OneTarget key={target} target={target} lines={items.filter((item) => String(item["target"] ?? "") === target)} />
            ))}
          </>
        )}
      </Loaded>
    </section>
  );
}

/** The columns are the scores that there are: they differ from system to system. */
function OneTarget({ target, lines }: { readonly target: string; readonly lines: readonly Score[] }): JSX.Element {
  const names = [...new Set(lines.flatMap((line) => Object.keys(line)))].filter((name) => !APART.includes(name));
  const bests = new Set(lines.map((line) => line["best"]));
  const [best] = bests;
  const isOneBest = bests.size === 1 && typeof best === "string"; // said once, and not in every line
  const columns = names.filter(
    (name) => lines.some((line) => !["object", "undefined"].includes(typeof line[name])) && !(isOneBest && name === "best"),
  );
  const sorted = [...lines].sort((a, b) => Number(b["model"] === OWN) - Number(a["model"] === OWN));
  return (
    <>
      <h3>{sentence(fieldWords(target))}</h3>
      {isOneBest && (
        <p class="soft">
          {t("score.best")}: {tWord("baseline", best)}
        </p>
      )}
      <Table
        caption={`${t("models.scoreboard")}: ${fieldWords(target)}`}
        head={[t("score.model"), ...columns.map((name) => tWord("score", name))]}
        numeric={columns.flatMap((name, i) => (name === "best" ? [] : [i + 1]))}
      >
        {sorted.map((line, i) => (
          <tr key={i} class={line["model"] === OWN ? "own" : undefined}>
            <th scope="row">{tWord("baseline", String(line["model"]))}</th>
            {columns.map((name) => (
              <td key={name} class={name === "best" ? undefined : "num"}>
                {cell(name, line[name])}
              </td>
            ))}
          </tr>
        ))}
      </Table>
    </>
  );
}

function cell(name: string, value: unknown): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number") {
    if (SHARES.includes(name)) return percent(value, 1);
    return name.endsWith("_s") ? span(value) : number(value, 3);
  }
  if (name === "best") return tWord("baseline", String(value));
  if (typeof value === "string" && /^\d{4}-\d\d-\d\dT/.test(value)) return time(value);
  return String(value);
}
