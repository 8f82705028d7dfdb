// <drop-into-batch>: files dropped, pasted or chosen on another page of a batch go to the batch, whose files are shown then.
import { toast } from "../huleedu/js/shell.js";
import { watchChoices, watchDrops } from "./drop-target.js";
import { leftOut } from "./dropped-files.js";
import { openInPlace } from "./open-in-place.js";

class DropIntoBatch extends HTMLElement {
  connectedCallback() {
    this.ending = new AbortController();
    watchDrops(this, (found) => this.#take(found), this.ending.signal);
    watchChoices(this, (found) => this.#take(found), this.ending.signal);
  }

  disconnectedCallback() {
    this.ending?.abort();
  }

  /** @param {import("./dropped-files.js").Found} found */
  #take(found) {
    if (!found.files.length) return toast(leftOut(found));
    return openInPlace(this.dataset.batchUrl || "", found);
  }
}

customElements.define("drop-into-batch", DropIntoBatch);
