/** One class: its figures while it goes on, and what is known of it afterwards. */

import { card, tile } from "/dashboards/card.js";
import { chart, update } from "/dashboards/chart.js";
import { readClass } from "/dashboards/classes_view.js";
import { element, table } from "/dashboards/elements.js";
import { clock, count, moment, value } from "/dashboards/format.js";
import { LiveFigures } from "/dashboards/live_figures.js";
import { afterClass } from "/dashboards/after_class.js";
import { t } from "/dashboards/words.js";

const OPEN = ["scheduled", "lobby", "live"];

export async function classView(context) {
  const { query, signal, address } = context;
  const id = query.get("session");
  const session = await readClass(id, signal);
  const title = element(
    "div",
    { class: "title" },
    element("p", {}, element("a", { href: address("classes"), text: `← ${t("classes_title")}` })),
    element("h1", { text: session.title }),
    element("p", { class: "as-of", text: `${moment(session.starts_at)} · ${t(`state_${session.state}`)}` }),
  );
  const parts = [title];
  if (OPEN.includes(session.state)) parts.push(live(session, context));
  if (session.state === "ended") parts.push(...(await afterClass(session, context)));
  return parts;
}

/** The figures of this moment, which change by themselves until the view is left. */
function live(session, { signal, again }) {
  const state = element("p", { class: "live", role: "status", text: t("loading") });
  const tiles = element("ul", { class: "tiles", id: "live" });
  const place = element("div");
  const made = element("section", { "aria-labelledby": "now" }, element("h2", { id: "now", text: t("now") }), state, tiles, place);
  let drawn = null;
  const figures = new LiveFigures(session.id);
  signal.addEventListener("abort", () => figures.stop());
  figures.addEventListener("state", ({ detail }) => {
    state.dataset.state = detail.name;
    state.textContent = detail.name === "on" ? t("live_on") : detail.name === "waiting" ? t("live_waiting") : t("live_refused", { message: detail.reason });
  });
  figures.addEventListener("figures", ({ detail }) => {
    show(tiles, detail);
    drawn = curve(place, drawn, detail.curve);
    // What comes after the class is another part of the page.
    if (detail.state === "ended" && session.state !== "ended") again();
  });
  return made;
}

function show(tiles, now) {
  const stream = !now.stream ? t("stream_off") : now.stream.starving ? t("stream_starving") : now.stream.video === "streaming" ? t("stream_good") : t("stream_off");
  const shown = [
    ["viewers", count(now.viewers)],
    ["messages_a_minute", count(now.messages_a_minute)],
    ["poll_share", now.poll && now.poll.share !== null ? value(now.poll.share, "ratio") : "–", now.poll && t("of", { numerator: now.poll.voters, denominator: now.poll.viewers })],
    ["hands", count(now.hands_up)],
    ["questions", count(now.questions_open)],
    ["stream", stream],
  ];
  // Only texts change, so that nothing jumps and a reader of screens keeps its place.
  shown.forEach(([name, text, of], at) => {
    let one = tiles.children[at];
    if (!one) {
      one = element("li", { class: "tile", "data-live": name }, element("h3", { text: t(name) }), element("p", { class: "big" }), element("p", { class: "of" }));
      tiles.append(one);
    }
    if (one.children[1].textContent !== text) one.children[1].textContent = text;
    if (one.children[2].textContent !== (of ?? "")) one.children[2].textContent = of ?? "";
  });
}

/** Draw the curve, or give the one that is there its new points. */
function curve(place, drawn, { started_at, step_seconds, viewers }) {
  if (!viewers.length) return drawn;
  const points = viewers.map((number, at) => {
    const moment = new Date(started_at + at * step_seconds * 1_000).toISOString();
    return { label: clock(moment), value: number, numerator: number, complete: at < viewers.length - 1 };
  });
  const spec = { title: t("curve"), kind: "line", unit: "count", points };
  if (!drawn) {
    drawn = { chart: chart(spec), rows: element("details", {}, element("summary", { text: t("table_alone") })) };
    place.replaceChildren(element("article", { class: "card wide" }, element("h3", { text: t("curve") }), drawn.chart, drawn.rows));
  } else {
    update(drawn.chart, points);
  }
  const rows = table(`${t("curve")}: ${t("table")}`, [t("begins"), { text: t("viewers"), number: true }], points.map((point) => [point.label, { text: count(point.value), value: point.value }]));
  drawn.rows.replaceChildren(drawn.rows.firstChild, rows);
  return drawn;
}
