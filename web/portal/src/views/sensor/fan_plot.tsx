// A forecast as a fan of intervals, and what came.

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { Forecast } from "../../api/types";
import { Table } from "../../parts/facts";
import { Simulated } from "../../parts/mark";
import { Plot, type Columns, type Drawing, type Line } from "../../parts/plot";
import { SealOf } from "../../parts/seal";
import { t } from "../../language";
import { number, percent, shortTime, time } from "../../language/format";
import { unitWords } from "../../language/units";
import { linkTo } from "../../router";
import { colour } from "../../theme";
import { fieldWords } from "../words";
import { fanColumns, inside, intervals } from "./series";

export function FanPlot({ forecast }: { readonly forecast: Forecast }): JSX.Element {
  const fan = useMemo(() => fanColumns(forecast.points), [forecast]);
  const columns = useMemo(() => [fan.at, ...fan.quantiles, fan.outcomes] as unknown as Columns, [fan]);
  const pairs = intervals(fan.levels);
  const came = inside(fan);
  const unit = unitWords(forecast.unit);
  const lines: Line[] = [
    ...fan.levels.map((level) => ({
      label: percent(Number(level), 1),
      colour: forecast.simulated ? "simulated" : "data",
      isLine: level === "0.5",
      dash: [6, 3],
    })),
    { label: t("forecast.came"), colour: "mark", isLine: false },
  ];
  const draw: Drawing = (plot, pen) => {
    pen.fillStyle = colour("mark");
    fan.outcomes.forEach((outcome, i) => {
      if (outcome === null) return;
      const x = plot.valToPos(fan.at[i] as number, "x", true);
      const y = plot.valToPos(outcome, "y", true);
      pen.beginPath();
      pen.arc(x, y, 3.5 * devicePixelRatio, 0, 7);
      pen.fill();
    });
  };
  const title = t("forecast.title", { target: fieldWords(forecast.target), time: time(forecast.made_at) });
  return (
    <figure class="card">
      <figcaption>
        <strong>{title}</strong> <Simulated is={forecast.simulated} />
      </figcaption>
      <Plot
        label={`${title}. ${came.n > 0 ? t("forecast.inside", { ...came }) : t("forecast.not-yet")}`}
        unit={unit}
        columns={columns}
        lines={lines}
        bands={pairs.map(({ low, high }, i) => ({
          between: [high + 1, low + 1],
          colour: forecast.simulated ? "simulated" : "data",
          opacity: 0.18 + 0.12 * i,
        }))}
        draw={draw}
      />
      <p class="soft">
        {bandWords(pairs)} {t("forecast.dots")}{" "}
        {came.n > 0 ? t("forecast.inside", { ...came }) : t("forecast.not-yet")}
      </p>
      <p>
        <SealOf
          path={forecast.receipt}
          about={title}
          {...(forecast.decision === null ? {} : { lineage: linkTo("lineage", [forecast.decision]) })}
        />
      </p>
      <details>
        <summary>{t("as-table")}</summary>
        <Table caption={`${title} (${unit})`} head={[t("sensor.when"), ...fan.levels.map((l) => percent(Number(l), 1)), t("forecast.came")]}>
          {fan.at.map((second, i) => (
            <tr key={second}>
              <th scope="row">{shortTime(second * 1000)}</th>
              {fan.quantiles.map((column, j) => (
                <td key={j}>{cell(column[i])}</td>
              ))}
              <td>{cell(fan.outcomes[i])}</td>
            </tr>
          ))}
        </Table>
      </details>
    </figure>
  );
}

/** Which band is which: by their widths, since a colour is fainter in the one theme and stronger in the other. */
function bandWords(pairs: readonly { readonly share: number }[]): string {
  const shares = pairs.map(({ share }) => percent(share));
  const [widest, narrowest, between] = [shares[0], shares.at(-1), shares.slice(1, -1)];
  if (widest === undefined || narrowest === undefined) return "";
  if (shares.length === 1) return t("forecast.band", { share: widest });
  const words = t("forecast.bands", { widest, narrowest });
  return between.length === 0 ? words : `${words} ${t("forecast.bands-between", { shares: between.join(", ") })}`;
}

function cell(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : number(value);
}
