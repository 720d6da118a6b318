// Charts of the server's own figures.
import uPlot from "uplot";

/** Draws the chart of one figure. */
export function mountChart(figure: HTMLElement): uPlot {
  return new uPlot({ width: figure.clientWidth, height: 160, series: [{}] }, [[]], figure);
}
