// <drop-anywhere>: files dropped on the overview become a new batch, and the overview becomes its page.
//
// The page is exchanged in place because dropped files do not survive a navigation. Keeping them in the
// browser's storage instead would leave pupils' essays on a computer that others may use.
import { watchDrops } from "../files/drop-target.js";
import { exchange, isSeen, stayWhile } from "../huleedu/js/address.js";
import { call, Problem } from "../huleedu/js/api.js";
import { toast, toastProblem } from "../huleedu/js/shell.js";
import { language, limit, say, timeZone } from "../huleedu/js/words.js";
import { stopOverview } from "./overview-live.js";

/** @typedef {import("../files/dropped-files.js").Found} Found */

class DropAnywhere extends HTMLElement {
  busy = false;

  connectedCallback() {
    this.ending = new AbortController();
    watchDrops(this, (found) => this.#make(found), this.ending.signal);
    stayWhile(() => this.busy, this.ending.signal);
  }

  disconnectedCallback() {
    this.ending?.abort();
  }

  /** @param {Found} found */
  async #make(found) {
    if (!found.files.length) return;
    if (this.busy) return toast(say("oneAtATime"));
    this.busy = true;
    try {
      const n = Math.min(limit("Files"), limit("Essays"), found.files.length);
      toast(say("makingBatch", { n }), { seconds: 3 });
      const batch = await call("POST", "/v1/batches/register", { expected_essay_count: n, title: titleOf(found) });
      await openInPlace(`/batches/${batch.batch_id}/`, found);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      toastProblem(problem);
    } finally {
      this.busy = false;
    }
  }
}

/** @param {Found} found */
function titleOf({ folder }) {
  const date = new Intl.DateTimeFormat(language(), { day: "numeric", month: "long", hour: "2-digit", minute: "2-digit", timeZone: timeZone() });
  return (folder || say("newBatchTitle", { date: date.format(new Date()) })).slice(0, 200);
}

/** @param {string} address @param {Found} found */
async function openInPlace(address, found) {
  const [page] = await Promise.all([read(address), import("../files/batch-page.js")]);
  // The batch is there, but its page is not: let the browser show it, or say why it cannot.
  if (!page || !isSeen()) return location.assign(address);
  stopOverview();
  exchange(address, page);
  return /** @type {any} */ (document.querySelector("batch-page")).takeFiles(found);
}

/** @param {string} address @returns {Promise<Document | null>} null when another page came, such as the one for signing in. */
async function read(address) {
  const response = await fetch(address, { credentials: "same-origin" }).catch(() => null);
  const page = response?.ok ? new DOMParser().parseFromString(await response.text(), "text/html") : null;
  return page?.documentElement.dataset.path === address ? page : null;
}

customElements.define("drop-anywhere", DropAnywhere);
