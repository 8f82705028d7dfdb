// Follows one batch: every event once, in order, over the socket or by polling, and a snapshot when too far behind.
import { ReconnectingSocket } from "./reconnecting-socket.js";

const POLL_FIRST = 3000;
const POLL_LONGEST = 15000;

/**
 * @typedef {"connecting"|"live"|"reconnecting"|"polling"|"offline"|"signed-out"|"gone"} FeedState
 * @typedef {object} FeedOptions
 * @property {string} batchId
 * @property {number} seq The last event the page's rows already show.
 * @property {string} epoch
 * @property {(event: import("./huleedu").LiveEvent) => void} onEvent Called once per event, in order.
 * @property {(snapshot: import("./huleedu").BatchSnapshot) => void} onSnapshot Replaces everything shown.
 * @property {(state: FeedState) => void} onState
 * @property {string} [origin] Such as https://school.example; the page's own by default.
 * @property {typeof WebSocket} [WebSocketClass]
 * @property {typeof fetch} [fetch]
 * @property {() => boolean} [isOnline]
 */

export class LiveFeed {
  /** @param {FeedOptions} options */
  constructor(options) {
    this.options = options;
    this.seq = options.seq;
    this.epoch = options.epoch || "";
    this.origin = options.origin || location.origin;
    /** @type {FeedState} */
    this.state = "connecting";
    /** @type {any[]} */
    this.inbox = [];
    this.draining = false;
    this.pollDelay = POLL_FIRST;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.pollTimer = undefined;
    this.polling = false;
    this.socket = new ReconnectingSocket({
      url: () => this.#url("/ws/batches/", true),
      WebSocketClass: options.WebSocketClass,
      onMessage: (message) => this.#receive(message),
      onDown: (failures) => this.#down(failures),
      onFinal: (reason) => this.#end(/** @type {FeedState} */ (reason)),
    });
  }

  start() {
    this.#tell("connecting");
    this.socket.start();
  }

  stop() {
    this.socket.stop();
    this.#stopPolling();
  }

  /** Try at once: the network is back or the page is looked at again. */
  wake() {
    if (this.socket.stopped) return;
    // A socket that the network left in silence may look open: only a new one tells.
    if (this.state === "offline") this.socket.restart();
    else this.socket.retryNow();
    if (this.polling) this.#schedulePoll(0);
  }

  /** The network is gone: say so; trying goes on. */
  offline() {
    if (!this.socket.stopped) this.#tell("offline");
  }

  /** Read the whole batch again and replace what is shown. */
  async resync() {
    const snapshot = await this.#get(`/v1/batches/${this.options.batchId}`);
    if (snapshot) this.adopt(snapshot);
    // Without it the position is unknown: a new connection asks for it again.
    else if (!this.socket.stopped && this.state === "live") this.socket.restart();
  }

  /**
   * Show a snapshot that came as the answer to a call, unless what is shown is newer.
   * @param {import("./huleedu").BatchSnapshot} snapshot
   */
  adopt(snapshot) {
    if (snapshot.epoch === this.epoch && snapshot.seq < this.seq) return;
    this.seq = snapshot.seq;
    this.epoch = snapshot.epoch || "";
    this.options.onSnapshot(snapshot);
  }

  /** @param {string} path @param {boolean} socket */
  #url(path, socket) {
    const base = socket ? this.origin.replace(/^http/, "ws") : this.origin;
    const tail = socket ? "/" : "/events";
    const query = `?after=${this.seq}&epoch=${encodeURIComponent(this.epoch)}`;
    return `${base}${path}${this.options.batchId}${tail}${query}`;
  }

  /** @param {FeedState} state */
  #tell(state) {
    if (this.state === state && state !== "connecting") return;
    this.state = state;
    this.options.onState(state);
  }

  /** @param {any} message */
  #receive(message) {
    if (message.type === "hello") return this.#hello(message);
    if (message.type !== "event" && message.type !== "resync") return;
    this.inbox.push(message);
    if (!this.draining) this.#drain();
  }

  /** @param {import("./huleedu").Hello} message */
  #hello(message) {
    this.socket.settle();
    this.socket.heartbeat = message.heartbeat || 20;
    this.#stopPolling();
    this.#tell("live");
    // Another epoch: the server's resync follows by itself.
    if (message.epoch === this.epoch && message.seq < this.seq) this.#receive({ type: "resync" });
  }

  async #drain() {
    this.draining = true;
    try {
      for (let message = this.inbox.shift(); message; message = this.inbox.shift()) await this.#take(message);
    } finally {
      this.draining = false;
    }
  }

  /** @param {any} message */
  async #take(message) {
    if (message.type === "resync") {
      this.epoch = "";
      return this.resync();
    }
    if (message.seq <= this.seq) return undefined;
    if (message.seq > this.seq + 1) await this.#catchUp(message.seq);
    if (message.seq === this.seq + 1) this.#apply(message);
    return undefined;
  }

  /** @param {any} event */
  #apply(event) {
    this.seq = event.seq;
    this.options.onEvent(event);
  }

  /**
   * Fetch what lies between. When that does not close the gap, only a snapshot will.
   * @param {number} wanted
   */
  async #catchUp(wanted) {
    for (let before = -1; this.seq < wanted - 1 && this.seq > before; ) {
      before = this.seq;
      await this.#fetchEvents();
    }
    if (this.seq < wanted - 1) await this.resync();
  }

  /** @returns {Promise<boolean>} Whether the server answered. */
  async #fetchEvents() {
    const answer = await this.#get(this.#url("/v1/batches/", false).slice(this.origin.length));
    if (!answer) return false;
    if (answer.resync || answer.epoch !== this.epoch) {
      this.epoch = "";
      await this.resync();
      return true;
    }
    for (const event of answer.events) if (event.seq === this.seq + 1) this.#apply(event);
    return true;
  }

  /** @param {string} path @returns {Promise<any>} null when there was no good answer. */
  async #get(path) {
    const get = this.options.fetch || fetch;
    try {
      const response = await get(this.origin + path, { credentials: "same-origin", headers: { Accept: "application/json" } });
      if (response.status === 401 || response.status === 403) this.#end("signed-out");
      if (response.status === 404) this.#end("gone");
      return response.ok ? await response.json() : null;
    } catch {
      return null;
    }
  }

  /** @param {number} failures */
  #down(failures) {
    const online = this.options.isOnline || (() => navigator.onLine);
    if (!online()) this.#tell("offline");
    else if (!this.polling) this.#tell("reconnecting");
    if (failures >= 2 && !this.polling) {
      this.polling = true;
      this.pollDelay = POLL_FIRST;
      this.#schedulePoll(0);
    }
  }

  /** @param {number} delay Milliseconds. */
  #schedulePoll(delay) {
    clearTimeout(this.pollTimer);
    this.pollTimer = setTimeout(() => this.#poll(), delay);
  }

  async #poll() {
    const before = this.seq;
    const answered = await this.#pollOnce();
    if (!this.polling) return;
    if (answered) this.#tell("polling");
    this.pollDelay = this.seq > before ? POLL_FIRST : Math.min(POLL_LONGEST, this.pollDelay * 1.4);
    this.#schedulePoll(this.pollDelay);
  }

  /** @returns {Promise<boolean>} Events arriving meanwhile wait in the inbox. */
  async #pollOnce() {
    if (this.draining) return false;
    this.draining = true;
    try {
      return await this.#fetchEvents();
    } finally {
      this.draining = false;
      if (this.inbox.length) this.#drain();
    }
  }

  #stopPolling() {
    this.polling = false;
    clearTimeout(this.pollTimer);
  }

  /** @param {FeedState} state */
  #end(state) {
    this.stop();
    this.#tell(state);
  }
}
