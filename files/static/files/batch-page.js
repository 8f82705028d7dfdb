// <batch-page>: brings a batch's page to life, whether it was loaded or put in place.
import "../batches/settings-in-place.js";
import { BatchController } from "./batch-controller.js";

export class BatchPage extends HTMLElement {
  connectedCallback() {
    const snapshot = document.getElementById("batch-snapshot")?.textContent;
    if (!snapshot) return;
    this.controller = new BatchController(this, JSON.parse(snapshot));
    this.controller.start();
  }

  disconnectedCallback() {
    this.controller?.stop();
  }

  /** @param {import("./dropped-files.js").Found} found Dropped before this page was there. */
  takeFiles(found) {
    return this.controller?.takeFiles(found);
  }

  /** @param {import("./dropped-files.js").Found[]} later Dropped meanwhile. */
  askAbout(later) {
    this.controller?.second.add(later);
  }
}

customElements.define("batch-page", BatchPage);
