/** Answers about measures as what the page draws: points with labels, and which chart shows them best. */

import { day, longDay } from "/dashboards/format.js";
import { t } from "/dashboards/words.js";

const TIMES = ["day", "week", "month"];

/** `{name, title, unit, …, total, previous, figures}` of a MeasureFigures, one for each currency where it is of money. */
export function measuresOf(answer) {
  const currencies = [...new Set([...answer.total, ...answer.figures].map((figure) => figure.currency ?? ""))];
  if (!currencies.length) currencies.push("");
  return currencies.map((currency) => {
    const own = (figures) => figures.filter((figure) => (figure.currency ?? "") === currency);
    return {
      ...answer.measure,
      title: currencies.length > 1 ? `${answer.measure.title} (${currency})` : answer.measure.title,
      by: answer.by,
      leftOut: answer.left_out ?? 0,
      total: own(answer.total)[0] ?? null,
      previous: own(answer.previous)[0] ?? null,
      figures: own(answer.figures),
    };
  });
}

/** What people call the key of a figure: in short beside an axis, and in full. */
function labels(figure, by) {
  if (by === "day") return { label: day(figure.key), title: longDay(figure.key) };
  if (by === "week") return { label: day(figure.key), title: t("week_from", { day: longDay(figure.key) }) };
  if (by === "month") return { label: day(figure.key, "month"), title: day(figure.key, "month") };
  return { label: figure.label || figure.key || "–" };
}

function pointsOf(measure) {
  return measure.figures.map((figure) => ({ ...figure, ...labels(figure, measure.by), complete: figure.complete || !TIMES.includes(measure.by) }));
}

const HEADS = { day: "day", week: "week", month: "month", program: "program", session: "class", kind: "kind" };

/** The title of a measure that is divided by something else than time. */
export const titleOf = (measure) => (TIMES.includes(measure.by) || !measure.by ? measure.title : t("title_by", { title: measure.title, by: t(`by_${measure.by}`) }));

/** How a measure is drawn: shares and times as lines, counts and money as bars, and what has names as rows. */
export function drawing(measure, kind) {
  const points = pointsOf(measure);
  const currency = measure.total?.currency || measure.figures[0]?.currency || undefined;
  const usual = !TIMES.includes(measure.by) ? "rows" : ["count", "money"].includes(measure.unit) ? "bar" : "line";
  return { kind: kind && TIMES.includes(measure.by) ? kind : usual, points, currency, leftOut: measure.leftOut, head: t(HEADS[measure.by] ?? "what") };
}
