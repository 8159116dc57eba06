/** The page: shows one room and lets a person write in it. */

import { newNonce } from "/dev/page/command.js";
import { Connection } from "/dev/page/connection.js";
import { Shop } from "/dev/page/shop.js";
import { badge, bubble, element, moment } from "/dev/page/elements.js";

const $ = (id) => document.getElementById(id);
const room = new URLSearchParams(location.search).get("room") || "session:demo";
// Kept for each tab, so that two tabs are two people.
const me = {
  id: (sessionStorage.id ??= `guest-${newNonce().slice(0, 8)}`),
  name: sessionStorage.name ?? "",
  role: sessionStorage.role ?? "",
};

let info = { gateways: [location.origin], mentor: "" };
let connection = null;
let shop = null;
let countdown = 0;
// What is shown, by seq; and what was written and has not come back yet, by nonce.
const shown = new Map();
const outbox = new Map();
// The seq before which older messages are asked for.
let oldest = null;

function messageOf(push) {
  const author = push.from ?? { id: "", name: "KSMP", role: "system" };
  const mine = author.id === myId();
  const item = bubble(author, push.data.text, { mine, time: moment(push.at) });
  if (mine || me.role === "mentor") {
    const remove = element("button", "delete", "Delete");
    remove.type = "button";
    remove.setAttribute("aria-label", `Delete the message of ${author.name}: ${push.data.text.slice(0, 60)}`);
    remove.onclick = () => erase(push.seq, remove);
    item.firstChild.append(remove);
  }
  return item;
}

// The room

/** Show a push of the room; older ones come from `history`, in any order. */
function show(push) {
  if (push.push === "chat.deleted") {
    shown.get(push.data.seq)?.remove();
    shown.delete(push.data.seq);
  }
  if (push.push !== "chat.message") return;
  if (push.nonce && push.from?.id === myId()) settle(push.nonce);
  const item = messageOf(push);
  const after = [...shown.keys()].filter((seq) => seq > push.seq);
  const next = after.length ? shown.get(Math.min(...after)) : null;
  $("messages").insertBefore(item, next);
  shown.set(push.seq, item);
}

function replace(messages) {
  $("messages").replaceChildren();
  shown.clear();
  // Pushes of any kind count: those that are not shown may lie before messages that are.
  oldest = messages.length ? messages[0].seq : null;
  $("older").hidden = true;
  if (oldest !== null) lookForOlder();
  messages.forEach(show);
  for (const [nonce, entry] of outbox) if (entry.stored) settle(nonce);
}

/** Offer older messages only where there are any. */
async function lookForOlder() {
  const page = await connection.history(oldest, 1).catch(() => ({ messages: [], more: true }));
  $("older").hidden = page.messages.length === 0 && !page.more;
}

async function loadOlder() {
  const scroller = $("scroller");
  const older = $("older");
  older.disabled = true;
  try {
    const page = await connection.history(oldest);
    const height = scroller.scrollHeight;
    page.messages.forEach(show);
    if (page.messages.length) oldest = page.messages[0].seq;
    older.hidden = !page.more;
    scroller.scrollTop += scroller.scrollHeight - height;
    complain(null);
  } catch (error) {
    complain(`Older messages could not be loaded: ${error.message}`);
  }
  older.disabled = false;
}

async function erase(seq, button) {
  button.disabled = true;
  try {
    await connection.command("chat.delete", { seq });
    complain(null);
  } catch (error) {
    button.disabled = false;
    complain(`The message could not be deleted: ${error.message}`);
  }
}

async function say(text) {
  const nonce = newNonce();
  const item = bubble({ id: myId(), name: me.name, role: me.role }, text, { mine: true });
  const note = element("span", "note", "sending…");
  item.firstChild.append(note);
  outbox.set(nonce, { item, stored: false });
  $("outbox").append(item);
  toNewest();
  try {
    await connection.command("chat.send", { text }, nonce);
    const entry = outbox.get(nonce);
    if (entry) entry.stored = true;
    complain(null);
  } catch (error) {
    note.textContent = "not sent";
    item.classList.add("failed");
    const back = element("button", "delete", "Edit and try again");
    back.type = "button";
    back.onclick = () => {
      settle(nonce);
      $("text").value = text;
      $("text").focus();
    };
    item.firstChild.append(back);
    complain(`The message was not sent: ${error.message}`);
  }
}

function settle(nonce) {
  outbox.get(nonce)?.item.remove();
  outbox.delete(nonce);
}

// The state of things

function showState(state) {
  clearInterval(countdown);
  $("state").dataset.state = state.name;
  const text = $("state-text");
  $("state-count").textContent = "";
  $("state").title = state.reason ?? "";
  switch (state.name) {
    case "connecting":
      text.textContent = "Connecting…";
      break;
    case "connected":
      text.textContent = `Connected to ${location.host}`;
      break;
    case "waiting": {
      // The seconds are not read out: only that it is reconnecting is news.
      const tick = () => {
        const seconds = Math.max(0, Math.ceil((state.until - Date.now()) / 1000));
        $("state-count").textContent = ` in ${seconds} s`;
      };
      text.textContent = "Reconnecting";
      tick();
      countdown = setInterval(tick, 250);
      break;
    }
    case "closed":
      text.textContent = state.code === 1000 ? "Not connected" : `Closed: ${state.reason}`;
      if (state.code === 1000) break;
      complain(`The connection was closed for good${state.code ? ` (${state.code})` : ""}: ${state.reason}`);
      $("problem").append(" ", action("Connect again", () => (complain(null), connection.start())));
  }
}

function action(label, act) {
  const made = element("button", "quiet", label);
  made.type = "button";
  made.onclick = act;
  return made;
}

function complain(text) {
  $("problem").hidden = text === null;
  $("problem").textContent = text ?? "";
}

function showCan(can) {
  const may = can.includes("chat.send");
  $("text").disabled = $("send").disabled = !may;
  $("text").placeholder = may ? "Write a message" : "You may only read here";
}

// Scrolling: the newest stay in sight for those who are at the end, and nobody else is moved.

function atEnd() {
  const { scrollHeight, scrollTop, clientHeight } = $("scroller");
  return scrollHeight - scrollTop - clientHeight < 80;
}

function toNewest() {
  $("scroller").scrollTop = $("scroller").scrollHeight;
  $("newest").hidden = true;
}

function keepingPlace(act) {
  const following = atEnd();
  const before = shown.size;
  act();
  $("empty").hidden = shown.size > 0;
  if (following) toNewest();
  else if (shown.size > before) $("newest").hidden = false;
}

// Coming and going

/** The class has one mentor, who alone may delete what others wrote. */
const myId = () => (me.role === "mentor" && info.mentor ? info.mentor : me.id);

async function token() {
  const query = new URLSearchParams({ user: myId(), role: me.role, name: me.name });
  const response = await fetch(`/dev/token?${query}`);
  if (!response.ok) throw new Error((await response.json()).detail);
  return (await response.json()).token;
}

function enter() {
  $("sign-in").hidden = true;
  $("class").hidden = $("me").hidden = false;
  $("me-name").replaceChildren(me.name, " ", badge(me.role));
  const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/realtime`;
  connection = new Connection({ url, room, token });
  const on = (name, act) => connection.addEventListener(name, (event) => act(event.detail));
  on("state", showState);
  on("can", showCan);
  on("position", ({ seq }) => ($("position").textContent = seq));
  on("joined", ({ recovered, messages }) => {
    if (!recovered) keepingPlace(() => replace(messages));
  });
  on("push", (push) => keepingPlace(() => show(push)));
  on("personal", (push) => shop?.take(push));
  on("state", ({ name }) => name === "connected" && shop?.refresh());
  connection.start();
  $("text").focus();
}

function leave() {
  connection.stop();
  shop?.forget();
  for (const nonce of [...outbox.keys()]) settle(nonce);
  replace([]);
  complain(null);
  delete sessionStorage.role;
  $("class").hidden = $("me").hidden = true;
  $("position").textContent = "–";
  $("sign-in").hidden = false;
  $("name").focus();
}

function showGateways() {
  // The same gateways go by several names; those that are spelled as this one are enough.
  const mine = info.gateways.filter((url) => new URL(url).hostname === location.hostname);
  const items = mine.map((url) => {
    const item = element("li");
    const link = element("a", "", new URL(url).host);
    link.href = `${url}/${location.search}`;
    if (url === location.origin) link.setAttribute("aria-current", "page");
    item.append(link);
    return item;
  });
  $("gateways").replaceChildren(...items);
}

$("sign-in").onsubmit = (event) => {
  event.preventDefault();
  me.role = sessionStorage.role = new FormData($("sign-in")).get("role");
  me.name = sessionStorage.name = $("name").value.trim() || (me.role === "mentor" ? "Meera" : `Student ${me.id.slice(-4)}`);
  enter();
};

$("composer").onsubmit = (event) => {
  event.preventDefault();
  const text = $("text").value;
  if (!text.trim()) return;
  $("text").value = "";
  say(text);
};

$("text").onkeydown = (event) => {
  // Enter also ends a word in an input method; that one is not ours.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("composer").requestSubmit();
};

$("older").onclick = loadOlder;
$("newest").onclick = toNewest;
$("scroller").onscroll = () => atEnd() && ($("newest").hidden = true);
$("sign-out").onclick = leave;

$("title").textContent = room === "session:demo" ? "Demo class" : "Class";
$("room").textContent = room;
$("name").value = me.name;
info = await fetch("/dev/info").then((response) => response.json(), () => info);
showGateways();
if (info.checkout) {
  shop = new Shop({ ...info, script: info.checkout, token });
  $("shop-open").hidden = false;
}
if (me.role) enter();
