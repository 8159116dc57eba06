/** The dashboard of a role: targets as tiles, how each measure went, and what it is made of. */

import { get } from "/dashboards/api.js";
import { card, tile } from "/dashboards/card.js";
import { button, element } from "/dashboards/elements.js";
import { exportsOf } from "/dashboards/exports.js";
import { periodFilters, programFilter, windowOf } from "/dashboards/filters.js";
import { moment } from "/dashboards/format.js";
import { drawing, measuresOf, titleOf } from "/dashboards/measure.js";
import { preferences } from "/dashboards/preferences.js";
import { t } from "/dashboards/words.js";

export async function overview(context) {
  const { user, query, signal } = context;
  const window = windowOf(query);
  const { by, ...asked } = { ...window, program: query.get("program"), lang: preferences.language };
  const answer = await get(`/analytics/dashboards/${user.role}`, { ...asked, step: by }, signal);
  const headlines = answer.headlines.flatMap(measuresOf);
  const tiles = headlines.filter((measure) => measure.target !== null);
  const parts = [
    element("div", { class: "title" }, element("h1", { text: t(`overview_${user.role}`) }), asOf(answer)),
    element("div", { class: "filters" }, await programFilter(context), ...periodFilters(context, answer.zone), element("div", { class: "end" }, button(t("print"), () => print()))),
  ];
  const shown = (measure) => card(measure, drawing(measure), { chipped: !tiles.includes(measure), exports: exportsOf(measure, asked, context) });
  const divided = (measure) => card({ ...measure, title: titleOf(measure) }, drawing(measure), { chipped: false, exports: exportsOf(measure, asked, context) });
  if (tiles.length) parts.push(section("targets", null, element("ul", { class: "tiles" }, ...tiles.map(tile))));
  parts.push(section("in_time", null, element("div", { class: "cards" }, ...headlines.map(shown))));
  for (const [name, hint] of [["details", null], ["indications", t("indications_hint")]]) {
    const measures = answer[name].flatMap(measuresOf);
    if (measures.length) parts.push(section(name, hint, element("div", { class: "cards packed" }, ...measures.map(divided))));
  }
  return parts;
}

/** Up to when all is counted, and in whose days. */
export function asOf({ as_of, zone }) {
  const text = Date.parse(as_of) > 0 ? t(zone ? "as_of" : "as_of_moment", { moment: moment(as_of, zone), zone }) : t("as_of_waiting");
  return element("p", { class: "as-of", "data-as-of": as_of, text });
}

export function section(name, hint, ...children) {
  const title = element("h2", { id: `section-${name}`, text: t(name) });
  return element("section", { "aria-labelledby": title.id, "data-section": name }, title, hint ? element("p", { class: "soft", text: hint }) : null, ...children);
}
