// The marks of `parts/mark.tsx`, drawn for a canvas: the same shapes, the same colours.

import type { Made } from "../../parts/mark";
import { colour } from "../../theme";

const SIDE = 24;

export function allMade(): Made[] {
  const states = ["measured", "filled", "estimated", "forecast", "none"] as const;
  const both = [false, true];
  return states.flatMap((state) =>
    both.flatMap((simulated) => both.flatMap((flagged) => both.map((old) => ({ state, simulated, flagged, old })))),
  );
}

export function markName({ state, simulated, flagged, old }: Made): string {
  return [state, simulated && "simulated", flagged && "flagged", old && "old"].filter(Boolean).join("-");
}

export function drawMark(made: Made, ratio: number): ImageData {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE * ratio;
  const pen = canvas.getContext("2d");
  if (pen === null) return new ImageData(SIDE * ratio, SIDE * ratio);
  pen.scale(ratio, ratio);
  paintMark(pen, made, toneOf(made));
  return pen.getImageData(0, 0, SIDE * ratio, SIDE * ratio);
}

export function toneOf(made: Made): string {
  if (made.simulated) return colour("simulated");
  const tones = { measured: "data", filled: "filled", estimated: "estimated", forecast: "data", none: "gap" } as const;
  return colour(tones[made.state]);
}

function paintMark(pen: CanvasRenderingContext2D, made: Made, tone: string): void {
  pen.strokeStyle = pen.fillStyle = tone;
  const ground = colour("bg");
  const outline = (path: Path2D, isFilled: boolean) => {
    pen.lineWidth = 5;
    pen.strokeStyle = ground;
    pen.stroke(path);
    pen.strokeStyle = tone;
    pen.lineWidth = 2.5;
    if (isFilled) pen.fill(path);
    else {
      pen.fillStyle = ground;
      pen.fill(path);
      pen.fillStyle = tone;
      pen.stroke(path);
    }
  };
  pen.globalAlpha = made.old ? 0.6 : 1;
  if (made.simulated) {
    pen.lineWidth = 1.8;
    pen.setLineDash([3, 2.5]);
    pen.beginPath();
    pen.arc(12, 12, 10.5, 0, 7);
    pen.stroke();
    pen.setLineDash([]);
  }
  if (made.state === "measured") outline(disc(), true);
  if (made.state === "filled") outline(new Path2D("M7 7h10v10H7z"), false);
  if (made.state === "estimated") {
    outline(new Path2D("M12 5l7 7-7 7-7-7z"), false);
    pen.fill(new Path2D("M12 5l-7 7 7 7z"));
  }
  if (made.state === "forecast") outline(new Path2D("M6 5.5l12 6.5-12 6.5z"), false);
  if (made.state === "none") outline(new Path2D("M7 12h10"), false);
  pen.globalAlpha = 1;
  if (made.flagged) {
    pen.fillStyle = colour("bad");
    pen.fill(new Path2D("M16 1h7v7z"));
  }
  if (made.old) {
    pen.strokeStyle = colour("fg");
    pen.lineWidth = 1.8;
    pen.stroke(new Path2D("M4 20L20 4"));
  }
}

function disc(): Path2D {
  const path = new Path2D();
  path.arc(12, 12, 6, 0, 7);
  return path;
}
