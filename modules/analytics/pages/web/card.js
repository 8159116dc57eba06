/** One measure: its figure, its target and trend, its chart, and the table with the definition. */

import { chart, MOST_ROWS } from "/dashboards/chart.js";
import { element, table } from "/dashboards/elements.js";
import { count, difference, value } from "/dashboards/format.js";
import { t } from "/dashboards/words.js";

/** The figure of a measure as one line: `80 % · 412 of 515`. */
function of(measure, figure) {
  if (measure.unit === "ratio" && figure.denominator) return t("of", { numerator: count(figure.numerator), denominator: count(figure.denominator) });
  return "";
}

export function shown(measure, figure) {
  return figure.suppressed ? t("suppressed_short") : value(figure.value, measure.unit, figure.currency);
}

/** Whether the target is met, and how it went against the time before; both in words, not in colours alone. */
function chips(measure) {
  const made = [];
  const now = measure.total?.value ?? null;
  const points = (number) => t("points", { number });
  if (measure.target !== null && measure.target !== undefined && now !== null) {
    const gap = now - measure.target;
    const met = measure.lower_is_better ? gap <= 0 : gap >= 0;
    const target = t("target", { value: value(measure.target, measure.unit) });
    const text = Math.abs(gap) < 1e-9 ? t("target_met", { target }) : t(gap > 0 ? "target_above" : "target_below", { target, gap: difference(gap, measure.unit, points) });
    made.push(element("span", { class: "chip", "data-state": met ? "good" : "warn", text }));
  }
  const before = measure.previous?.value ?? null;
  if (before !== null && now !== null) {
    const change = now - before;
    const text = Math.abs(change) < 1e-9 ? t("same") : `${change > 0 ? "▲" : "▼"} ${t(change > 0 ? "more_than_before" : "less_than_before", { change: difference(change, measure.unit, points, measure.total.currency) })}`;
    made.push(element("span", { class: "chip", text }));
  }
  return made.length ? element("p", { class: "against" }, ...made) : null;
}

/** The figure alone, for the head of a page. */
export function tile(measure) {
  const figure = measure.total;
  return element(
    "li",
    { class: "tile", "data-measure": measure.name },
    element("h3", { text: measure.title }),
    element("p", { class: "big", "data-value": figure?.value, text: figure ? shown(measure, figure) : "–" }),
    element("p", { class: "of", text: figure ? of(measure, figure) : "" }),
    chips(measure),
  );
}

/**
 * The measure with its chart. `draw` is `{kind, points, …}` of chart.js; `exports` is a node or null; without
 * `chipped` target and trend stand elsewhere.
 */
export function card(measure, draw, { exports = null, wide = false, tools = null, chipped = true } = {}) {
  const made = element("article", { class: wide ? "card wide" : "card", "data-measure": measure.name });
  const head = element("header", {}, element("h3", { text: measure.title }));
  if (measure.total) {
    const line = of(measure, measure.total);
    head.append(element("p", {}, line && element("span", { class: "of", text: line }), " ", element("span", { class: "big", "data-value": measure.total.value, text: shown(measure, measure.total) })));
  }
  made.append(head);
  const against = chipped ? chips(measure) : null;
  if (against) made.append(against);
  if (draw.points.some((point) => point.value !== null)) made.append(chart({ title: measure.title, unit: measure.unit, target: measure.target, ...draw }));
  else made.append(element("p", { class: "empty", text: t(draw.points.some((point) => point.suppressed) ? "all_suppressed" : "nothing") }));
  made.append(element("p", { class: "marks", text: marks(draw) }), details(measure, draw, exports));
  if (tools) made.append(tools);
  return made;
}

/** What the reader must know of the points: not over yet, not shown. */
function marks({ points, kind, leftOut }) {
  const open = points.some((point) => point.complete === false && point.value);
  // Where no point is shown, the card says so in place of a chart.
  const hidden = points.some((point) => point.suppressed) && points.some((point) => point.value !== null);
  const cut = kind === "rows" && points.length > MOST_ROWS;
  return [open && t("open_mark"), hidden && t("suppressed"), cut && t("rows_cut", { number: MOST_ROWS }), leftOut && t("left_out", { number: leftOut })].filter(Boolean).join(" ");
}

function details(measure, draw, exports) {
  const definition = [[t("definition"), measure.definition], [t("numerator"), measure.numerator], [t("denominator"), measure.denominator]];
  const made = element("details", { class: "numbers" }, element("summary", { text: t("table_and_definition") }));
  made.append(element("dl", { class: "definition" }, ...definition.filter(([, text]) => text).flatMap(([name, text]) => [element("dt", { text: name }), element("dd", { text })])));
  made.append(rowsOf(measure, draw));
  if (exports) made.append(exports);
  return made;
}

function rowsOf(measure, draw) {
  const divided = draw.points.some((point) => point.denominator !== null && point.denominator !== undefined);
  const head = [draw.head ?? t("what"), { text: t("figure"), number: true }];
  if (divided) head.push({ text: t("numerator"), number: true }, { text: t("denominator"), number: true });
  const part = (number, point) => ({ text: point.suppressed || number === null || number === undefined ? "–" : ["money", "seconds"].includes(measure.unit) && number === point.numerator ? value(number, measure.unit, point.currency) : count(number), value: number });
  const rows = draw.points.map((point) => {
    const row = [point.title ?? point.label, { text: shown(measure, point), value: point.value }];
    if (divided) row.push(part(point.numerator, point), part(point.denominator, point));
    row.note = point.complete === false ? t("not_over") : "";
    return row;
  });
  return table(`${measure.title}: ${t("table")}`, head, rows);
}
