/** Buttons that save the figures of a measure as a file. The token goes into a header, so a plain link would not do. */

import { save } from "/dashboards/api.js";
import { button, element } from "/dashboards/elements.js";
import { t } from "/dashboards/words.js";

const FORMATS = ["csv", "xlsx", "parquet"];

export function exportsOf(measure, asked, { announce }) {
  const said = element("span", { class: "soft", role: "status" });
  const act = (format) => async ({ target }) => {
    target.disabled = true;
    try {
      said.textContent = t("exported", { file: await save(`/analytics/exports/measures/${measure.name}`, { ...asked, by: measure.by, format }, `${measure.name}.${format}`) });
    } catch (error) {
      said.textContent = error.message;
    }
    target.disabled = false;
  };
  return element("div", { class: "exports" }, element("span", { class: "soft", text: t("export") }), ...FORMATS.map((format) => button(format.toUpperCase(), act(format))), said);
}
