/** Signs in: as one of the people of a development system, else with a token that is pasted once. */

import { get, token } from "/dashboards/api.js";
import { button, element, labelled } from "/dashboards/elements.js";
import { t } from "/dashboards/words.js";

const PEOPLE = [["mentor", "Meera"], ["student", "Sanjay"], ["admin", "Dev"]];

/** The form; `entered` is called with the user once there is a token that the API accepts. */
export async function signInForm(entered, reason) {
  const problem = element("p", { class: "notice", role: "alert", "data-kind": "problem", hidden: !reason, text: reason ?? "" });
  const enter = async (text) => {
    token.set(text.trim());
    try {
      entered(await get("/users/me"));
    } catch (error) {
      token.forget();
      problem.textContent = t("token_refused", { message: error.message });
      problem.hidden = false;
    }
  };
  const development = await fetch("/dev/info").then((response) => response.ok, () => false);
  const made = element("section", { class: "sign-in", "aria-labelledby": "sign-in-title" }, element("h1", { id: "sign-in-title", text: t("sign_in") }), problem);
  if (development) made.append(element("p", { class: "soft", text: t("sign_in_as") }), people(enter));
  else made.append(element("p", { class: "soft", text: t("sign_in_token") }), pasted(enter));
  return made;
}

function people(enter) {
  const choose = async (role, name) => {
    const query = new URLSearchParams({ user: `dev-${role}`, role, name: `${name} (${role})` });
    await enter((await (await fetch(`/dev/token?${query}`)).json()).token);
  };
  return element("div", { class: "people" }, ...PEOPLE.map(([role, name]) => button(`${name} · ${t(role)}`, () => choose(role, name))));
}

function pasted(enter) {
  const field = element("textarea", { id: "token", rows: "4", required: true, autocomplete: "off", spellcheck: "false" });
  const submit = (event) => {
    event.preventDefault();
    enter(field.value);
  };
  return element("form", { class: "people", onsubmit: submit }, labelled(t("token"), field), element("button", { class: "primary", text: t("enter") }));
}
