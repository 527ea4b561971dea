// A series: the line of what was measured, a dotted one through what was not, and a mark on all that is filled,
// estimated or flagged.

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { Series } from "../../api/types";
import { Plot, type Columns, type Drawing } from "../../parts/plot";
import { t } from "../../language";
import { number, time } from "../../language/format";
import { unitWords } from "../../language/units";
import { colour } from "../../theme";
import { seriesColumns } from "./series";

type Plotted = Pick<Series, "points" | "unit" | "simulated">;

export function SeriesPlot({ series, title }: { readonly series: Plotted; readonly title: string }): JSX.Element {
  const { at, values, measured, made, points } = useMemo(() => seriesColumns(series.points), [series]);
  const hasMade = points.some((point) => point.state !== "measured");
  const columns = useMemo(() => (hasMade ? [at, measured, made] : [at, measured]) as unknown as Columns, [at]);
  const numbers = values.filter((value) => value !== null);
  const label =
    numbers.length === 0
      ? title
      : t("sensor.plot-words", {
          title,
          n: numbers.length,
          least: number(Math.min(...numbers)),
          most: number(Math.max(...numbers)),
          unit: unitWords(series.unit),
          from: time((at[0] ?? 0) * 1000),
          to: time((at.at(-1) ?? 0) * 1000),
        });
  const draw: Drawing = (plot, pen) => {
    const side = 4 * devicePixelRatio;
    pen.save();
    pen.beginPath();
    pen.rect(plot.bbox.left, plot.bbox.top, plot.bbox.width, plot.bbox.height);
    pen.clip();
    points.forEach((point, i) => {
      if (point.value === null || (point.state === "measured" && point.flags.length === 0)) return;
      const x = plot.valToPos(at[i] as number, "x", true);
      const y = plot.valToPos(point.value, "y", true);
      pen.lineWidth = 1.5 * devicePixelRatio;
      if (point.state === "filled") {
        pen.fillStyle = colour("bg");
        pen.strokeStyle = colour("filled");
        pen.fillRect(x - side, y - side, 2 * side, 2 * side);
        pen.strokeRect(x - side, y - side, 2 * side, 2 * side);
      } else if (point.state === "estimated") {
        pen.fillStyle = colour("estimated");
        pen.fill(new Path2D(`M${x} ${y - 1.4 * side}L${x + 1.4 * side} ${y}L${x} ${y + 1.4 * side}L${x - 1.4 * side} ${y}Z`));
      }
      if (point.flags.length > 0) {
        pen.strokeStyle = colour("bad");
        pen.lineWidth = 2 * devicePixelRatio;
        pen.stroke(new Path2D(`M${x - side} ${y - side}L${x + side} ${y + side}M${x + side} ${y - side}L${x - side} ${y + side}`));
      }
    });
    pen.restore();
  };
  return (
    <Plot
      label={label}
      unit={unitWords(series.unit)}
      columns={columns}
      lines={[
        {
          label: title,
          colour: series.simulated ? "simulated" : "data",
          ...(series.simulated ? { dash: [6, 3] } : {}),
        },
        ...(hasMade ? [{ label: t("sensor.not-measured"), colour: "filled", dash: [1, 4], width: 2 }] : []),
      ]}
      draw={draw}
    />
  );
}
