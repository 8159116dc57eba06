/** The page: who is signed in, which view is shown, and what is at the head. */

import { get, onSignedOut, token } from "/dashboards/api.js";
import { redraw, sweep } from "/dashboards/chart.js";
import { button, element } from "/dashboards/elements.js";
import { preferences } from "/dashboards/preferences.js";
import { signInForm } from "/dashboards/sign_in.js";
import { boardView, boardsView } from "/dashboards/boards_view.js";
import { classView } from "/dashboards/class_view.js";
import { classesView } from "/dashboards/classes_view.js";
import { overview } from "/dashboards/overview.js";
import { riskView } from "/dashboards/risk_view.js";
import { t } from "/dashboards/words.js";

const $ = (id) => document.getElementById(id);
// Of each view: what draws it, and where in the head it is.
const VIEWS = {
  overview: { draw: overview, name: "overview" },
  classes: { draw: classesView, name: "classes" },
  class: { draw: classView, name: "classes" },
  students: { draw: riskView, name: "students" },
  boards: { draw: boardsView, name: "boards" },
  board: { draw: boardView, name: "boards" },
};
const IN_HEAD = { student: ["overview", "boards"], mentor: ["overview", "classes", "students", "boards"], admin: ["overview", "classes", "students", "boards"] };
// What stays when another view is opened.
const KEPT = ["program", "days", "from", "until"];

let user = null;
let drawing = new AbortController();

/** The address of a view, or of none where the parameters say it, with what is kept of this one. */
function address(view, parameters = {}) {
  const now = new URLSearchParams(location.search);
  const next = new URLSearchParams(view ? { view } : {});
  for (const name of KEPT) if (now.get(name)) next.set(name, now.get(name));
  for (const [name, value] of Object.entries(parameters)) {
    if (value === null || value === "") next.delete(name);
    else next.set(name, value);
  }
  const search = next.toString();
  return `/dashboards${search && `?${search}`}`;
}

function go(url, { replace = false } = {}) {
  history[replace ? "replaceState" : "pushState"](null, "", url);
  show();
}

/** A sentence for readers of screens. */
function announce(text) {
  $("announcer").textContent = text;
}

function head() {
  document.documentElement.lang = preferences.language;
  if (preferences.theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = preferences.theme;
  const texts = { brand: "dashboards", skip: "skip", "language-label": "language", "theme-label": "colours", "sign-out": "sign_out" };
  for (const [id, name] of Object.entries(texts)) $(id).textContent = t(name);
  for (const option of $("theme").options) option.textContent = t(`theme_${option.value}`);
  $("language").value = preferences.language;
  $("theme").value = preferences.theme;
  $("views").setAttribute("aria-label", t("views"));
  $("me").hidden = $("views").hidden = !user;
  if (!user) return;
  $("me-name").textContent = user.name;
  const shown = VIEWS[viewName()].name;
  const link = (name) => element("a", { href: address(name === "overview" ? null : name), "aria-current": name === shown && "page", text: t(name === "overview" && user.role === "student" ? "my_progress" : name) });
  $("views").replaceChildren(...IN_HEAD[user.role].map(link));
}

/** `?session=` and `?board=` are addresses that others link to. */
function viewName() {
  const query = new URLSearchParams(location.search);
  if (query.get("session")) return "class";
  if (query.get("board")) return "board";
  const asked = query.get("view");
  return Object.hasOwn(VIEWS, asked) ? asked : "overview";
}

async function show({ focus = true } = {}) {
  drawing.abort();
  drawing = new AbortController();
  const { signal } = drawing;
  head();
  const main = $("main");
  main.setAttribute("aria-busy", "true");
  announce(t("loading"));
  try {
    const query = new URLSearchParams(location.search);
    const drawn = user ? await VIEWS[viewName()].draw({ user, query, signal, go, address, announce, again: () => show({ focus: false }) }) : await signInForm(entered, ended);
    if (signal.aborted) return;
    main.replaceChildren(...[drawn].flat());
    if (user) announce(t("loaded"));
  } catch (error) {
    if (signal.aborted) return;
    main.replaceChildren(failure(error));
  }
  main.removeAttribute("aria-busy");
  sweep();
  const title = main.querySelector("h1")?.textContent;
  document.title = title ? `${title} · ${t("dashboards")}` : t("dashboards");
  if (focus && user) main.focus({ preventScroll: true });
}

function failure(error, again = show) {
  if (!("code" in error)) console.error(error);
  const text = error.code === "forbidden" ? t("forbidden") : t("failed", { message: error.message });
  return element("div", { class: "notice", role: "alert", "data-kind": "problem" }, element("p", { text }), button(t("try_again"), () => again()));
}

// Signing in and out

let ended = null;

function entered(profile) {
  user = profile;
  ended = null;
  show();
}

function signOut(reason) {
  token.forget();
  user = null;
  ended = reason;
  show();
}

onSignedOut(() => user && signOut(t("signed_out")));

// Links of ours change the view without loading the page.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href^='/dashboards']");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || link.download) return;
  event.preventDefault();
  go(link.getAttribute("href"));
});
addEventListener("popstate", () => show());
$("language").onchange = () => {
  preferences.set("language", $("language").value);
  const now = new URLSearchParams(location.search);
  if (now.has("lang")) {
    now.set("lang", preferences.language);
    history.replaceState(null, "", `/dashboards?${now}`);
  }
  show({ focus: false });
};
$("theme").onchange = () => {
  preferences.set("theme", $("theme").value);
  head();
  redraw();
};
$("sign-out").onclick = () => signOut(null);

// The tables are closed on the screen and open on paper.
let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open])")];
  for (const one of closed) one.open = true;
});
addEventListener("afterprint", () => {
  for (const one of closed) one.open = false;
});

/** Who is signed in. Only an answer that refuses the token ends the sign-in: a gateway may be away for a moment. */
async function begin() {
  head();
  ended = null;
  try {
    if (token.get()) user = await get("/users/me");
  } catch (error) {
    if (error.status !== 401) {
      $("main").replaceChildren(failure(error, begin));
      return;
    }
    ended = t("signed_out");
  }
  show({ focus: false });
}

await begin();
