// <essay-note>: the private note saves itself, X ticks the essay as read, J and K go to the next essay and the one before.
import { call, Problem } from "../huleedu/js/api.js";
import { toastProblem } from "../huleedu/js/shell.js";
import { say, write } from "../huleedu/js/words.js";
import { draftOf, keepDraft, sendDraft, sendOthers } from "./drafts.js";

const PAUSE = 800; // milliseconds without a key
const AGAIN = 3000;
const LONGEST = 60000;

/** @typedef {{ note: string, read: boolean, version: number }} Kept What the server has. */

class EssayNote extends HTMLElement {
  connectedCallback() {
    this.url = this.dataset.note || "";
    this.version = Number(this.dataset.version);
    this.field = /** @type {HTMLTextAreaElement} */ (this.querySelector("textarea"));
    this.saved = this.field.defaultValue;
    this.delay = AGAIN;
    this.saving = false;
    this.failing = false;
    /** @type {Kept | null} */
    this.other = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.ending = new AbortController();
    this.classList.add("is-live");
    this.#listen(this.ending.signal);
    this.#restore();
    sendOthers(this.url);
  }

  disconnectedCallback() {
    this.ending?.abort();
    clearTimeout(this.timer);
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    this.field.addEventListener("input", () => this.#typed(), { signal });
    this.addEventListener("submit", (event) => this.#submitted(event), { signal });
    this.addEventListener("click", (event) => this.#clicked(event), { signal });
    document.addEventListener("keydown", (event) => this.#pressed(event), { signal });
    document.addEventListener("essay-noted", (event) => this.#noted(/** @type {CustomEvent} */ (event).detail), { signal });
    addEventListener("online", () => this.#soon(0), { signal });
    addEventListener("pagehide", () => this.#leave(), { signal });
    addEventListener("beforeunload", (event) => this.failing && this.#isUnsaved() && event.preventDefault(), { signal });
  }

  /** What a reload or a cut left, or what the browser itself filled in again. */
  #restore() {
    const draft = draftOf(this.url);
    this.field.value = draft ? draft.text : this.saved;
    if (!draft || draft.text === this.saved) return keepDraft(this.url, null);
    if (draft.version !== this.version) return this.#ask({ note: this.saved, read: this.#isRead(), version: this.version });
    return this.#soon(0);
  }

  #isUnsaved() {
    return this.field.value !== this.saved;
  }

  #typed() {
    keepDraft(this.url, this.#isUnsaved() ? { text: this.field.value, version: this.version } : null);
    this.#tell("");
    this.#soon(PAUSE);
  }

  /** @param {number} milliseconds */
  #soon(milliseconds) {
    clearTimeout(this.timer);
    if (!this.other) this.timer = setTimeout(() => this.#save(), milliseconds);
  }

  /** One request after the other; what is typed meanwhile goes with the next. */
  async #save() {
    if (this.saving || this.other || !this.#isUnsaved()) return;
    this.saving = true;
    this.#tell(this.dataset.saving || "");
    try {
      this.#has(await this.#send(this.field.value));
    } catch (problem) {
      await this.#failed(problem);
    } finally {
      this.saving = false;
    }
    if (!this.failing && this.#isUnsaved()) this.#soon(PAUSE);
  }

  /** @param {string} text @returns {Promise<Kept>} */
  #send(text) {
    return call("PATCH", this.url, { note: text }, { "If-Match": `"${this.version}"` });
  }

  /** The server has this note. @param {Kept} kept */
  #has(kept) {
    this.failing = false;
    this.delay = AGAIN;
    this.version = kept.version;
    this.saved = kept.note;
    this.#tick(kept.read);
    const version = /** @type {HTMLInputElement | null} */ (this.querySelector('input[name="version"]'));
    if (version) version.value = String(kept.version);
    keepDraft(this.url, this.#isUnsaved() ? { text: this.field.value, version: this.version } : null);
    if (!this.#isUnsaved()) this.#tell(this.dataset.saved || "");
  }

  /** @param {unknown} problem */
  async #failed(problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.status === 412) return this.#compare();
    this.failing = true;
    if ([404, 409, 410].includes(problem.status)) return this.#tell(this.dataset.gone || "");
    if (problem.status === 401) this.#tell(say("signedOut"));
    else this.#tell([400, 422].includes(problem.status) ? problem.message : this.dataset.kept || "");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#save(), this.delay);
    this.delay = Math.min(2 * this.delay, LONGEST);
    return undefined;
  }

  /** The note has another version: what does it say? */
  async #compare() {
    try {
      const kept = await call("GET", this.url);
      if (kept.note === this.field.value) this.#has(kept);
      else this.#ask(kept);
    } catch (problem) {
      await this.#failed(problem);
    }
  }

  /** Shows what another window wrote, and leaves the choice. @param {Kept} kept */
  #ask(kept) {
    this.other = kept;
    this.failing = false;
    const place = /** @type {HTMLElement | null} */ (this.querySelector("[data-other]"));
    if (place) write(place, kept.note || place.dataset.none || "");
    this.#conflict(true);
    this.#tell("");
  }

  /** @param {boolean} shown */
  #conflict(shown) {
    this.querySelector("[data-conflict]")?.toggleAttribute("hidden", !shown);
  }

  /** @param {boolean} mine */
  #choose(mine) {
    const kept = this.other;
    if (!kept) return;
    this.other = null;
    this.#conflict(false);
    if (!mine) this.field.value = kept.note;
    this.#has(kept);
    this.field.focus();
    this.#soon(0);
  }

  /** Another window has changed the note, or ticked the essay. @param {{ file: string, version: number }} told */
  async #noted({ file, version }) {
    if (file !== this.dataset.file || this.saving) return;
    const kept = await call("GET", this.url).catch(() => null);
    if (!kept || this.saving) return;
    if (version <= this.version || kept.note === this.saved) return this.#tick(kept.read);
    if (this.#isUnsaved() && kept.note !== this.field.value) return this.#ask(kept);
    const end = this.field.selectionEnd;
    this.field.value = kept.note;
    this.field.setSelectionRange(end, end);
    this.#has(kept);
    return this.#tell("");
  }

  #leave() {
    const draft = draftOf(this.url);
    if (draft && !this.other) sendDraft(this.url, draft).catch(() => undefined);
  }

  /** @param {string} text */
  #tell(text) {
    write(this.querySelector("[data-state]"), text);
  }

  /** @returns {HTMLButtonElement | null} */
  get #button() {
    return this.querySelector("[data-read]");
  }

  #isRead() {
    return this.#button?.getAttribute("aria-pressed") === "true";
  }

  /** @param {boolean} read */
  #tick(read) {
    this.#button?.setAttribute("aria-pressed", String(read));
    this.#button?.setAttribute("value", read ? "off" : "on");
  }

  /** Shown at once, and taken back if the server does not take it. */
  async #toggle() {
    const before = this.#isRead();
    this.#tick(!before);
    try {
      this.#tick((await call("PATCH", this.url, { read: !before })).read);
    } catch (problem) {
      this.#tick(before);
      if (!(problem instanceof Problem)) throw problem;
      toastProblem(problem);
    }
  }

  /** @param {SubmitEvent} event */
  #submitted(event) {
    event.preventDefault();
    if (event.submitter === this.#button) this.#toggle();
    else this.#save();
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const target = /** @type {Element} */ (event.target);
    if (target.closest("[data-keep]")) this.#choose(true);
    if (target.closest("[data-take]")) this.#choose(false);
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = /** @type {Element} */ (event.target);
    if (target.closest("input:not([type=checkbox]), textarea, select, [contenteditable], dialog") || document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    if (key === "x" && !event.repeat) this.#toggle();
    const there = { j: "next", k: "prev" }[key];
    if (there) /** @type {HTMLElement | null} */ (document.querySelector(`.pager a[rel="${there}"]`))?.click();
  }
}

customElements.define("essay-note", EssayNote);
