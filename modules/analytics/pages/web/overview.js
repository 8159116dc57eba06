/** The dashboard of a role: targets as tiles, then each measure with its chart. */

import { get } from "/dashboards/api.js";
import { card, tile } from "/dashboards/card.js";
import { button, element } from "/dashboards/elements.js";
import { exportsOf } from "/dashboards/exports.js";
import { periodFilters, programFilter, windowOf } from "/dashboards/filters.js";
import { moment } from "/dashboards/format.js";
import { drawing, measuresOf } from "/dashboards/measure.js";
import { preferences } from "/dashboards/preferences.js";
import { t } from "/dashboards/words.js";

export async function overview(context) {
  const { user, query, signal } = context;
  const window = windowOf(query);
  const asked = { ...window, program: query.get("program"), lang: preferences.language };
  const answer = await get(`/analytics/dashboards/${user.role}`, asked, signal);
  const measures = answer.measures.flatMap(measuresOf);
  const tiles = measures.filter((measure) => measure.total && (measure.target !== null && measure.target !== undefined));
  const parts = [
    element("div", { class: "title" }, element("h1", { text: t(`overview_${user.role}`) }), asOf(answer)),
    element("div", { class: "filters" }, await programFilter(context), ...periodFilters(context, answer.zone), element("div", { class: "end" }, button(t("print"), () => print()))),
  ];
  if (tiles.length) parts.push(section("targets", element("ul", { class: "tiles" }, ...tiles.map(tile))));
  const cards = measures.map((measure) => card(measure, drawing(measure), { tiled: tiles.includes(measure), exports: exportsOf(measure, asked, context) }));
  parts.push(section("in_time", element("div", { class: "cards" }, ...cards)));
  return parts;
}

/** Up to when all is counted, and in whose days. */
export function asOf({ as_of, zone, figures }) {
  const text = Date.parse(as_of) > 0 ? t("as_of", { moment: moment(as_of, zone), zone }) : t("as_of_waiting");
  return element("p", { class: "as-of", "data-as-of": as_of, text });
}

export function section(name, ...children) {
  return element("section", { "aria-labelledby": `section-${name}` }, element("h2", { id: `section-${name}`, text: t(name) }), ...children);
}
