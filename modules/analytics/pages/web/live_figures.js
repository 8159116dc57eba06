/**
 * Follows a class that goes on over the realtime protocol: joins the room of its hosts, and asks for the figures there.
 *
 * Events: `figures` with the figures in `detail`; `state` with `{name: "on" | "waiting" | "over", reason?}`. After `over`
 * nothing comes any more. Figures replace each other, so that one which was missed does not matter.
 */

import { token } from "/dashboards/api.js";

const BACKOFF_FROM = 500;
const BACKOFF_TO = 20_000;
const REPLY_TIMEOUT = 15_000;
// A browser cannot send pings of its own, and says nothing of a server that went away silently.
const PING_EVERY = 20_000;
// The server closes for good with these codes.
const FOR_GOOD = 4500;

export class LiveFigures extends EventTarget {
  #room;
  #socket = null;
  #ids = 0;
  #waiting = new Map();
  #timer = null;
  #pings = null;
  #ceiling = BACKOFF_FROM;
  #retry = null;
  #over = false;

  constructor(session) {
    super();
    this.#room = `staff:${session}`;
    this.#open();
  }

  /** Close the socket, for good. */
  stop() {
    this.#over = true;
    clearTimeout(this.#timer);
    clearInterval(this.#pings);
    this.#socket?.close(1000);
  }

  #open() {
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/realtime`, ["ksmp.v1.json"]);
    this.#socket = socket;
    this.#retry = null;
    socket.onopen = () => this.#enter(socket);
    socket.onmessage = ({ data }) => socket === this.#socket && this.#take(JSON.parse(data));
    socket.onclose = ({ code, reason }) => socket === this.#socket && this.#lost(code, reason);
  }

  async #enter(socket) {
    try {
      await this.#ask("connect", { token: token.get(), client: "ksmp-dashboards/1" });
      await this.#ask("join", { room: this.#room });
      const { figures } = await this.#ask("analytics.watch", { room: this.#room, data: {} });
      this.#ceiling = BACKOFF_FROM;
      this.#tell("state", { name: "on" });
      this.#tell("figures", figures);
      clearInterval(this.#pings);
      this.#pings = setInterval(() => this.#ask("ping", {}).catch(() => socket.close()), PING_EVERY);
    } catch (error) {
      if (socket !== this.#socket || this.#over) return;
      if (error.temporary) return socket.close();
      this.#end(error.message);
    }
  }

  #take(message) {
    if (message.id !== undefined) {
      const settle = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      return settle?.(message);
    }
    if (message.push === "disconnect") this.#retry = message.data.reconnect ? message.data.retry_ms : null;
    if (message.room !== this.#room) return undefined;
    if (message.push === "analytics.figures") this.#tell("figures", message.data);
    // The room was taken from us: come back as a new connection, unless it is for good.
    if (message.push === "left") return message.data.rejoin ? this.#socket.close() : this.#end(message.data.code);
    return undefined;
  }

  #ask(cmd, fields) {
    const id = ++this.#ids;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle({ error: { message: "no answer", temporary: true } }), REPLY_TIMEOUT);
      const settle = ({ ok, error }) => {
        clearTimeout(timer);
        if (error) reject(Object.assign(new Error(error.message), error));
        else resolve(ok);
      };
      this.#waiting.set(id, settle);
      this.#socket.send(JSON.stringify({ id, cmd, ...fields }));
    });
  }

  #lost(code, reason) {
    clearInterval(this.#pings);
    for (const settle of this.#waiting.values()) settle({ error: { message: "the connection was lost", temporary: true } });
    this.#waiting.clear();
    if (this.#over) return;
    if (code >= FOR_GOOD && code < 5_000) return this.#end(reason);
    this.#tell("state", { name: "waiting" });
    this.#timer = setTimeout(() => this.#open(), this.#retry ?? Math.random() * this.#ceiling);
    this.#ceiling = Math.min(this.#ceiling * 2, BACKOFF_TO);
  }

  #end(reason) {
    if (this.#over) return;
    this.stop();
    this.#tell("state", { name: "over", reason });
  }

  #tell(name, detail) {
    if (!this.#over || name === "state") this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
