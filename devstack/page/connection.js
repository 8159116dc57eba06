/**
 * One room over the realtime protocol, version 1. It signs in, joins, follows the room, and comes back by
 * itself. It knows nothing of the page; `gateway/protocol/PROTOCOL.md` is all it is written from.
 *
 * Events, each with its news in `detail`:
 * - `state`: `{name: "connecting" | "connected" | "waiting" | "closed", until?, code?, reason?}`; `until` is when
 *   the next try comes, as Date.now() counts, and after `closed` there is none.
 * - `joined`: `{recovered, messages}`; when `recovered` is false the messages replace all that came before.
 * - `push`: a push of the room. Durable ones come in order and each once.
 * - `personal`: a push to the user alone, from whatever part of the platform; one may be missed while away.
 * - `position`: `{epoch, seq}`. `can`: the commands one may use here.
 */

import { CommandFailed, newNonce, unanswered } from "/dev/page/command.js";

const CONNECT_TIMEOUT = 10_000;
const REPLY_TIMEOUT = 15_000;
// The server remembers a nonce for two minutes; a repeat on its way at the end of them would come too late.
const REPEAT_WITHIN = 110_000;
// A browser cannot send WebSocket pings, and tells nothing of a server that has silently gone.
const PING_AFTER = 20_000;
const DEAD_AFTER = 32_000;
const BACKOFF_FROM = 500;
const BACKOFF_TO = 20_000;
// A connection that lasted this long was a good one: the waits begin anew after it.
const STEADY = 5_000;
const HISTORY = 50;

export class Connection extends EventTarget {
  user = null;
  position = null;
  can = [];

  #url;
  #room;
  #makeToken;
  #token = null;
  #tokenRefused = false;
  #socket = null;
  #clockOffset = 0;
  #openedAt = 0;
  #heardAt = 0;
  #lastId = 0;
  #waiting = new Map();
  #disconnect = null;
  // "away" without a membership, "joining" until the reply, "live" after it.
  #standing = "away";
  #onJoined = [];
  #ceiling = BACKOFF_FROM;
  #timers = new Set();
  #over = true;

  /** `token` is an async function that gives a fresh one. */
  constructor({ url, room, token }) {
    super();
    this.#url = url;
    this.#room = room;
    this.#makeToken = token;
  }

  /** Connect, and stay connected until `stop` or a close for good. */
  start() {
    if (!this.#over) return;
    this.#over = false;
    this.#ceiling = BACKOFF_FROM;
    this.#open();
  }

  stop() {
    this.#end(1000, "left");
  }

  /**
   * Use a command of a module in the room, once, however often it has to be sent: it is repeated with its
   * nonce when the server is unavailable, does not answer or the connection is lost, and after a limit.
   * Gives the ok of the reply, or throws CommandFailed.
   */
  async command(cmd, data, nonce = newNonce()) {
    const deadline = Date.now() + REPEAT_WITHIN;
    for (let pause = 500; ; pause = Math.min(pause * 2, 5_000)) {
      try {
        await this.#joined(deadline);
        return await this.#request(cmd, { room: this.#room, nonce, data });
      } catch (error) {
        const wait = Math.max(error.retryAfter ?? 0, Math.random() * pause);
        const again = error.code === "unavailable" || (error.temporary && error.retryAfter !== null);
        if (!again || this.#over || Date.now() + wait > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  }

  /** Up to `limit` messages before this seq, ascending, and whether there are more. */
  async history(before, limit = HISTORY) {
    return await this.#request("history", { room: this.#room, before, limit });
  }

  // The socket

  async #open() {
    this.#tell("state", { name: "connecting" });
    this.#openedAt = this.#heardAt = Date.now();
    let token;
    try {
      token = this.#token ??= await this.#makeToken();
    } catch (error) {
      if (!this.#over) this.#retry(`no token: ${error.message}`);
      return;
    }
    if (this.#over) return;
    const socket = new WebSocket(this.#url, ["ksmp.v1.json"]);
    this.#socket = socket;
    this.#disconnect = null;
    const mine = (act) => (event) => socket === this.#socket && act(event);
    socket.onopen = mine(() => this.#signIn(token));
    socket.onmessage = mine((event) => this.#take(JSON.parse(event.data)));
    socket.onclose = mine((event) => this.#lost(event.code, event.reason));
    this.#later(CONNECT_TIMEOUT, mine(() => this.user === null && this.#lost(1006, "no answer")));
  }

  async #signIn(token) {
    const resuming = this.position !== null;
    if (resuming) this.#standing = "joining";
    const rooms = resuming ? { [this.#room]: this.position } : undefined;
    const welcome = (ok) => {
      this.user = ok.user;
      this.#tokenRefused = false;
      this.#tell("state", { name: "connected" });
      const found = resuming ? ok.rooms[this.#room] : undefined;
      if (found?.epoch) this.#answered(found);
      else if (found?.error && !found.error.temporary) this.#end(0, found.error.message);
      // Deferred, not there for the moment, or never joined before.
      else this.#join();
      this.#clockOffset = ok.server_time - Date.now();
      this.#refreshBefore(ok.expires_at);
      this.#later(PING_AFTER, () => this.#listen());
    };
    try {
      await this.#request("connect", { token, client: "ksmp-page/1", rooms }, welcome);
    } catch (error) {
      if (this.#over || this.#socket === null) return;
      if (error.code === "token_expired" && !this.#tokenRefused) {
        this.#token = null;
        this.#tokenRefused = true;
        this.#lost(1006, error.message);
      } else if (error.temporary || error.code === "internal") this.#lost(1006, error.message);
      else this.#end(4500, error.message);
    }
  }

  #lost(code, reason) {
    const disconnect = this.#disconnect;
    this.#drop();
    if (disconnect !== null) ({ code, reason } = disconnect);
    if (code >= 4500 && code <= 4999) return this.#end(code, reason);
    if (Date.now() - this.#openedAt >= STEADY) this.#ceiling = BACKOFF_FROM;
    this.#retry(reason || "the connection was lost", disconnect?.reconnect ? disconnect.retry_ms : undefined, code);
  }

  #retry(reason, wait, code = 1006) {
    if (wait === undefined) {
      wait = Math.random() * this.#ceiling;
      this.#ceiling = Math.min(BACKOFF_TO, this.#ceiling * 2);
    }
    this.#tell("state", { name: "waiting", until: Date.now() + wait, code, reason });
    this.#later(wait, () => this.#open());
  }

  #end(code, reason) {
    if (this.#over) return;
    this.#over = true;
    this.#drop();
    this.#settleJoined(new CommandFailed({ code: "closed", message: reason }));
    this.#tell("state", { name: "closed", code, reason });
  }

  /** Forget the socket and all that hangs on it. */
  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    this.user = null;
    this.#standing = "away";
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    for (const settle of [...this.#waiting.values()]) settle({ error: unanswered("the connection was lost") });
    socket?.close();
  }

  #listen() {
    const silent = Date.now() - this.#heardAt;
    if (silent >= DEAD_AFTER) return this.#lost(1006, "the gateway has gone silent");
    if (silent >= PING_AFTER) this.#request("ping", {}).catch(() => {});
    this.#later(2_000, () => this.#listen());
  }

  /** At 80 % of the token's life, by the server's clock. */
  #refreshBefore(expiresAt) {
    const life = expiresAt - (Date.now() + this.#clockOffset);
    this.#later(Math.max(1_000, life * 0.8), () => this.#refresh());
  }

  async #refresh() {
    try {
      this.#token = await this.#makeToken();
      const ok = await this.#request("refresh", { token: this.#token });
      this.#refreshBefore(ok.expires_at);
    } catch {
      if (this.user !== null) this.#later(5_000, () => this.#refresh());
    }
  }

  // Messages

  /** Send a command; `onOk` is called before any later message is looked at. */
  #request(cmd, fields, onOk = () => {}) {
    return new Promise((resolve, reject) => {
      if (this.#socket?.readyState !== WebSocket.OPEN) return reject(unanswered("not connected"));
      const id = ++this.#lastId;
      const settle = ({ ok, error }) => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        if (error) return reject(error instanceof CommandFailed ? error : new CommandFailed(error));
        onOk(ok);
        resolve(ok);
      };
      const timer = setTimeout(() => settle({ error: unanswered("no reply") }), REPLY_TIMEOUT);
      this.#waiting.set(id, settle);
      this.#socket.send(JSON.stringify({ id, cmd, ...fields }));
    });
  }

  #take(message) {
    this.#heardAt = Date.now();
    if (message.id !== undefined) this.#waiting.get(message.id)?.(message);
    else if (message.push === "disconnect") this.#disconnect = message.data;
    else if (message.room === `user:${this.user?.id}`) this.#tell("personal", message);
    else if (message.room === this.#room && this.#standing === "live") this.#takePush(message);
  }

  #takePush(push) {
    if (push.push === "left") return this.#end(0, `you were taken out of the room (${push.data.code})`);
    if (push.push === "can") return this.#setCan(push.data.can);
    if (push.seq !== undefined) {
      if (push.seq <= this.position.seq) return;
      // Only a predecessor above the position is a gap; erased messages leave none.
      if (push.prev > this.position.seq) return void this.#join();
      this.#move(push.seq);
    }
    this.#tell("push", push);
  }

  // The room

  /** Join with the position we hold. The room's pushes are ignored until the reply, which holds them or replaces them. */
  async #join() {
    this.#standing = "joining";
    const socket = this.#socket;
    const how = this.position === null ? { history: HISTORY } : { since: this.position };
    try {
      await this.#request("join", { room: this.#room, ...how }, (ok) => this.#answered(ok));
    } catch (error) {
      if (socket !== this.#socket || this.#over) return;
      if (error.temporary) this.#later(Math.max(error.retryAfter ?? 0, Math.random() * 1_000), () => this.#join());
      else this.#end(0, error.message);
    }
  }

  #answered(result) {
    const recovered = result.recovered === true && result.epoch === this.position?.epoch;
    const since = recovered ? this.position.seq : 0;
    this.#standing = "live";
    this.position = { epoch: result.epoch, seq: since };
    this.#setCan(result.can);
    this.#tell("joined", { recovered, messages: recovered ? [] : result.messages });
    for (const push of recovered ? result.messages : []) if (push.seq > since) this.#tell("push", push);
    this.#move(result.seq);
    this.#settleJoined(null);
  }

  #move(seq) {
    this.position = { epoch: this.position.epoch, seq };
    this.#tell("position", this.position);
  }

  #setCan(can) {
    this.can = can;
    this.#tell("can", can);
  }

  /** Resolves when the room is joined; throws when it will not be, or not before the deadline. */
  #joined(deadline) {
    if (this.#standing === "live") return Promise.resolve();
    if (this.#over) return Promise.reject(new CommandFailed({ code: "closed", message: "not connected" }));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(unanswered("not connected")), deadline - Date.now());
      this.#onJoined.push((error) => (clearTimeout(timer), error ? reject(error) : resolve()));
    });
  }

  #settleJoined(error) {
    for (const settle of this.#onJoined.splice(0)) settle(error);
  }

  /** Call after so many milliseconds, unless the socket is gone by then. */
  #later(wait, act) {
    const timer = setTimeout(() => (this.#timers.delete(timer), act()), wait);
    this.#timers.add(timer);
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
