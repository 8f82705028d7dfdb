// How long the work on a batch will take, as long as there is some: the server knows what such work has taken before.
import { call } from "../huleedu/js/api.js";
import { say, write } from "../huleedu/js/words.js";

/** Work that ends within a moment is not worth a sentence. */
const AFTER = 1500;
const EVERY = 15000;
const FEW_SECONDS = 20;

export class TimeLeft {
  /** @param {HTMLElement} root @param {string} batchId */
  constructor(root, batchId) {
    this.place = /** @type {HTMLElement | null} */ (root.querySelector("[data-time-left]"));
    this.url = `/v1/batches/${batchId}/status`;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
  }

  /** @param {boolean} busy Whether something is being done now. */
  show(busy) {
    if (!busy) return this.stop();
    this.timer ??= setTimeout(() => this.#ask(), AFTER);
    return undefined;
  }

  stop() {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.place) this.place.hidden = true;
  }

  async #ask() {
    const { timer } = this;
    const status = document.hidden ? null : await call("GET", this.url).catch(() => null);
    if (timer !== this.timer || !this.place) return; // it has ended meanwhile
    if (status) {
      this.place.hidden = status.seconds_left === 0;
      write(this.place, inWords(status.seconds_left));
    }
    this.timer = setTimeout(() => this.#ask(), EVERY);
  }
}

/** @param {number | null} seconds @returns {string} */
export function inWords(seconds) {
  if (seconds === null) return say("timeUnknown");
  return seconds < FEW_SECONDS ? say("secondsLeft") : say("minutesLeft", { n: Math.ceil(seconds / 60) });
}
