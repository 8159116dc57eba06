/** How the pieces of the page are made. What a person wrote becomes text, never HTML. */

export function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

export function bubble(author, text, { mine, time }) {
  const item = element("li", "message");
  const head = element("div", "head");
  head.append(element("strong", "author", author.name), badge(author.role));
  if (time) head.append(time);
  item.append(head, element("p", "text", text));
  item.classList.toggle("mine", mine);
  return item;
}

export function badge(role) {
  const made = element("span", "badge", role);
  made.dataset.role = role;
  return made;
}

export function moment(at) {
  const date = new Date(at);
  const today = date.toDateString() === new Date().toDateString();
  const made = element("time", "time", date.toLocaleString([], { ...(!today && { dateStyle: "short" }), timeStyle: "short" }));
  made.dateTime = date.toISOString();
  made.title = date.toLocaleString();
  return made;
}
