// <drop-anywhere>: files dropped on the overview become a new batch, and the overview becomes its page.
//
// The page is exchanged in place because dropped files do not survive a navigation. Keeping them in the
// browser's storage instead would leave pupils' essays on a computer that others may use.
import { MOST_FILES, watchDrops } from "../files/dropped-files.js";
import { call, Problem } from "../huleedu/js/api.js";
import { toast, toastProblem } from "../huleedu/js/shell.js";
import { language, say, timeZone } from "../huleedu/js/words.js";
import { stopOverview } from "./overview-live.js";

/** @typedef {import("../files/dropped-files.js").Found} Found */

class DropAnywhere extends HTMLElement {
  connectedCallback() {
    this.ending = new AbortController();
    watchDrops(this, (found) => this.#make(found), this.ending.signal);
  }

  disconnectedCallback() {
    this.ending?.abort();
  }

  /** @param {Found} found */
  async #make(found) {
    if (this.busy || !found.files.length) return;
    this.busy = true;
    try {
      const n = Math.min(MOST_FILES, found.files.length);
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
  const response = await fetch(address, { credentials: "same-origin" }).catch(() => null);
  // The batch is there, but its page is not: let the browser show it, or say why it cannot.
  if (!response?.ok) return location.assign(address);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const main = document.getElementById("main");
  const fresh = page.getElementById("main");
  if (!main || !fresh) return location.assign(address);
  await import("../files/batch-page.js");
  stopOverview();
  history.pushState({}, "", address);
  // Back means the overview again, and that is another document.
  addEventListener("popstate", () => location.reload());
  document.title = page.title;
  main.replaceWith(document.adoptNode(fresh));
  fresh.focus({ preventScroll: true });
  scrollTo(0, 0);
  const batchPage = /** @type {any} */ (fresh.querySelector("batch-page"));
  return batchPage.takeFiles(found);
}

customElements.define("drop-anywhere", DropAnywhere);
