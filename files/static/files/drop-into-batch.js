// <drop-into-batch>: files dropped, pasted or chosen on another page of a batch go to the batch, whose files are shown then.
import { mayTakeFiles } from "../huleedu/js/address.js";
import { toast } from "../huleedu/js/shell.js";
import { say } from "../huleedu/js/words.js";
import { watchDrops } from "./drop-target.js";
import { fromFiles } from "./dropped-files.js";
import { openInPlace } from "./open-in-place.js";

class DropIntoBatch extends HTMLElement {
  connectedCallback() {
    this.ending = new AbortController();
    watchDrops(this, (found) => this.#take(found), this.ending.signal);
    this.addEventListener("change", (event) => this.#chosen(/** @type {HTMLInputElement} */ (event.target)), { signal: this.ending.signal });
  }

  disconnectedCallback() {
    this.ending?.abort();
  }

  /** @param {HTMLInputElement} input */
  #chosen(input) {
    if (input.files?.length && mayTakeFiles()) this.#take(fromFiles(input.files));
  }

  /** @param {import("./dropped-files.js").Found} found */
  #take(found) {
    if (!found.files.length) return toast(say("nothingDropped"));
    return openInPlace(this.dataset.batchUrl || "", found);
  }
}

customElements.define("drop-into-batch", DropIntoBatch);
