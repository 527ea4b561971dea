// A plot against time, drawn by uPlot, which is fetched when the first one is shown. Every plot has a table or words
// beside it that say the same.

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { language, t } from "../language";
import { clock, dayAndMonth, number, time, zone } from "../language/format";
import { colour, painted } from "../theme";

export type Columns = uPlot.AlignedData;

/** What is drawn over the lines, with the plot's own scales. */
export type Drawing = (plot: uPlot, pen: CanvasRenderingContext2D) => void;

export interface Line {
  readonly label: string;
  readonly colour: string; // its name in the style
  readonly width?: number;
  readonly dash?: readonly number[];
  readonly isLine?: boolean; // false: its values are drawn by `draw`, or bound a band
}

export interface PlotProps {
  readonly label: string; // what it shows, in words
  readonly unit: string;
  readonly columns: Columns; // seconds since 1970 first
  readonly lines: readonly Line[];
  readonly bands?: readonly { readonly between: readonly [number, number]; readonly colour: string; readonly opacity: number }[];
  readonly draw?: Drawing;
  readonly height?: number;
}

export function Plot(props: PlotProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const failed = useSignal(false);
  useEffect(() => {
    let plot: uPlot | null = null;
    let isGone = false;
    const watch = new ResizeObserver(([entry]) => {
      if (entry !== undefined) plot?.setSize({ width: Math.floor(entry.contentRect.width), height: props.height ?? 260 });
    });
    void import("uplot").then(
      ({ default: UPlot }) => {
        if (isGone || box.current === null) return;
        const width = Math.floor(box.current.clientWidth);
        plot = new UPlot(optionsOf(props, width, UPlot), props.columns, box.current);
        watch.observe(box.current);
      },
      () => (failed.value = true),
    );
    return () => {
      isGone = true;
      watch.disconnect();
      plot?.destroy();
    };
  }, [props.columns, painted.value, language.value, zone.value]);
  return (
    <div class="plot-box">
      {failed.value && <p class="state failed">{t("failed.plot")}</p>}
      <div ref={box} role="img" aria-label={props.label} />
    </div>
  );
}

/** The words below a plot say its last values wherever the pointer is on none. */
function sayLast(plot: uPlot): void {
  if (typeof plot.cursor.idx !== "number") plot.setLegend({ idx: lastOf(plot.data) }, false);
}

/** Where the last value of any line is. */
function lastOf(columns: Columns): number {
  const [when, ...lines] = columns;
  for (let i = when.length - 1; i > 0; i -= 1) if (lines.some((line) => typeof line[i] === "number")) return i;
  return 0;
}

function optionsOf(props: PlotProps, width: number, UPlot: typeof uPlot): uPlot.Options {
  const axis = { stroke: colour("soft"), grid: { stroke: colour("rule"), width: 1 }, ticks: { stroke: colour("rule"), width: 1 } };
  const bands = (props.bands ?? []).map(({ between, colour: name, opacity }) => ({
    series: [...between] as [number, number],
    fill: withOpacity(colour(name), opacity),
  }));
  const draw = props.draw;
  return {
    width,
    height: props.height ?? 260,
    tzDate: (seconds) => UPlot.tzDate(new Date(seconds * 1000), zone.value ?? Intl.DateTimeFormat().resolvedOptions().timeZone),
    cursor: { drag: { x: true, y: false } },
    scales: { x: { time: true } },
    axes: [
      { ...axis, values: WHEN },
      { ...axis, label: props.unit, labelSize: 18, size: 56 },
    ],
    series: [
      { label: t("sensor.when"), value: (_, seconds: number | null) => (seconds === null ? "–" : time(seconds * 1_000)) },
      ...props.lines.map(({ label, colour: name, width: w = 1.5, dash, isLine = true }) => ({
        label,
        stroke: isLine ? colour(name) : "transparent",
        width: isLine ? w : 0,
        ...(dash === undefined ? {} : { dash: [...dash] }),
        points: { show: false },
        spanGaps: false,
        value: (_: uPlot, value: number | null) => (value === null || value === undefined ? "–" : number(value)),
      })),
    ],
    bands,
    hooks: {
      ...(draw === undefined ? {} : { draw: [(plot: uPlot) => draw(plot, plot.ctx)] }),
      ready: [sayLast],
      setCursor: [sayLast],
      setSize: [sayLast],
    },
  };
}

// uPlot's own has English months and am/pm. The day stands below the first time of it.
const WHEN: uPlot.Axis.Values = (_, splits, __, ___, step) => {
  let before = "";
  return splits.map((seconds) => {
    const day = dayAndMonth(seconds * 1_000);
    const words = step >= 86_400 ? day : day === before ? clock(seconds * 1_000) : `${clock(seconds * 1_000)}\n${day}`;
    before = day;
    return words;
  });
};

function withOpacity(hex: string, opacity: number): string {
  return `color-mix(in srgb, ${hex} ${Math.round(opacity * 100)}%, transparent)`;
}
