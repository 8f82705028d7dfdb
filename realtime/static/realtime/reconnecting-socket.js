// A WebSocket that comes back: exponential waits with half jitter, a watchdog, and an end when told so.

/** Close codes after which trying again is useless. */
export const FINAL = Object.freeze({ 4401: "signed-out", 4403: "gone", 4404: "gone" });

/**
 * @param {number} failures How many tries have failed, at least 1.
 * @param {() => number} [random]
 * @returns {number} Milliseconds: 250–500 the first time, 15–30 s at most.
 */
export function backoff(failures, random = Math.random) {
  const longest = Math.min(30000, 500 * 2 ** (failures - 1));
  return longest / 2 + (random() * longest) / 2;
}

/**
 * @typedef {object} SocketOptions
 * @property {() => string} url Asked at every try, so it can carry the newest position.
 * @property {(message: any) => void} onMessage One parsed JSON message.
 * @property {(failures: number) => void} onDown After each failure, before the wait.
 * @property {(reason: string) => void} onFinal The server said: do not come back.
 * @property {typeof WebSocket} [WebSocketClass]
 * @property {() => number} [random]
 */

export class ReconnectingSocket {
  /** @param {SocketOptions} options */
  constructor(options) {
    this.options = options;
    this.failures = 0;
    this.heartbeat = 20;
    /** @type {WebSocket | null} */
    this.socket = null;
    this.stopped = true;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.wait = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.watchdog = undefined;
  }

  start() {
    this.stopped = false;
    this.#open();
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.wait);
    clearTimeout(this.watchdog);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  /** The connection works: waits start from the shortest again. */
  settle() {
    this.failures = 0;
  }

  /** Skip the wait, for example because the network is back. */
  retryNow() {
    if (this.stopped || this.socket) return;
    clearTimeout(this.wait);
    this.#open();
  }

  /** Give the present connection up and make a new one. */
  restart() {
    const socket = this.socket;
    if (!socket) return this.retryNow();
    this.#lost(socket, 0);
    socket.close();
  }

  #open() {
    const SocketClass = this.options.WebSocketClass || WebSocket;
    const socket = new SocketClass(this.options.url());
    this.socket = socket;
    this.#watch(socket);
    socket.onmessage = (event) => {
      if (this.socket !== socket) return;
      this.#watch(socket);
      const message = parse(event.data);
      if (message) this.options.onMessage(message);
    };
    socket.onclose = (event) => this.#lost(socket, event.code);
  }

  /** @param {WebSocket} socket */
  #watch(socket) {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => {
      if (this.socket === socket) this.restart();
    }, this.heartbeat * 2250);
  }

  /** @param {WebSocket} socket @param {number} code */
  #lost(socket, code) {
    if (this.socket !== socket) return;
    this.socket = null;
    clearTimeout(this.watchdog);
    const reason = /** @type {Record<number, string>} */ (FINAL)[code];
    if (reason) {
      this.stopped = true;
      return this.options.onFinal(reason);
    }
    this.failures += 1;
    this.options.onDown(this.failures);
    if (!this.stopped) this.wait = setTimeout(() => this.retryNow(), backoff(this.failures, this.options.random));
  }
}

/** @param {unknown} text @returns {any} */
function parse(text) {
  try {
    return typeof text === "string" ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}
