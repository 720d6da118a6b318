// Charts of the node's own figures: one a <figure data-chart="URL of a series">, with the same figures as a table in its <details>.
import uPlot from "uplot";

/** What the server answers: values at startMs and each stepMs after it, null where there was none. */
interface Table {
  /** How far back the values go: "15m", "1h" or "24h". */
  range?: string;
  startMs: number;
  stepMs: number;
  series: Line[];
}

interface Line {
  name: string;
  unit?: string;
  values: (number | null)[];
  /** Where values are means over longer steps: the greatest of each, else empty. */
  max: (number | null)[] | null;
}

const height = 160;
const refresh = 5_000; // ms, or one step of the series when that is longer
const language = document.documentElement.lang || undefined;
const spans: Record<string, number> = { "15m": 900, "1h": 3600, "24h": 86_400 }; // in s
const clockTime = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const exactTime = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
const digits = new Intl.NumberFormat(language, { maximumSignificantDigits: 3 });
const mounted = new WeakSet<Element>();

/**
 * Draws a figure's chart and keeps it up to date while it can be seen; once, however often it is called. Another URL
 * in data-chart is read at once. Words come from data-labels (JSON: name of a line to what it is called), data-max,
 * data-time, data-empty and data-failed.
 */
export function mountChart(figure: HTMLElement): void {
  if (mounted.has(figure)) return;
  mounted.add(figure);
  const said = figure.dataset;
  const labels = JSON.parse(said.labels || "{}") as Record<string, string>;
  const details = figure.querySelector("details");
  const legend = element("ul", "chart-legend");
  const place = element("div", "chart");
  const note = element("p", "chart-note");
  place.setAttribute("aria-hidden", "true"); // the table says the same
  if (details) details.before(legend, place, note);
  else figure.append(legend, place, note);

  let table: Table = { startMs: 0, stepMs: refresh, series: [] };
  let plot: uPlot | undefined;
  let drawn = "";
  let seen = false;
  let timer = 0;
  let reading: AbortController | undefined;

  async function read(): Promise<void> {
    clearTimeout(timer);
    reading?.abort();
    if (!figure.isConnected) return end();
    if (!seen || document.hidden) return; // what makes it seen reads
    const { signal } = (reading = new AbortController());
    try {
      const answer = await fetch(said.chart ?? "", { signal });
      if (!answer.ok) throw new Error(answer.statusText);
      table = (await answer.json()) as Table;
      show();
    } catch {
      if (signal.aborted) return;
      note.textContent = said.failed ?? "";
    }
    timer = window.setTimeout(() => void read(), Math.max(refresh, table.stepMs));
  }

  function show(): void {
    const shape = JSON.stringify(table.series.map((line) => [line.name, columnsOf(line).length]));
    if (shape !== drawn) {
      drawn = shape;
      plot?.destroy();
      legend.replaceChildren(...table.series.map((line, i) => legendItem(labelOf(line), i)));
      plot = new uPlot(options(table.series, figure, legend, tell, () => spans[table.range ?? ""] ?? 0), data(table), place);
    } else plot?.setData(data(table));
    const none = !table.series.some((line) => line.values.some((v) => v !== null));
    place.classList.toggle("none", none);
    note.textContent = none ? (said.empty ?? "") : "";
    tell(plot?.cursor.idx);
    fill();
  }

  const labelOf = (line: Line): string => labels[line.name] ?? line.name;
  const unitOf = (line: Line): string => line.unit ?? said.unit ?? "";

  /** Shows in the legend what the lines are at the crosshair, else now. */
  function tell(at: number | null | undefined): void {
    for (const [i, line] of table.series.entries()) {
      const value = line.values[at ?? line.values.length - 1];
      const out = legend.children[i]?.querySelector("output");
      if (out) out.value = format(value, unitOf(line));
    }
  }

  /** Fills the table, newest first, when somebody looks at it. */
  function fill(): void {
    if (!details?.open) return;
    const head = [said.time ?? "Time"];
    for (const line of table.series) head.push(labelOf(line), ...(line.max?.length ? [`${labelOf(line)} (${said.max ?? "max"})`] : []));
    const rows = element("tbody");
    const count = table.series[0]?.values.length ?? 0;
    for (let i = count - 1; i >= 0; i--) {
      const row = element("tr");
      row.append(element("th", "", exactTime.format(table.startMs + i * table.stepMs)));
      for (const line of table.series) row.append(...columnsOf(line).map((values) => element("td", "", format(values[i], unitOf(line)))));
      rows.append(row);
    }
    for (const th of rows.querySelectorAll("th")) th.scope = "row";
    const top = element("thead");
    top.append(element("tr"));
    top.rows[0]!.append(...head.map((text) => element("th", "", text)));
    for (const th of top.querySelectorAll("th")) th.scope = "col";
    const box = details.querySelector<HTMLElement>(".chart-table") ?? element("div", "chart-table");
    box.tabIndex = 0; // it scrolls
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", details.querySelector("summary")?.textContent?.trim() ?? "");
    const whole = element("table");
    whole.append(top, rows);
    box.replaceChildren(whole);
    details.append(box);
  }

  const ending = new AbortController();
  const { signal } = ending;
  const sizes = new ResizeObserver(() => place.clientWidth && plot?.setSize({ width: place.clientWidth, height }));
  const sight = new IntersectionObserver(([entry]) => {
    seen = entry?.isIntersecting ?? false;
    if (seen) void read();
  });
  const url = new MutationObserver(() => void read());
  const theme = new MutationObserver(() => plot?.redraw());
  sizes.observe(place);
  sight.observe(figure);
  url.observe(figure, { attributeFilter: ["data-chart"] });
  theme.observe(document.documentElement, { attributeFilter: ["data-theme", "class"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot?.redraw(), { signal });
  document.addEventListener("visibilitychange", () => void read(), { signal });
  details?.addEventListener("toggle", fill, { signal });

  function end(): void {
    ending.abort();
    for (const observer of [sizes, sight, url, theme]) observer.disconnect();
    plot?.destroy();
    mounted.delete(figure);
  }
}

function element<K extends keyof HTMLElementTagNameMap>(tag: K, className = "", text = ""): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

/** An entry of the legend. Its mark has the colours that the line is drawn in. */
function legendItem(label: string, i: number): HTMLElement {
  const item = element("li");
  item.append(element("span", `chart-mark chart-mark-${i + 1}`), element("span", "", label), element("output"));
  return item;
}

function data({ startMs, stepMs, series: lines }: Table): uPlot.AlignedData {
  const times = (lines[0]?.values ?? []).map((_, i) => (startMs + i * stepMs) / 1000);
  return [times, ...lines.flatMap(columnsOf)];
}

function columnsOf(line: Line): (number | null)[][] {
  return line.max?.length ? [line.values, line.max] : [line.values];
}

/** How lines are drawn. Those after the first are dashed, too, for those who do not see colours. */
function options(lines: Line[], figure: HTMLElement, legend: HTMLElement, tell: (at?: number | null) => void, span: () => number): uPlot.Options {
  const unit = lines[0]?.unit ?? figure.dataset.unit ?? "";
  const style = (i: number): CSSStyleDeclaration => getComputedStyle(legend.children[i]!.firstElementChild!);
  const ink = (): string => getComputedStyle(legend).color;
  const edge = (): string => getComputedStyle(figure.querySelector(".chart")!).borderTopColor;
  const series: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  for (const [i, line] of lines.entries()) {
    series.push({
      stroke: () => style(i).color,
      width: 1.75,
      dash: i ? [5 * i, 3] : undefined,
      points: { size: 4, fill: () => style(i).color, filter: (u, s) => alone(u.data[s]!) },
    });
    if (!line.max?.length) continue;
    bands.push({ series: [series.length, series.length - 1], fill: () => style(i).backgroundColor });
    series.push({ width: 0, points: { show: false } });
  }
  return {
    width: figure.querySelector(".chart")!.clientWidth,
    height,
    series,
    bands,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, sync: { key: "charts" }, points: { size: 7 } },
    // The whole range, also where the server has not run for as long: a line that begins late says so.
    scales: { x: { range: (_u, min, max) => [Math.min(min, max - span()), max] }, y: { range: (_u, _min, max) => [0, max > 0 ? uPlot.rangeNum(0, max, 0.1, true)[1]! : 1] } },
    axes: [
      {
        stroke: ink, font: font(), size: 28, grid: { show: false }, ticks: { stroke: edge, width: 1, size: 4 },
        values: (_u, at) => at.map((seconds) => clockTime.format(seconds * 1000)),
      },
      {
        stroke: ink, font: font(), size: 72, grid: { stroke: edge, width: 1 }, ticks: { show: false },
        incrs: unit === "bytes" ? powersOfTwo : undefined,
        values: (_u, at) => at.map((value) => format(value, unit)),
      },
    ],
    hooks: { setCursor: [(u) => tell(u.cursor.idx)] },
  };
}

/** Where a value has none beside it: no line would show it. */
function alone(values: ArrayLike<number | null | undefined>): number[] {
  const found: number[] = [];
  for (let i = 0; i < values.length; i++) if (values[i] != null && values[i - 1] == null && values[i + 1] == null) found.push(i);
  return found;
}

function font(): string {
  return `12px ${getComputedStyle(document.body).fontFamily}`;
}

const powersOfTwo = Array.from({ length: 50 }, (_, i) => 2 ** i);
const byteUnits = ["B", "KiB", "MiB", "GiB", "TiB"];

/** A value with its unit, as short as can be. */
function format(value: number | null | undefined, unit: string): string {
  if (value == null) return "–";
  if (unit === "per second") return `${digits.format(value)}/s`;
  if (unit !== "bytes") return unit ? `${digits.format(value)} ${unit}` : digits.format(value);
  const power = value < 1 ? 0 : Math.min(Math.floor(Math.log2(value) / 10), byteUnits.length - 1);
  return `${digits.format(value / 1024 ** power)} ${byteUnits[power]}`;
}
