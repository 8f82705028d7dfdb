// <drop-anywhere>: files dropped, pasted or chosen on the overview become a new batch, and the overview becomes its page.
import { watchChoices, watchDrops } from "../files/drop-target.js";
import { leftOut } from "../files/dropped-files.js";
import { stayWhile } from "../huleedu/js/address.js";
import { Problem } from "../huleedu/js/api.js";
import { toast, toastProblem } from "../huleedu/js/shell.js";
import { makeBatch } from "./new-batch.js";

/** @typedef {import("../files/dropped-files.js").Found} Found */

class DropAnywhere extends HTMLElement {
  busy = false;
  /** @type {Found[]} Dropped while a batch is being made of something else. */
  later = [];

  connectedCallback() {
    this.ending = new AbortController();
    const { signal } = this.ending;
    watchDrops(this, (found) => this.#make(found), signal);
    stayWhile(() => this.busy, signal);
    watchChoices(this, (found) => this.#make(found), signal);
  }

  disconnectedCallback() {
    this.ending?.abort();
  }

  /** @param {Found} found */
  async #make(found) {
    if (!found.files.length) return toast(leftOut(found));
    if (this.busy) return this.later.push(found);
    this.busy = true;
    try {
      await makeBatch(found, this.later);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      toastProblem(problem);
    } finally {
      this.busy = false;
    }
    // Where the first came to nothing, the next one is not asked about on its page.
    const next = this.isConnected ? this.later.shift() : undefined;
    return next && this.#make(next);
  }
}

customElements.define("drop-anywhere", DropAnywhere);
