// What became of a check: yes, no, or neither; why; and what was not looked at.

import type { JSX } from "preact";
import { type DecisionEvidence, type Value, type Verification } from "@veracity/verify";
import { Facts, Table } from "../../parts/facts";
import { Simulated } from "../../parts/mark";
import { t, tWord } from "../../language";
import { number, time } from "../../language/format";
import type { Checked } from "./check";
import { StepList } from "./step_list";
import type { Again } from "./again";
import { answers, type Answer } from "./steps";
import { asText } from "./raw";

export function Outcome({ checked }: { readonly checked: Checked }): JSX.Element {
  const { verdict } = checked;
  return (
    <>
      <Banner checked={checked} />
      {(verdict.state === "holds" || verdict.state === "fails") && <Questions all={answers(checked)} signers={signersOf(checked)} />}
      {verdict.state === "holds" && <Shown verification={verdict.verification} again={checked.again} />}
      {verdict.state === "holds" && <NotChecked lines={verdict.verification.notChecked} />}
      {(verdict.state === "holds" || verdict.state === "fails") && <StepList checked={checked} />}
    </>
  );
}

function Banner({ checked }: { readonly checked: Checked }): JSX.Element {
  const { verdict, tookMs } = checked;
  switch (verdict.state) {
    case "holds":
      return (
        <div class="banner yes" role="status">
          <p class="big">
            <span aria-hidden="true">✓ </span>
            {t("verify.holds")} <Simulated is={verdict.verification.simulated} />
          </p>
          <p>{t("verify.holds-why", { ms: number(tookMs, 0) })}</p>
        </div>
      );
    case "fails":
      return (
        <div class="banner no" role="alert">
          <p class="big">
            <span aria-hidden="true">✗ </span>
            {t("verify.fails")}
          </p>
          <p>
            {t("verify.failed-at")} <strong>{tWord("step", verdict.step)}</strong>. {tWord("step-bad", verdict.step)}
          </p>
          <p>
            <code lang="en">{verdict.message}</code>
          </p>
        </div>
      );
    case "malformed":
      return (
        <div class="banner no" role="alert">
          <p class="big">
            <span aria-hidden="true">✗ </span>
            {t(`verify.no-${verdict.what}`)}
          </p>
          <p>
            <code lang="en">{verdict.message}</code>
          </p>
        </div>
      );
    case "unsupported":
      return (
        <div class="banner neither" role="alert">
          <p class="big">
            <span aria-hidden="true">? </span>
            {t("verify.unsupported")}
          </p>
          <p>{t("verify.unsupported-why")}</p>
          <p>
            <code lang="en">{verdict.message}</code>
          </p>
        </div>
      );
  }
}

const SIGNS: Readonly<Record<Answer["state"], string>> = { yes: "✓", no: "✗", compared: "≈", undone: "○", unreached: "–", none: "–" };

/** Who signed, by name, once it is proven. */
function signersOf({ verdict }: Checked): string {
  if (verdict.state !== "holds") return "";
  const { operator, agency, device, decision } = verdict.verification;
  return [...new Set([device ?? agency, decision?.person, operator].filter(Boolean))].join(", ");
}

function Questions({ all, signers }: { readonly all: readonly Answer[]; readonly signers: string }): JSX.Element {
  return (
    <ul class="questions" aria-label={t("verify.questions")}>
      {all.map(({ question, state, n }) => (
        <li key={question} class={`answer-${state}`}>
          <span class="sign" aria-hidden="true">
            {SIGNS[state]}
          </span>
          <span>
            <strong>{t(`question.${question}`)}</strong>
            <br />
            {words({ question, state, n }, signers)}
          </span>
        </li>
      ))}
    </ul>
  );
}

function words({ question, state, n }: Answer, signers: string): string {
  if (question === "witnesses" && state === "yes" && n > 0) return t("answer.witnesses", { n });
  if (question === "witnesses" && state === "none") return t("answer.no-witnesses");
  if (question === "signatures" && state === "yes" && signers !== "") return signers;
  return t(`answer.${state}`);
}

/** What the receipt shows, once it is proven. */
function Shown({ verification, again }: { readonly verification: Verification; readonly again: Again | null }): JSX.Element {
  const { evidence, decision, row, kind, operator, agency, device, origin, size, index } = verification;
  const { inLogBefore, revoked } = verification;
  return (
    <section aria-labelledby="shown">
      <h3 id="shown">{t("shown.title")}</h3>
      {evidence !== null && (
        <figure class="raw proven">
          <figcaption>{t("shown.record")}</figcaption>
          <pre tabIndex={0} lang="en" aria-label={t("shown.record")}>
            {asText(evidence.data) ?? evidence.text}
          </pre>
        </figure>
      )}
      {row !== null && <Row row={row} isProven={decision !== null} again={again} />}
      {decision !== null && <Decided decision={decision} />}
      <Facts
        items={[
          [t("shown.kind"), tWord("kind", kind)],
          [t("shown.feed"), evidence?.feed],
          [t("shown.place"), evidence && t("shown.place-of", { record: evidence.record, batch: evidence.batch })],
          [t("shown.received"), evidence && time(evidence.receivedAt)],
          [t("shown.agency"), agency ?? (evidence === null ? null : t("shown.nobody"))],
          [t("shown.device"), device],
          [t("shown.operator"), operator],
          [t("shown.log"), `${origin}: ${t("shown.entry", { entry: String(index), size: String(size) })}`],
          [t("shown.before"), inLogBefore && time(inLogBefore)],
          [t("shown.revoked"), revoked.join("; ")],
        ]}
      />
    </section>
  );
}

function Row(props: { readonly row: ReadonlyMap<string, Value>; readonly isProven: boolean; readonly again: Again | null }): JSX.Element {
  const caption = t(props.isProven ? "shown.decision-row" : "shown.row");
  return (
    <>
      <Table caption={caption} head={[t("shown.column"), t("shown.value"), ...(props.isProven ? [] : [t("shown.against")])]}>
        {[...props.row].map(([name, value]) => (
          <tr key={name}>
            <th scope="row">
              <code>{name}</code>
            </th>
            <td>{value === null ? <span class="soft">{t("shown.null")}</span> : String(value)}</td>
            {!props.isProven && <td>{t(props.again?.compared.includes(name) ? "shown.same" : "shown.not-compared")}</td>}
          </tr>
        ))}
      </Table>
      {!props.isProven && <p class="soft">{t("shown.row-claimed")}</p>}
    </>
  );
}

function Decided({ decision }: { readonly decision: DecisionEvidence }): JSX.Element {
  const { system, run, record, modelSha256, stage, madeAt, due, isForecast, person, officer, why } = decision;
  return (
    <Facts
      items={[
        [t("shown.system"), `${system} (${t("shown.run", { run, record })})`],
        [t("shown.model"), modelSha256 && <code>{modelSha256}</code>],
        [t("shown.stage"), tWord("stage", stage)],
        [t("shown.made"), time(madeAt)],
        [t("shown.due"), `${time(due)}${isForecast ? "" : ` (${t("shown.no-forecast")})`}`],
        [t("shown.released-by"), person && `${person} (${officer}): ${why}`],
      ]}
    />
  );
}

/** What a reader might believe was checked. The verifier's lines are English; what each is about is translated. */
function NotChecked({ lines }: { readonly lines: readonly string[] }): JSX.Element {
  return (
    <section class="unchecked" aria-labelledby="not-checked">
      <h3 id="not-checked">{t("unchecked.title")}</h3>
      <ul>
        {lines.map((line) => {
          const about = line.slice(0, Math.max(0, line.indexOf(":"))).split(" ")[0] ?? "";
          const said = tWord("unchecked", about);
          return (
            <li key={line}>
              {said !== about && <>{said} </>}
              <span class="soft" lang="en">
                {line}
              </span>
            </li>
          );
        })}
      </ul>
      <p>
        {t("unchecked.how")} <code>veracity verify receipt.json --policy trust.policy</code>
      </p>
    </section>
  );
}
