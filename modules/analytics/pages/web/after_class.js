/** What is known of a class once it is over: its figures, the curve of viewers, what was done when, and who left when. */

import { get } from "/dashboards/api.js";
import { card, tile } from "/dashboards/card.js";
import { chart } from "/dashboards/chart.js";
import { element, table } from "/dashboards/elements.js";
import { clock, count } from "/dashboards/format.js";
import { drawing, measuresOf, titleOf } from "/dashboards/measure.js";
import { asOf, section } from "/dashboards/overview.js";
import { preferences } from "/dashboards/preferences.js";
import { t } from "/dashboards/words.js";

const DONE = ["messages", "hands", "questions", "polls"];

export async function afterClass(session, { signal }) {
  const report = await get(`/analytics/sessions/${encodeURIComponent(session.id)}`, { lang: preferences.language }, signal);
  const figures = report.figures.flatMap(measuresOf);
  const details = report.details.flatMap(measuresOf);
  const cards = [];
  if (report.curve.length) cards.push(curve(report));
  if (report.activity.length) cards.push(activity(report));
  cards.push(...details.map((measure) => card({ ...measure, title: titleOf(measure) }, drawing(measure), { chipped: false })));
  const parts = [asOf(report)];
  // One class has no time before it to be compared with.
  if (figures.length) parts.push(element("ul", { class: "tiles" }, ...figures.map((measure) => tile({ ...measure, previous: null }))));
  return [section("after_class", null, ...parts, element("div", { class: "cards" }, ...cards))];
}

function curve({ curve: points, started_at }) {
  const start = Date.parse(started_at);
  const drawn = points.map(({ seconds, viewers }) => ({ label: clock(start + seconds * 1_000), title: t("minute", { number: count(Math.floor(seconds / 60)) }), value: viewers }));
  return plain("curve", drawn, t("begins"), [t("viewers")]);
}

function activity({ activity: points }) {
  const drawn = points.map((point) => ({ label: clock(point.at), value: point[DONE[0]], more: DONE.slice(1).map((name) => point[name]) }));
  return plain("activity", drawn, t("begins"), DONE.map((name) => t(`done_${name}`)));
}

/** A card of counts that are no measure: one series or several beside each other. */
function plain(name, points, head, names) {
  const several = names.length > 1;
  const spec = { title: t(name), kind: several ? "bar" : "line", unit: "count", points, names: several ? names : undefined };
  const rows = points.map((point) => [point.title ?? point.label, ...[point.value, ...(point.more ?? [])].map((number) => ({ text: count(number), value: number }))]);
  const heads = [head, ...names.map((text) => ({ text, number: true }))];
  return element(
    "article",
    { class: "card", "data-part": name },
    element("header", {}, element("h3", { text: t(name) })),
    chart(spec),
    element("details", {}, element("summary", { text: t("table_alone") }), table(`${t(name)}: ${t("table")}`, heads, rows)),
  );
}
