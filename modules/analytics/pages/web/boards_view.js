/** Boards: figures that people choose themselves. The list, one board, and the form that changes it. */

import { all, get, save, send } from "/dashboards/api.js";
import { boardForm } from "/dashboards/board_form.js";
import { card, tile } from "/dashboards/card.js";
import { button, element, table } from "/dashboards/elements.js";
import { moment } from "/dashboards/format.js";
import { drawing, measuresOf } from "/dashboards/measure.js";
import { asOf } from "/dashboards/overview.js";
import { preferences } from "/dashboards/preferences.js";
import { t } from "/dashboards/words.js";

export async function boardsView(context) {
  const { address, go } = context;
  const boards = await all("/analytics/boards");
  const parts = [
    element("h1", { text: t("boards_title") }),
    element("div", { class: "actions" }, element("a", { class: "quiet button", href: address(null, { board: "new" }), text: t("new_board") })),
  ];
  if (!boards.length) return [...parts, element("p", { class: "empty", text: t("boards_none") })];
  const rows = boards.map((board) => [
    element("a", { href: address(null, { board: board.id }), text: board.title }),
    { text: String(board.widgets.length), value: board.widgets.length },
    t(board.owner_id === context.user.id ? "own_board" : "shared_board"),
    moment(board.changed_at),
  ]);
  return [...parts, table(t("boards_title"), [t("board"), { text: t("widgets_number"), number: true }, t("whose"), t("changed")], rows)];
}

export async function boardView(context) {
  const { query, signal, address, go } = context;
  const id = query.get("board");
  if (id === "new") return await editing(context, null);
  const board = await get(`/analytics/boards/${encodeURIComponent(id)}`, {}, signal);
  if (query.get("edit") && board.sharing) return await editing(context, board);
  const answer = await get(`/analytics/boards/${board.id}/figures`, { lang: preferences.language }, signal);
  const first = answer.widgets.find((one) => one.figures)?.figures;
  const title = element(
    "div",
    { class: "title" },
    element("p", {}, element("a", { href: address("boards", { board: null }), text: `← ${t("boards_title")}` })),
    element("h1", { text: board.title }),
    first ? asOf(first) : null,
  );
  const said = element("span", { class: "soft", role: "status" });
  const act = (format) => async () => {
    try {
      said.textContent = t("exported", { file: await save(`/analytics/exports/boards/${board.id}`, { format, lang: preferences.language }, `board.${format}`) });
    } catch (error) {
      said.textContent = error.message;
    }
  };
  const tools = element("div", { class: "actions" });
  if (board.sharing) {
    const remove = async () => {
      if (!confirm(t("delete_sure"))) return;
      await send("DELETE", `/analytics/boards/${board.id}`);
      go(address("boards", { board: null }));
    };
    tools.append(element("a", { class: "quiet button", href: address(null, { board: board.id, edit: "1" }), text: t("edit") }), button(t("delete"), remove));
  }
  tools.append(...["csv", "xlsx", "parquet"].map((format) => button(format.toUpperCase(), act(format))), button(t("print"), () => print()), said);
  return [title, tools, element("div", { class: "cards" }, ...answer.widgets.flatMap(shown))];
}

/** A widget as its owner wants it: a number, a chart, or a table that is open. */
function shown({ widget, figures, error }) {
  if (error) {
    return element("article", { class: "card" }, element("header", {}, element("h2", { text: widget.title })), element("p", { class: "empty", text: t("widget_refused", { message: error.message }) }));
  }
  return measuresOf(figures).map((measure) => {
    const own = { ...measure, title: widget.title };
    if (widget.chart === "number" || !measure.by) return element("ul", { class: "tiles" }, tile(own));
    const made = card(own, drawing(own, widget.chart));
    if (widget.chart === "table") {
      made.querySelector(".chart")?.remove();
      made.querySelector("details").open = true;
    }
    return made;
  });
}

async function editing(context, board) {
  const { address, go } = context;
  const store = async (written) => {
    const stored = board
      ? await send("PATCH", `/analytics/boards/${board.id}`, written, { "If-Match": `"${board.rev}"` })
      : await send("POST", "/analytics/boards", written);
    go(address(null, { board: stored.id, edit: null }));
  };
  return [element("h1", { text: board ? board.title : t("new_board") }), await boardForm(context, board, store)];
}
