/** Language and colours: from the address, else what was chosen before, else what the browser prefers. */

const LANGUAGES = ["en", "hi"];
const THEMES = ["system", "light", "dark"];

const asked = new URLSearchParams(location.search).get("lang");
const known = (value, values) => (values.includes(value) ? value : null);
// A browser may forbid storage; then a choice lasts as long as the page.
const stored = (name) => { try { return localStorage.getItem(name); } catch { return null; } };

export const preferences = {
  language: known(asked, LANGUAGES) ?? known(stored("dashboards.language"), LANGUAGES)
    ?? navigator.languages.map((tag) => known(tag.split("-")[0], LANGUAGES)).find(Boolean) ?? "en",
  theme: known(stored("dashboards.theme"), THEMES) ?? "system",

  set(name, value) {
    this[name] = value;
    try { localStorage.setItem(`dashboards.${name}`, value); } catch { /* Kept by this page alone. */ }
  },
};
// An address with a language is a choice, as a link in a mail is.
if (known(asked, LANGUAGES)) preferences.set("language", asked);
