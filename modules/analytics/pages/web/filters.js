/** The fields above the figures: program, period and points. Each choice is in the address, so that it can be shared. */

import { all } from "/dashboards/api.js";
import { choice, element, labelled } from "/dashboards/elements.js";
import { capital, t } from "/dashboards/words.js";

const PERIODS = [7, 28, 90, 365];
const USUAL = 28;
const STEPS = ["day", "week", "month"];

let programs = null;

/** Programs that the user teaches, or all for an admin: `[{id, title}]`. None for students. */
export async function programsOf(user) {
  if (user.role === "student") return [];
  if (programs?.user !== user.id) programs = { user: user.id, items: await all("/programs/own") };
  return programs.items;
}

function changed({ go, query }, changes) {
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    if (value) next.set(name, value);
    else next.delete(name);
  }
  go(`/dashboards?${next}`, { replace: true });
}

export async function programFilter(context, { required = false } = {}) {
  const items = await programsOf(context.user);
  if (!items.length) return null;
  const options = items.map(({ id, title }) => [id, title]);
  if (!required) options.unshift(["", t("all_programs")]);
  const field = choice("program", options, context.query.get("program") ?? "", (program) => changed(context, { program }));
  if (required && !context.query.get("program")) field.selectedIndex = -1;
  return labelled(t("program"), field);
}

/** A date some days before another, both as `2026-12-01`. */
function before(day, days) {
  return new Date(Date.parse(`${day}T00:00:00Z`) - days * 86_400_000).toISOString().slice(0, 10);
}

/** Today's date in the zone of the figures; where it is not known yet, in India's. */
function today(zone = "Asia/Kolkata") {
  return new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" }).format(new Date());
}

/** The window and points that the address asks for: `{from, until, by}`, where `until` is the day after the last. */
export function windowOf(query, zone) {
  const from = query.get("from");
  const until = query.get("until");
  const days = Number(query.get("days")) || USUAL;
  const by = STEPS.includes(query.get("by")) ? query.get("by") : days > 60 ? "week" : "day";
  if (from && until) return { from, until: before(until, -1), by };
  const end = before(today(zone), -1);
  return { from: before(end, days), until: end, by };
}

export function periodFilters(context, zone) {
  const { query } = context;
  const custom = Boolean(query.get("from") && query.get("until"));
  const days = custom ? "" : String(Number(query.get("days")) || USUAL);
  const options = PERIODS.map((number) => [String(number), t("days", { number })]);
  options.push(["", t("chosen_days")]);
  const period = choice("period", options, days, (value) => {
    if (value) return changed(context, { days: value, from: null, until: null });
    const window = windowOf(query, zone);
    return changed(context, { from: window.from, until: before(window.until, 1) });
  });
  const made = [labelled(t("period"), period)];
  if (custom) {
    const day = (name) => element("input", { type: "date", id: `filter-${name}`, value: query.get(name), onchange: ({ target }) => target.value && changed(context, { [name]: target.value }) });
    made.push(labelled(t("from"), day("from")), labelled(t("to"), day("until")));
  }
  const { by } = windowOf(query, zone);
  made.push(labelled(t("step"), choice("step", STEPS.map((step) => [step, capital(t(`by_${step}`))]), by, (step) => changed(context, { by: step }))));
  return made;
}
