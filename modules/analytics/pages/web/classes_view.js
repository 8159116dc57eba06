/** The list of classes, each of which leads to its figures. */

import { all, get } from "/dashboards/api.js";
import { element, table } from "/dashboards/elements.js";
import { programFilter } from "/dashboards/filters.js";
import { moment } from "/dashboards/format.js";
import { t } from "/dashboards/words.js";

// So many days back; older ones are found by the calendar of the program.
const DAYS = 180;

export async function classesView(context) {
  const { query, signal, address, user } = context;
  const since = new Date(Date.now() - DAYS * 86_400_000).toISOString().replace(/\.\d+/, "");
  const until = new Date(Date.now() + 86_400_000).toISOString().replace(/\.\d+/, "");
  const found = await all("/sessions", { since, until, program: query.get("program"), teaching: user.role === "mentor" ? true : null });
  signal.throwIfAborted();
  const sessions = found.sort((a, b) => (a.starts_at < b.starts_at ? 1 : -1));
  const filter = await programFilter(context);
  const parts = [element("h1", { text: t("classes_title") }), element("div", { class: "filters" }, filter)];
  if (!sessions.length) return [...parts, element("p", { class: "empty", text: t("classes_none") })];
  const rows = sessions.map((session) => [
    element("a", { href: address(null, { session: session.id }), text: session.title }),
    moment(session.starts_at),
    t(`state_${session.state}`),
  ]);
  return [...parts, table(t("classes_title"), [t("class"), t("begins"), t("state")], rows)];
}

/** The class of this id, or a Problem. */
export const readClass = (id, signal) => get(`/sessions/${encodeURIComponent(id)}`, {}, signal);
