// <essay-reader>: joins the marks in the text with the list beside it; N and P walk through them, D says that one is no error.
import { Problem, readPage } from "../huleedu/js/api.js";
import { toast, toastProblem } from "../huleedu/js/shell.js";
import { say } from "../huleedu/js/words.js";

const BESIDE = 8; // pixels between a word and the box at it

/** One request after the other, so that the last answer shows all that was said. @type {Promise<unknown>} */
let last = Promise.resolve();

class EssayReader extends HTMLElement {
  current = -1;
  /** It has come in the place of another. */
  next = false;

  connectedCallback() {
    this.ending = new AbortController();
    const { signal } = this.ending;
    this.addEventListener("click", (event) => this.#clicked(event), { signal });
    this.addEventListener("change", (event) => this.#toggled(event), { signal });
    this.addEventListener("submit", (event) => this.#submitted(event), { signal });
    document.addEventListener("keydown", (event) => this.#pressed(event), { signal });
    const start = location.hash.match(/^#mark-(\d+)$/);
    if (start && !this.next) this.#show(this.#position(start[1]), { scroll: true });
  }

  disconnectedCallback() {
    this.ending?.abort();
  }

  /** @returns {HTMLElement[]} */
  get entries() {
    return [...this.querySelectorAll("[data-entry]")].map((entry) => /** @type {HTMLElement} */ (entry));
  }

  /** @param {string} index @returns {number} */
  #position(index) {
    return this.entries.findIndex((entry) => entry.dataset.entry === index);
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const target = /** @type {Element} */ (event.target);
    if (target.closest(".mark-box")) return;
    this.#closeBox();
    const entry = /** @type {HTMLElement | null} */ (target.closest("[data-entry]"));
    const mark = /** @type {HTMLElement | null} */ (target.closest("mark"));
    if (entry) {
      event.preventDefault();
      this.#show(this.#position(entry.dataset.entry || ""), { scroll: true });
    } else if (mark) {
      this.#show(this.#position(mark.id.slice("mark-".length)), { scroll: false });
      this.#openBox(mark);
    }
  }

  /** What the list says of a mark, at the word itself. @param {HTMLElement} mark */
  #openBox(mark) {
    const line = this.querySelector(`[data-entry="${mark.id.slice("mark-".length)}"]`)?.closest("li");
    const sheet = /** @type {HTMLElement | null} */ (mark.closest(".sheet"));
    if (!line || !sheet) return;
    const box = document.createElement("div");
    box.className = "mark-box card";
    for (const part of line.children) box.append(part.cloneNode(true));
    box.querySelector("details")?.setAttribute("open", "");
    sheet.append(box);
    const word = mark.getBoundingClientRect();
    const around = sheet.getBoundingClientRect();
    const below = word.bottom + BESIDE + box.offsetHeight <= innerHeight || word.top < box.offsetHeight + BESIDE;
    box.style.top = `${below ? word.bottom - around.top + BESIDE : word.top - around.top - BESIDE - box.offsetHeight}px`;
    box.style.left = `${Math.max(BESIDE, Math.min(word.left - around.left, around.width - box.offsetWidth - BESIDE))}px`;
  }

  #closeBox() {
    const box = this.querySelector(".mark-box");
    const focused = !!box?.contains(document.activeElement);
    box?.remove();
    if (focused) this.entries[this.current]?.focus({ preventScroll: true });
  }

  /** @param {SubmitEvent} event */
  #submitted(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (!form.matches("[data-accept]")) return;
    event.preventDefault();
    const scope = /** @type {HTMLButtonElement | null} */ (event.submitter)?.value || "essay";
    this.#accept(form, scope).catch(fail);
  }

  /** Says that a word is no error; what that changes is shown at once, and offered back. @param {HTMLFormElement} form @param {string} scope */
  async #accept(form, scope) {
    const said = new FormData(form);
    said.set("scope", scope);
    const told = await tell(form.action, said);
    const undo = async () => {
      said.set("again", "on");
      await tell(form.action, said);
    };
    const done = told?.matches(".banner-done");
    toast(told?.textContent || "", done ? { action: say("undo"), run: undo } : {});
  }

  /** Gives its place to what the server shows now. @param {EssayReader} next */
  giveWay(next) {
    const mark = this.#markOf(this.entries[this.current]);
    const place = mark ? placeOf(mark) : -1;
    const focused = this.contains(document.activeElement);
    const off = this.classList.contains("marks-off");
    next.next = true;
    next.classList.toggle("marks-off", off);
    const shown = /** @type {HTMLInputElement | null} */ (next.querySelector("[data-marks]"));
    if (shown) shown.checked = !off;
    this.replaceWith(next);
    next.#goOn(place, focused);
  }

  /** Shows the mark that was shown, or the one after it when that is gone. @param {number} place @param {boolean} focused */
  #goOn(place, focused) {
    const entries = this.entries;
    const position = entries.findIndex((entry) => {
      const mark = this.#markOf(entry);
      return !!mark && placeOf(mark) >= place;
    });
    if (place >= 0) this.#show(position < 0 ? entries.length - 1 : position, { scroll: false });
    if (focused) (entries[this.current] || document.getElementById("main"))?.focus({ preventScroll: true });
  }

  /** @param {HTMLElement | undefined} entry @returns {HTMLElement | null} */
  #markOf(entry) {
    return entry ? this.querySelector(`#mark-${entry.dataset.entry}`) : null;
  }

  /** @param {Event} event */
  #toggled(event) {
    const input = /** @type {HTMLInputElement} */ (event.target);
    if (input.matches("[data-marks]")) this.classList.toggle("marks-off", !input.checked);
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = /** @type {Element} */ (event.target);
    if (target.closest("input:not([type=checkbox]), textarea, select, [contenteditable], dialog") || document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    const entries = this.entries;
    if (key === "escape") this.#closeBox();
    if (key === "d" && !event.repeat) this.#dismiss();
    const step = { n: 1, p: -1 }[key];
    if (!step || !entries.length) return;
    event.preventDefault();
    this.#closeBox();
    const from = this.current < 0 && step < 0 ? 0 : this.current;
    this.#show((from + step + entries.length) % entries.length, { scroll: true });
  }

  /** The present mark is no error in this essay. */
  #dismiss() {
    const form = /** @type {HTMLFormElement | null | undefined} */ (this.entries[this.current]?.closest("li")?.querySelector("[data-accept]"));
    if (form) this.#accept(form, "essay").catch(fail);
  }

  /** @param {number} position @param {{ scroll: boolean }} options */
  #show(position, { scroll }) {
    const entry = this.entries[position];
    if (!entry) return;
    this.querySelector("mark.current")?.classList.remove("current");
    this.querySelector("[data-entry][aria-current]")?.removeAttribute("aria-current");
    this.current = position;
    entry.setAttribute("aria-current", "true");
    reveal(entry);
    const mark = this.#markOf(entry);
    mark?.classList.add("current");
    if (scroll) mark?.scrollIntoView({ block: "center" });
    const line = this.querySelector("[data-spoken]");
    if (line) line.textContent = entry.textContent;
  }
}

/** Moves the list, never the page: on a phone the list lies far below the word that was tapped. @param {HTMLElement} entry */
function reveal(entry) {
  const list = entry.closest(".marks");
  if (!list) return;
  const { top, bottom } = entry.getBoundingClientRect();
  const shown = list.getBoundingClientRect();
  if (top < shown.top) list.scrollTop -= shown.top - top;
  else if (bottom > shown.bottom) list.scrollTop += bottom - shown.bottom;
}

/** Where a mark stands in the text: there it stays, whatever becomes of others. @param {HTMLElement} mark @returns {number} */
function placeOf(mark) {
  const before = document.createRange();
  before.setStart(mark.closest(".essay-text") || mark, 0);
  before.setEndBefore(mark);
  return before.toString().length;
}

/** @param {string} url @param {FormData} said @returns {Promise<Element | null>} What the page says of it. */
function tell(url, said) {
  const answer = last.then(() => readPage(url, said)).then((page) => {
    const fresh = page.querySelector("essay-reader");
    if (fresh) showReader(fresh);
    return page.querySelector(".messages .banner");
  });
  last = answer.catch(() => undefined);
  return answer;
}

/** What the reader that is shown was made of. */
let shown = "";

/** A form's token is another one each time. @param {Element} reader */
const madeOf = (reader) => reader.innerHTML.replace(/name="csrfmiddlewaretoken" value="[^"]*"/g, "");

/** Puts what the server shows now in the reader's place, unless it is the same. @param {Element} fresh */
export function showReader(fresh) {
  const present = /** @type {EssayReader | null} */ (document.querySelector("essay-reader"));
  const text = madeOf(fresh);
  if (!present || text === shown) return;
  shown = text;
  present.giveWay(/** @type {EssayReader} */ (document.importNode(fresh, true)));
}

/** @param {unknown} problem */
function fail(problem) {
  if (!(problem instanceof Problem)) throw problem;
  toastProblem(problem);
}

const first = document.querySelector("essay-reader");
if (first) shown = madeOf(first);
customElements.define("essay-reader", EssayReader);
