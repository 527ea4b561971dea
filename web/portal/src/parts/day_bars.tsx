// Bars by day, parts of each stacked; the table that says the same opens below.

import type { JSX } from "preact";
import { t } from "../language";
import { day as dayWords, number } from "../language/format";
import { dayAxis } from "./day_axis";
import { Table } from "./facts";

export interface Day {
  readonly day: string;
  readonly parts: readonly { readonly name: string; readonly n: number }[];
}

const MOST = 120;

export function DayBars(props: {
  readonly caption: string;
  readonly days: readonly Day[];
  readonly names: Readonly<Record<string, string>>;
  readonly empty?: string;
}): JSX.Element {
  const { n: width, bars } = dayAxis(props.days, MOST);
  const days = bars.map(({ day }) => day).sort((a, b) => a.day.localeCompare(b.day));
  const names = Object.keys(props.names);
  const most = Math.max(1, ...days.map(({ parts }) => parts.reduce((sum, { n }) => sum + n, 0)));
  const first = days[0];
  const last = days.at(-1);
  if (first === undefined || last === undefined) return <p class="state empty">{props.empty ?? t("state.empty")}</p>;
  return (
    <figure>
      <svg class="bars" viewBox={`0 0 ${width} 100`} preserveAspectRatio="none" role="img" aria-label={props.caption}>
        {bars.flatMap(({ at, day: { day, parts } }) => {
          let top = 100;
          return parts.map(({ name, n }) => {
            const high = (n / most) * 98;
            top -= high;
            return <rect key={`${day} ${name}`} class={name} x={at + 0.08} y={top} width={0.84} height={high} />;
          });
        })}
      </svg>
      <p class="bar-ends">
        <span>{dayWords(first.day)}</span>
        <span>{t("bars.most", { n: number(most) })}</span>
        <span>{dayWords(last.day)}</span>
      </p>
      {names.length > 1 && (
        <ul class="legend">
          {names.map((name) => (
            <li key={name}>
              <span class={`swatch ${name}`} aria-hidden="true" /> {props.names[name]}
            </li>
          ))}
        </ul>
      )}
      <details>
        <summary>{t("as-table")}</summary>
        <Table
          caption={props.caption}
          head={[t("bars.day"), ...names.map((name) => props.names[name] ?? name)]}
          numeric={names.map((_, i) => i + 1)}
        >
          {[...days].reverse().map(({ day, parts }) => (
            <tr key={day}>
              <th scope="row">{dayWords(day)}</th>
              {names.map((name) => (
                <td key={name} class="num">
                  {number(parts.find((part) => part.name === name)?.n ?? 0)}
                </td>
              ))}
            </tr>
          ))}
        </Table>
      </details>
    </figure>
  );
}
