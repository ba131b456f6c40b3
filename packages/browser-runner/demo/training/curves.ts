import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { byId } from "../page/element.ts";
import type { CurvePoints } from "./curve-points.ts";

/** Loss and accuracy while they come. */
export interface Curves {
  /** Empties them for a run of so many epochs. */
  start(epochs: number): void;
  show(points: CurvePoints): void;
}

const HEIGHT = 220;
const EMPTY: CurvePoints = {
  at: [],
  batchLoss: [],
  trainLoss: [],
  validationLoss: [],
  trainAccuracy: [],
  validationAccuracy: [],
};

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function axis(extra: uPlot.Axis): uPlot.Axis {
  const line = { stroke: colour("--line"), width: 1 };
  return { stroke: colour("--muted"), font: "12px system-ui", grid: line, ticks: { ...line, size: 4 }, ...extra };
}

/** Epochs are whole. */
const epochAxis = (): uPlot.Axis =>
  axis({ size: 30, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000] });

function line(name: string, width: number): uPlot.Series {
  return { stroke: colour(name), width, spanGaps: true, points: { show: false } };
}

function plot(
  place: HTMLElement,
  epochs: number,
  scale: uPlot.Scale,
  series: readonly uPlot.Series[],
  values: uPlot.Axis,
): uPlot {
  const options: uPlot.Options = {
    width: place.clientWidth,
    height: HEIGHT,
    legend: { show: false }, // the page has one for both, in words
    cursor: { show: false },
    scales: { x: { time: false, range: [0, epochs] }, y: scale },
    series: [{}, ...series],
    axes: [epochAxis(), axis({ size: 46, ...values })],
  };
  return new uPlot(options, [[], ...series.map(() => [])], place);
}

/** Makes the curves in their places on the page. */
export function curves(): Curves {
  const places = [byId("loss-curve", HTMLDivElement), byId("accuracy-curve", HTMLDivElement)] as const;
  let plots: readonly uPlot[] = [];
  let epochs = 10;
  let points = EMPTY;
  let drawn = true;

  function draw(): void {
    const [loss, accuracy] = plots;
    loss?.setData(
      [points.at, points.batchLoss, points.trainLoss, points.validationLoss].map((list) => [
        ...list,
      ]) as uPlot.AlignedData,
    );
    accuracy?.setData(
      [points.at, points.trainAccuracy, points.validationAccuracy].map((list) => [...list]) as uPlot.AlignedData,
    );
    drawn = true;
  }

  function make(): void {
    for (const old of plots) old.destroy();
    const [lossPlace, accuracyPlace] = places;
    const [train, validation] = [line("--train-curve", 2), line("--validation-curve", 2)];
    plots = [
      plot(
        lossPlace,
        epochs,
        { range: (_, __, most) => [0, (most || 1) * 1.05] },
        [line("--batch-curve", 1), train, validation],
        {},
      ),
      plot(accuracyPlace, epochs, { range: [0, 100] }, [train, validation], {
        values: (_, ticks) => ticks.map((tick) => `${tick} %`),
      }),
    ];
    draw();
  }

  make();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", make);
  new ResizeObserver(() => {
    for (const [index, one] of plots.entries()) {
      one.setSize({ width: places[index]?.clientWidth ?? one.width, height: HEIGHT });
    }
  }).observe(places[0]);

  return {
    start(given) {
      epochs = given;
      points = EMPTY;
      make();
    },
    show(given) {
      points = given;
      if (!drawn) return;
      drawn = false;
      requestAnimationFrame(draw);
    },
  };
}
