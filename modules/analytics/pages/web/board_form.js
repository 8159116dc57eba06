/** The form of a board: its title, the figures on it, and with whom it is shared. */

import { get } from "/dashboards/api.js";
import { button, choice, element, labelled } from "/dashboards/elements.js";
import { programsOf } from "/dashboards/filters.js";
import { preferences } from "/dashboards/preferences.js";
import { capital, t } from "/dashboards/words.js";

const CHARTS = ["line", "bar", "number", "table"];
const ROLES = ["student", "mentor", "admin"];
// `[last, step]` of a window that moves with time.
const WINDOWS = [[7, "day"], [28, "day"], [90, "day"], [12, "week"], [12, "month"]];
let ids = 0;

/** The form; `store` is called with what the API takes, and its problem is shown. */
export async function boardForm(context, board, store) {
  const { items: measures } = await get("/analytics/measures", { lang: preferences.language }, context.signal);
  const programs = await programsOf(context.user);
  const title = element("input", { id: "board-title", required: true, maxlength: "200", value: board?.title ?? "" });
  const widgets = element("div", { class: "list" });
  const problem = element("p", { class: "notice", role: "alert", "data-kind": "problem", hidden: true });
  const add = (widget) => {
    widgets.append(widgetFields(measures, programs, widget, () => number(widgets)));
    number(widgets);
  };
  for (const widget of board?.widgets ?? [null]) add(widget);
  const sharing = sharingFields(context.user, programs, board?.sharing);
  const submit = async (event) => {
    event.preventDefault();
    problem.hidden = true;
    try {
      await store({ title: title.value, widgets: [...widgets.children].map((one) => one.read()), sharing: sharing.read() });
    } catch (error) {
      problem.textContent = t("not_saved", { message: error.message });
      problem.hidden = false;
    }
  };
  return element(
    "form",
    { class: "sheet", onsubmit: submit },
    labelled(t("board_name"), title),
    element("h2", { text: t("widgets") }),
    widgets,
    element("div", {}, button(t("add_widget"), () => (add(null), widgets.lastChild.querySelector("select").focus()))),
    sharing.fields,
    problem,
    element("div", { class: "actions" }, element("button", { class: "primary", text: t("save") }), button(t("cancel"), () => history.back())),
  );
}

function number(widgets) {
  [...widgets.children].forEach((one, at) => (one.firstChild.textContent = t("widget", { number: at + 1 })));
}

/** The fields of one figure; its `read()` gives the widget. */
function widgetFields(measures, programs, widget, changed) {
  const id = `widget-${++ids}`;
  const question = widget?.question;
  const measure = choice(`${id}-measure`, measures.map((one) => [one.name, one.title]), question?.measure, () => divide());
  const by = element("select", { id: `${id}-by` });
  const divide = () => {
    const { dimensions } = measures.find((one) => one.name === measure.value) ?? { dimensions: [] };
    const kept = by.value || (question ? question.by ?? "" : "day");
    by.replaceChildren(...["", ...dimensions].map((one) => element("option", { value: one, text: capital(one ? t(`by_${one}`) : t("undivided")), selected: one === kept })));
  };
  divide();
  const window = question?.window ?? { kind: "recent", last: 28, step: "day" };
  const windows = WINDOWS.map(([last, step]) => [`${last}/${step}`, t(`last_${step}s`, { number: last })]);
  const current = window.kind === "recent" ? `${window.last}/${window.step}` : "fixed";
  // A window that the form does not offer stays as it is.
  if (!windows.some(([value]) => value === current)) windows.push([current, window.kind === "recent" ? t(`last_${window.step}s`, { number: window.last }) : `${window.from ?? ""} – ${window.until ?? ""}`]);
  const period = choice(`${id}-period`, windows, current, () => {});
  const chart = choice(`${id}-chart`, CHARTS.map((one) => [one, t(`chart_${one}`)]), widget?.chart ?? "line", () => {});
  const program = choice(`${id}-program`, [["", t("all_programs")], ...programs.map((one) => [one.id, one.title])], question?.filters?.programs?.[0] ?? "", () => {});
  const title = element("input", { id: `${id}-title`, maxlength: "200", value: widget?.title ?? "" });
  const fields = element(
    "fieldset",
    {},
    element("legend"),
    labelled(t("measure"), measure),
    labelled(t("divided_by"), by),
    labelled(t("period"), period),
    labelled(t("chart"), chart),
    programs.length ? labelled(t("program"), program) : null,
    labelled(t("widget_title"), title),
    button(t("remove"), () => {
      fields.remove();
      changed();
    }),
  );
  fields.read = () => {
    const [last, step] = period.value.split("/");
    const chosen = period.value === current ? window : { kind: "recent", last: Number(last), step };
    const filters = { ...question?.filters, programs: program.value ? [program.value] : [] };
    const words = title.value.trim() || measure.selectedOptions[0]?.text;
    return { title: words, chart: chart.value, question: { measure: measure.value, by: by.value || null, filters, window: chosen } };
  };
  return fields;
}

/** With whom the board is shared. Only admins share with all of a role, and mentors with those of their programs. */
function sharingFields(user, programs, sharing) {
  const roles = (user.role === "admin" ? ROLES : []).map((role) => [role, element("input", { type: "checkbox", id: `share-${role}`, checked: sharing?.roles.includes(role) })]);
  const some = programs.map(({ id, title }) => [id, title, element("input", { type: "checkbox", id: `share-program-${id}`, checked: sharing?.programs.includes(id) })]);
  const box = (input, text) => element("label", { class: "box", for: input.id }, input, ` ${text}`);
  const fields = element(
    "fieldset",
    { hidden: !roles.length && !some.length },
    element("legend", { text: t("shared_with") }),
    ...roles.map(([role, input]) => box(input, t(`all_${role}s`))),
    ...some.map(([, title, input]) => box(input, t("share_program", { title }))),
    element("p", { class: "soft hint", text: t("share_hint") }),
  );
  const read = () => ({
    roles: roles.filter(([, input]) => input.checked).map(([role]) => role),
    programs: some.filter(([, , input]) => input.checked).map(([id]) => id),
    users: sharing?.users ?? [],
  });
  return { fields, read };
}
