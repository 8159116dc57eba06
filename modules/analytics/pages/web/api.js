/** Requests to the API as the signed-in user. The token lives in this tab, and goes into a header alone. */

import { t } from "/dashboards/words.js";
import { preferences } from "/dashboards/preferences.js";

export class Problem extends Error {
  constructor({ status = 0, code = "unreachable", detail = t("unreachable") } = {}) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

const API = "/api/v1";
let signedOut = () => {};

export function onSignedOut(act) {
  signedOut = act;
}

export const token = {
  get: () => sessionStorage.getItem("dashboards.token"),
  set: (value) => sessionStorage.setItem("dashboards.token", value),
  forget: () => sessionStorage.removeItem("dashboards.token"),
};

async function ask(method, path, { query = {}, body, headers = {}, signal } = {}) {
  const known = Object.entries(query).flatMap(([name, value]) => [value].flat().filter((one) => one !== "" && one !== null && one !== undefined).map((one) => [name, one]));
  const search = new URLSearchParams(known).toString();
  let response;
  try {
    response = await fetch(`${API}${path}${search && `?${search}`}`, {
      method,
      signal,
      headers: {
        Authorization: `Bearer ${token.get()}`,
        "Accept-Language": preferences.language,
        ...(body !== undefined && { "Content-Type": "application/json" }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem();
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({ detail: response.statusText }));
  const failed = new Problem({ code: problem.code, detail: problem.detail, status: response.status });
  if (response.status === 401) signedOut();
  throw failed;
}

export async function get(path, query, signal) {
  return await (await ask("GET", path, { query, signal })).json();
}

/** All pages of a list, up to `most` items. */
export async function all(path, query = {}, most = 400) {
  const items = [];
  for (let cursor = null; items.length < most; ) {
    const page = await get(path, { ...query, limit: 200, cursor });
    items.push(...page.items);
    if (!(cursor = page.next)) break;
  }
  return items;
}

export async function send(method, path, body, headers) {
  const response = await ask(method, path, { body, headers });
  return response.status === 204 ? null : await response.json();
}

/** Save what the API answers as a file, and give its name. */
export async function save(path, query, name) {
  const response = await ask("GET", path, { query });
  const named = /filename="?([^";]+)/.exec(response.headers.get("content-disposition") ?? "")?.[1] ?? name;
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = named;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  return named;
}
