/** Students of a program who fall behind, why, and a message to those who are chosen. */

import { get, send } from "/dashboards/api.js";
import { button, element, labelled } from "/dashboards/elements.js";
import { programFilter, programsOf } from "/dashboards/filters.js";
import { count, longDay, moment, value } from "/dashboards/format.js";
import { t } from "/dashboards/words.js";

export async function riskView(context) {
  const { user, query, signal } = context;
  const programs = await programsOf(user);
  const title = element("h1", { text: t("risk_title") });
  if (!programs.length) return [title, element("p", { class: "empty", text: t("no_programs") })];
  const filters = element("div", { class: "filters" }, await programFilter(context, { required: true }));
  const program = query.get("program");
  if (!program) return [title, filters, element("p", { class: "empty", text: t("choose_program") })];
  const { students, page } = await read(program, signal);
  const head = element("div", { class: "title" }, title, element("p", { class: "as-of", text: t("risk_head", { at_risk: page.at_risk, students: page.students, day: moment(page.since), moment: moment(page.as_of) }) }));
  if (!students.length) return [head, filters, element("p", { class: "empty", text: t("risk_none") })];
  return [head, filters, list(program, students)];
}

/** All who fall behind, and the head of the list. */
async function read(program, signal) {
  const path = `/analytics/programs/${encodeURIComponent(program)}/at-risk`;
  const page = await get(path, { limit: 200 }, signal);
  const students = [...page.items];
  for (let { next } = page; next; ) {
    const more = await get(path, { limit: 200, cursor: next }, signal);
    students.push(...more.items);
    next = more.next;
  }
  return { students, page };
}

function list(program, students) {
  const write = element("button", { type: "button", class: "primary", disabled: true });
  const boxes = students.map((student) => element("input", { type: "checkbox", id: `student-${student.user_id}`, onchange: () => chosen() }));
  const everybody = element("input", { type: "checkbox", id: "everybody", onchange: () => (boxes.forEach((box) => (box.checked = everybody.checked)), chosen()) });
  const chosen = () => {
    const number = boxes.filter((box) => box.checked).length;
    write.disabled = number === 0;
    write.textContent = number === 1 ? t("write_one") : t("write", { count: number });
    everybody.checked = number === boxes.length;
    everybody.indeterminate = number > 0 && number < boxes.length;
  };
  const said = element("div", { role: "status" });
  const rows = students.map((student, at) => row(student, boxes[at]));
  write.addEventListener("click", () => {
    const users = students.filter((_, at) => boxes[at].checked);
    said.replaceChildren(messageForm(program, users, { said, rows }));
    said.querySelector("textarea").focus();
  });
  chosen();
  return element(
    "section",
    { "aria-labelledby": "list-title" },
    element("h2", { id: "list-title", text: t("students") }),
    element("p", { class: "soft", text: t("risk_hint") }),
    element("div", { class: "actions" }, element("label", { class: "box", for: "everybody" }, everybody, ` ${t("choose_all")}`), write),
    said,
    element("ul", { class: "list" }, ...rows),
  );
}

const nameOf = (student) => student.name || student.user_id;

function row(student, box) {
  const reasons = student.reasons.map((one) => {
    const text = t("reason", { reason: t(one.reason), numerator: count(one.numerator), denominator: count(one.denominator), value: value(one.value, "ratio"), least: value(one.least, "ratio") });
    return element("li", { class: "chip", "data-state": "warn", "data-value": one.value, text });
  });
  const learnt = student.last_learnt_on ? t("last_learnt", { day: longDay(student.last_learnt_on) }) : t("never_learnt");
  return element(
    "li",
    { class: "row", "data-user": student.user_id },
    box,
    element("div", {}, element("label", { for: box.id }, element("strong", { text: nameOf(student) })), element("p", { class: "of", text: learnt }), element("ul", { class: "reasons" }, ...reasons)),
    element("span", { class: "note", text: student.written_at ? t("written", { day: moment(student.written_at) }) : "" }),
  );
}

function messageForm(program, users, { said, rows }) {
  const field = element("textarea", { id: "message", rows: "4", maxlength: "1000", required: true });
  const problem = element("p", { class: "notice", role: "alert", "data-kind": "problem", hidden: true });
  const submit = async (event) => {
    event.preventDefault();
    const press = event.submitter;
    if (press) press.disabled = true;
    try {
      const { results } = await send("POST", `/analytics/programs/${encodeURIComponent(program)}/at-risk/messages`, { users: users.map((one) => one.user_id), text: field.value });
      said.replaceChildren(sent(results, users));
      for (const one of results) {
        const note = rows.find((item) => item.dataset.user === one.user_id)?.querySelector(":scope > .note");
        if (note && one.written_at) note.textContent = t("written", { day: moment(one.written_at) });
      }
    } catch (error) {
      problem.textContent = t("not_sent", { message: error.message });
      problem.hidden = false;
      if (press) press.disabled = false;
    }
  };
  const names = users.map(nameOf).join(", ");
  return element(
    "form",
    { class: "sheet", onsubmit: submit },
    element("p", { class: "soft", text: t("message_to", { names }) }),
    labelled(t("message"), field),
    problem,
    element("div", { class: "actions" }, element("button", { class: "primary", text: t("send") }), button(t("cancel"), () => said.replaceChildren())),
  );
}

/** Who got the message, and who did not, with the reason. */
function sent(results, users) {
  const done = results.filter((one) => one.state === "sent").length;
  const made = element("div", { class: "notice", "data-kind": done ? "done" : "problem" }, element("p", { text: done === 1 ? t("sent_one") : t("sent", { count: done }) }));
  const names = new Map(users.map((one) => [one.user_id, nameOf(one)]));
  const others = results.filter((one) => one.state !== "sent");
  if (others.length) {
    made.append(element("ul", {}, ...others.map((one) => element("li", { text: t(`message_${one.state}`, { name: names.get(one.user_id), day: one.written_at ? moment(one.written_at) : "" }) }))));
  }
  return made;
}
