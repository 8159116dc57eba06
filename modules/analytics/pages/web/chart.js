/** Draws figures with ECharts, as SVG. What is drawn is also in the table beside it, so a chart is one picture to readers of screens. */

import { element } from "/dashboards/elements.js";
import { mark, value } from "/dashboards/format.js";
import { t } from "/dashboards/words.js";

const LABELS = { fontSize: 12, fontFamily: "inherit" };
// A chart of names has at most so many; its table has all.
export const MOST_ROWS = 12;
const drawn = new Set();

function colours() {
  // `light-dark()` is resolved in a colour of an element, not in a variable.
  const probe = document.body.appendChild(element("span", { hidden: true }));
  const resolve = (name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const found = {
    ink: resolve("--ink"), soft: resolve("--soft"), line: resolve("--line"), surface: resolve("--surface"), warn: resolve("--warn"),
    series: [1, 2, 3, 4, 5, 6].map((number) => resolve(`--series-${number}`)),
    font: getComputedStyle(document.body).fontFamily,
  };
  probe.remove();
  return found;
}

/**
 * A chart of `{title, kind: "line" | "bar" | "rows", unit, currency, points, target, names}`. A point is `{label, title,
 * value, complete}`; its value is null for what is not shown. `names` are of further series, in `point.more`.
 */
export function chart(asked) {
  const spec = asked.kind === "rows" ? { ...asked, points: asked.points.slice(0, MOST_ROWS) } : asked;
  const place = element("div", { class: "chart", role: "img", "aria-label": summary(spec) });
  if (spec.kind === "rows") place.style.height = `${Math.max(6, 2.6 + spec.points.length * 2.1)}rem`;
  const entry = { place, spec, instance: null, observer: null };
  entry.observer = new ResizeObserver(() => draw(entry));
  entry.observer.observe(place);
  drawn.add(entry);
  return place;
}

/** Forget the charts that left the page. */
export function sweep() {
  for (const entry of drawn) {
    if (entry.place.isConnected) continue;
    entry.observer.disconnect();
    entry.instance?.dispose();
    drawn.delete(entry);
  }
}

/** Draw all anew, as when the colours changed. */
export function redraw() {
  for (const entry of drawn) draw(entry);
}

/** Show other points in a chart that is there. */
export function update(place, points) {
  for (const entry of drawn) {
    if (entry.place !== place) continue;
    entry.spec = { ...entry.spec, points };
    place.setAttribute("aria-label", summary(entry.spec));
    draw(entry);
  }
}

function draw(entry) {
  const { place, spec } = entry;
  if (!place.isConnected || !place.clientWidth) return;
  entry.instance ??= window.echarts.init(place, null, { renderer: "svg" });
  entry.instance.resize();
  entry.instance.setOption(options(spec, colours(), place.clientWidth), { notMerge: true });
}

function summary({ title, points, unit, currency }) {
  const shown = points.filter((point) => point.value !== null);
  if (!shown.length) return `${title}. ${t("nothing")}`;
  const least = shown.reduce((a, b) => (b.value < a.value ? b : a));
  const most = shown.reduce((a, b) => (b.value > a.value ? b : a));
  return t("chart_summary", {
    title, count: shown.length, least: value(least.value, unit, currency), least_at: least.title ?? least.label,
    most: value(most.value, unit, currency), most_at: most.title ?? most.label,
  });
}

function options(spec, look, width) {
  const rows = spec.kind === "rows";
  const text = { ...LABELS, fontFamily: look.font, color: look.soft };
  const categories = {
    type: "category",
    data: spec.points.map((point) => point.label),
    axisLine: { lineStyle: { color: look.line } },
    axisTick: { show: false },
    axisLabel: { ...text, hideOverlap: true, ...(rows && { width: Math.min(180, width * .38), overflow: "truncate", interval: 0, color: look.ink }) },
    inverse: rows,
    boundaryGap: spec.kind !== "line",
  };
  const values = {
    type: "value",
    ...bounds(spec),
    splitNumber: 4,
    axisLabel: { ...text, formatter: (number) => mark(number, spec.unit, spec.currency), hideOverlap: true },
    splitLine: { lineStyle: { color: look.line, type: "solid", opacity: .8 } },
  };
  if (rows) Object.assign(values, { axisLabel: { show: false }, splitLine: { show: false } });
  return {
    animation: false,
    color: look.series,
    grid: { left: 4, right: rows ? 84 : target(spec) ? 46 : 12, top: spec.names ? 34 : 14, bottom: 4, containLabel: true },
    legend: spec.names ? { top: 0, left: 0, icon: "roundRect", itemWidth: 12, itemHeight: 8, textStyle: text } : undefined,
    tooltip: {
      trigger: "axis",
      renderMode: "richText",
      confine: true,
      backgroundColor: look.surface,
      borderColor: look.line,
      textStyle: { ...text, color: look.ink },
      axisPointer: { type: spec.kind === "line" ? "line" : "shadow", lineStyle: { color: look.soft, type: "dashed" }, shadowStyle: { color: look.soft, opacity: .08 } },
      formatter: (found) => tip(spec, [found].flat()[0]?.dataIndex),
    },
    xAxis: rows ? values : categories,
    yAxis: rows ? categories : values,
    series: series(spec, look),
  };
}

/** Whether the chart has a line at the target: among names there would be no room for its label. */
const target = (spec) => spec.kind !== "rows" && spec.target !== undefined && spec.target !== null;

/** A share of a whole has the whole as its end; a count has whole numbers. */
function bounds({ unit, kind, points, target: aim }) {
  const most = Math.max(0, aim ?? 0, ...points.map((point) => point.value ?? 0));
  if (kind === "rows") return { min: 0, max: unit === "ratio" ? Math.max(1, most) : undefined };
  if (unit === "ratio") return { min: 0, ...(most > .5 && { max: Math.max(1, most), interval: .2 }) };
  if (unit === "stars") return { min: 0, max: 5, interval: 1 };
  if (unit === "count") return { min: 0, minInterval: 1, max: most < 4 ? 4 : undefined };
  if (unit === "seconds") return { min: 0, ...hours(most) };
  return { min: 0 };
}

/** Marks at whole minutes, hours or days. */
function hours(most) {
  const steps = [60, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800];
  const interval = steps.find((step) => most / step <= 5);
  return interval && most > 0 ? { interval, max: Math.ceil(most / interval) * interval } : {};
}

function tip(spec, index) {
  const point = spec.points[index];
  if (!point) return "";
  const shown = point.suppressed ? t("suppressed") : point.value === null ? t("no_figure") : value(point.value, spec.unit, spec.currency);
  const more = (spec.names ?? []).map((name, at) => at && `${name}: ${value(point.more?.[at - 1] ?? null, spec.unit, spec.currency)}`).filter(Boolean);
  const lines = [point.title ?? point.label, spec.names ? `${spec.names[0]}: ${shown}` : shown, ...more];
  if (point.of) lines.push(point.of);
  if (point.complete === false) lines.push(t("not_over"));
  return lines.join("\n");
}

function series(spec, look) {
  const label = { ...LABELS, fontFamily: look.font, color: look.ink };
  const line = target(spec) && {
    silent: true,
    symbol: "none",
    lineStyle: { color: look.warn, type: "dashed", width: 1.5 },
    // Beside the plot, where no figure is.
    label: { ...label, color: look.warn, position: "end", formatter: mark(spec.target, spec.unit, spec.currency) },
    data: [{ yAxis: spec.target }],
  };
  if (spec.kind === "line") return lines(spec, look, line);
  const names = spec.names ?? [spec.title];
  return names.map((name, at) => ({
    type: "bar",
    name,
    barMaxWidth: spec.kind === "rows" ? 20 : 34,
    barMinHeight: 1,
    barCategoryGap: "30%",
    itemStyle: { color: look.series[at], borderRadius: spec.kind === "rows" ? [0, 4, 4, 0] : [4, 4, 0, 0] },
    label: spec.kind === "rows" ? {
      ...label, show: true, position: "right", formatter: ({ dataIndex }) => spec.points[dataIndex].shown ?? value(spec.points[dataIndex].value, spec.unit, spec.currency),
    } : undefined,
    markLine: at ? undefined : line || undefined,
    data: spec.points.map((point) => ({
      value: at ? point.more?.[at - 1] ?? null : point.value,
      // What is not over yet is pale with a dashed border.
      itemStyle: point.complete === false ? { opacity: .5, borderColor: look.series[at], borderType: "dashed", borderWidth: 1.5 } : undefined,
    })),
  }));
}

/** A line through all that has a figure; the part that is not over yet is dashed. Each figure is a dot. */
function lines(spec, look, aim) {
  const values = spec.points.map((point) => point.value);
  const open = spec.points.map((point) => point.complete === false);
  const begin = open.indexOf(true);
  // The dashed part begins at the last figure that is final.
  const joint = begin < 0 ? -1 : values.findLastIndex((number, at) => number !== null && at < begin);
  const common = {
    type: "line",
    name: spec.title,
    connectNulls: true,
    showSymbol: true,
    showAllSymbol: true,
    symbolSize: spec.points.length > 45 ? 4 : 6,
    itemStyle: { color: look.series[0] },
  };
  const made = [{
    ...common,
    symbol: "circle",
    data: values.map((number, at) => ({ value: open[at] ? null : number })),
    lineStyle: { width: 2.25, color: look.series[0] },
    areaStyle: { color: look.series[0], opacity: .08 },
    markLine: aim || undefined,
  }];
  if (begin >= 0) made.push({
    ...common,
    data: values.map((number, at) => ({ value: open[at] || at === joint ? number : null, symbol: at === joint ? "none" : "emptyCircle" })),
    lineStyle: { width: 2, type: "dashed", color: look.series[0] },
  });
  return made;
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
// On paper the colours are the light ones, and the width is another.
matchMedia("print").addEventListener("change", redraw);
addEventListener("beforeprint", redraw);
addEventListener("afterprint", redraw);
