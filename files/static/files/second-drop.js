// What was dropped while a batch was being made of something else: its teacher says where it belongs.
import { say, write } from "../huleedu/js/words.js";

/** @typedef {import("./dropped-files.js").Found} Found */

export class SecondDrop {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.place = /** @type {HTMLElement | null} */ (root.querySelector("[data-second]"));
    /** @type {Found[]} */
    this.waiting = [];
  }

  /** @param {Found[]} dropped */
  add(dropped) {
    this.waiting.push(...dropped);
    this.#tell();
  }

  /** @returns {Found | undefined} The one that was asked about. */
  take() {
    const found = this.waiting.shift();
    this.#tell();
    return found;
  }

  #tell() {
    const [next] = this.waiting;
    if (!this.place) return;
    this.place.hidden = !next;
    const names = next?.folder || next?.files[0]?.file.name || "";
    if (next) write(this.place.querySelector("p"), say("second", { n: next.files.length, names }));
  }
}
