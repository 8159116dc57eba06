/** How the pieces of the page are made. What comes from the API becomes text, never HTML. */

/** An element; `properties` are attributes, but `class`, `on…` handlers and `text` are what they say. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "text") made.textContent = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function button(text, act, properties = {}) {
  return element("button", { type: "button", class: "quiet", text, onclick: act, ...properties });
}

/** A field with its label above. `field` needs an id. */
export function labelled(text, field) {
  return element("div", { class: "field" }, element("label", { for: field.id, text }), field);
}

/** A select of `[value, text]` pairs. */
export function choice(id, options, chosen, act) {
  const made = element("select", { id, onchange: () => act(made.value) });
  for (const [value, text] of options) made.append(element("option", { value, text, selected: value === chosen }));
  return made;
}

/** A table: `head` are texts, or `{text, number: true}`; `rows` are lists of cells, texts or nodes. */
export function table(caption, head, rows) {
  const columns = head.map((one) => (typeof one === "string" ? { text: one } : one));
  const cell = (value, column, row) => {
    const made = element(column === 0 ? "th" : "td", {
      scope: column === 0 ? "row" : undefined,
      class: columns[column].number ? "number" : undefined,
      "data-value": value?.value,
    });
    made.append(value?.text ?? value ?? "");
    if (row.note && column === 0) made.append(" ", element("span", { class: "note", text: row.note }));
    return made;
  };
  const scroller = element("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": caption });
  scroller.append(
    element(
      "table",
      {},
      element("caption", { class: "visually-hidden", text: caption }),
      element(
        "thead",
        {},
        element("tr", {}, ...columns.map((one) => element("th", { scope: "col", class: one.number && "number", text: one.text }))),
      ),
      element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map((value, column) => cell(value, column, row))))),
    ),
  );
  return scroller;
}
