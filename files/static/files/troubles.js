// <file-troubles>: what is said once for many files, kept as the list below has it, and what is done with all of them.
import { call, Problem, readPage } from "../huleedu/js/api.js";
import { toast, toastProblem } from "../huleedu/js/shell.js";
import { say } from "../huleedu/js/words.js";

const QUIET = 700; // milliseconds without news, so that a folder on its way asks once
const SMALL = "(max-width: 48rem)";
const CONCERNED = new Set(["failed", "duplicate", "assigned"]);

/** What the list shows of the files that are spoken of here. @returns {string} */
function shown() {
  const rows = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-list] [data-key]"));
  return [...rows].filter((row) => CONCERNED.has(row.dataset.status || "")).map((row) => `${row.dataset.fileId} ${row.dataset.status}`).sort().join();
}

class FileTroubles extends HTMLElement {
  seen = "";
  /** The browser's own window for choosing files is open. */
  choosing = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  waiting = undefined;

  connectedCallback() {
    this.ending = new AbortController();
    const { signal } = this.ending;
    this.seen = shown();
    // On a small screen files come first: what can be done with many at once is a tap away.
    this.#fold(this, !matchMedia(SMALL).matches);
    document.addEventListener("batch-changed", () => this.#look(), { signal });
    this.addEventListener("click", (event) => this.#clicked(/** @type {Element} */ (event.target)), { signal });
    this.addEventListener("cancel", () => this.#chosen(), { signal });
    this.addEventListener("change", (event) => this.#changed(event), { signal });
    this.addEventListener("submit", (event) => this.#submitted(event), { signal });
  }

  disconnectedCallback() {
    this.ending?.abort();
    clearTimeout(this.waiting);
  }

  /** @param {ParentNode} of @param {boolean} open */
  #fold(of, open) {
    of.querySelector("[data-fold]")?.toggleAttribute("open", open);
  }

  #look() {
    if (this.choosing || shown() === this.seen) return;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.#refresh().catch(() => undefined), QUIET);
  }

  async #refresh() {
    const seen = shown();
    const page = await readPage(this.dataset.address || "");
    if (this.choosing) return;
    const focused = this.contains(document.activeElement);
    const fold = /** @type {HTMLDetailsElement | null} */ (this.querySelector("[data-fold]"));
    this.#fold(page, fold?.open ?? !matchMedia(SMALL).matches);
    this.replaceChildren(...[...page.body.children].map((child) => document.importNode(child, true)));
    this.seen = seen;
    if (focused) /** @type {HTMLElement | null} */ (this.querySelector("summary, button, a") || document.getElementById("main"))?.focus({ preventScroll: true });
  }

  /** @param {Element} target */
  #clicked(target) {
    if (target.matches('input[type="file"]')) this.choosing = true;
  }

  #chosen() {
    this.choosing = false;
    this.#look();
  }

  /** @param {Event} event */
  #changed(event) {
    const input = /** @type {HTMLInputElement} */ (event.target);
    if (input.type !== "file" || !input.form) return;
    event.stopPropagation(); // these replace files, they are none to add
    this.choosing = false;
    if (input.files?.length) this.#send(input.form, input.closest("label"));
  }

  /** @param {SubmitEvent} event */
  #submitted(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (!form.dataset.several) return;
    event.preventDefault();
    this.#send(form, /** @type {HTMLElement | null} */ (event.submitter));
  }

  /** @param {HTMLFormElement} form @param {HTMLElement | null} button */
  async #send(form, button) {
    if (button?.getAttribute("aria-busy") === "true") return;
    const said = new FormData(form);
    button?.setAttribute("aria-busy", "true");
    try {
      const page = await readPage(form.action, said);
      const told = [...page.querySelectorAll(".messages .banner p")].map((each) => each.textContent).join(" ");
      const ids = said.getAll("of");
      const undo = () => Promise.all(ids.map((id) => call("POST", `/v1/files/${id}/restore`, { what: "removed" })));
      toast(told, form.dataset.several === "remove" ? { action: say("undo"), run: undo } : {});
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      toastProblem(problem);
    } finally {
      button?.removeAttribute("aria-busy");
      form.reset();
    }
    this.#look();
  }
}

customElements.define("file-troubles", FileTroubles);
