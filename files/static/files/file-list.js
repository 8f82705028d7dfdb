// The list of rows: adds, draws and removes them, and shows those that match filter and search.
import { fold, holdsAll, language, wordsOf, write } from "../huleedu/js/words.js";
import { drawRow, makeRow } from "./file-row.js";

/** @typedef {import("../realtime/batch-state.js").Entry} Entry */

/** @type {Record<string, Set<string>>} */
const GROUPS = {
  attention: new Set(["failed", "unsent", "excess", "duplicate"]),
  progress: new Set(["waiting", "uploading", "processing"]),
  ready: new Set(["assigned"]),
};

/** @param {Iterable<Entry>} entries @returns {Set<string>} Names that more than one file has, in small letters. */
function repeatedNames(entries) {
  const once = new Set();
  const twice = new Set();
  for (const { status, filename } of entries) {
    if (status === "removed") continue;
    const name = filename.toLowerCase();
    (once.has(name) ? twice : once).add(name);
  }
  return twice;
}

/** @param {Element | null} element Whether it can have the focus. */
const isThere = (element) => !!element && element !== document.body && element.isConnected && !element.closest("[hidden]");

/** @param {HTMLElement} row @returns {HTMLElement} */
const nameOf = (row) => /** @type {HTMLElement} */ (row.querySelector('[data-part="name"]'));

export class FileList {
  /**
   * @param {HTMLElement} root
   * @param {Record<string, import("./file-row.js").Problem>} catalogue
   */
  constructor(root, catalogue) {
    this.root = root;
    this.catalogue = catalogue;
    this.list = /** @type {HTMLElement} */ (root.querySelector("[data-list]"));
    this.search = /** @type {HTMLInputElement} */ (root.querySelector("[data-search]"));
    /** @type {Map<string, HTMLElement>} */
    this.rows = new Map();
    /** @type {Set<string>} */
    this.repeated = new Set();
    for (const row of this.list.querySelectorAll("[data-key]")) {
      this.rows.set(/** @type {HTMLElement} */ (row).dataset.key || "", /** @type {HTMLElement} */ (row));
    }
    const query = new URLSearchParams(location.search);
    this.group = query.get("show") || "all";
    this.search.value = query.get("q") || history.state?.search || "";
    this.search.addEventListener("input", () => this.#choose(this.group));
    root.addEventListener("click", (event) => {
      const button = /** @type {Element} */ (event.target).closest("[data-show]");
      if (button?.hasAttribute("data-clear")) this.search.value = "";
      if (button) this.#choose(/** @type {HTMLElement} */ (button).dataset.show || "all");
    });
    this.filter();
  }

  /** @param {Map<string, Entry>} entries @param {Iterable<string>} keys @param {import("./file-row.js").Head} head */
  draw(entries, keys, head) {
    const added = document.createDocumentFragment();
    const held = /** @type {HTMLElement | null} */ (document.activeElement?.closest("[data-key]"));
    const beside = held && this.list.contains(held) ? this.#neighbour(held) : null;
    const before = this.repeated;
    this.repeated = repeatedNames(entries.values());
    for (const key of this.#touched(entries, keys, before)) {
      const entry = entries.get(key);
      const row = this.rows.get(key);
      if (!entry || entry.status === "removed") this.#drop(key);
      else drawRow(row || this.#make(entry, added), entry, this.catalogue, { head, repeated: this.#isRepeated(entry) });
    }
    this.list.prepend(added);
    this.filter();
    if (held && beside && !isThere(document.activeElement)) (isThere(held) ? nameOf(held) : beside).focus();
  }

  /** @param {Entry} entry */
  #isRepeated({ filename }) {
    return this.repeated.has(filename.toLowerCase());
  }

  /**
   * A file that comes or goes changes how others of its name are told apart.
   * @param {Map<string, Entry>} entries @param {Iterable<string>} keys @param {Set<string>} before
   */
  #touched(entries, keys, before) {
    const touched = new Set(keys);
    for (const entry of entries.values()) {
      if (entry.folder && this.#isRepeated(entry) !== before.has(entry.filename.toLowerCase())) touched.add(entry.key);
    }
    return touched;
  }

  /** @param {Entry} entry @param {DocumentFragment} added */
  #make(entry, added) {
    const row = makeRow(entry);
    this.rows.set(entry.key, row);
    added.append(row);
    return row;
  }

  /** @param {string} key */
  #drop(key) {
    const row = this.rows.get(key);
    if (!row) return;
    this.rows.delete(key);
    row.remove();
  }

  /** Where the focus goes when a row leaves: the next visible row, else the one before, else the search. @param {HTMLElement} row */
  #neighbour(row) {
    const visible = [...this.rows.values()].filter((other) => other === row || !other.hidden);
    const order = visible.sort((one, other) => (one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1));
    const place = order.indexOf(row);
    const other = order[place + 1] || order[place - 1];
    return other ? nameOf(other) : this.search;
  }

  /** @param {string} group */
  #choose(group) {
    this.group = group;
    const query = new URLSearchParams();
    if (group !== "all") query.set("show", group);
    // Words stay out of the address: logs and the browser's history keep it.
    const state = { ...history.state, search: this.search.value };
    const shown = query.toString();  // "size" is missing in iPadOS 16
    history.replaceState(state, "", `${location.pathname}${shown ? `?${shown}` : ""}`);
    this.filter();
  }

  filter() {
    const wanted = wordsOf(this.search.value);
    const states = GROUPS[this.group];
    let visible = 0;
    for (const row of this.rows.values()) {
      const name = row.querySelector('[data-part="name"]')?.textContent || "";
      const fits = (!states || states.has(row.dataset.status || "")) && holdsAll(wanted, wanted.length ? fold(name) : "");
      row.hidden = !fits;
      visible += Number(fits);
    }
    for (const button of this.root.querySelectorAll("[aria-pressed]")) {
      button.setAttribute("aria-pressed", String(/** @type {HTMLElement} */ (button).dataset.show === this.group));
    }
    const empty = /** @type {HTMLElement} */ (this.root.querySelector("[data-no-match]"));
    empty.hidden = visible > 0 || !this.rows.size;
    for (const part of this.root.querySelectorAll("[data-when-files]")) part.toggleAttribute("hidden", !this.rows.size);
    this.list.hidden = !visible;
  }

  /** @param {Record<string, number>} totals all, attention, progress, ready */
  showTotals(totals) {
    for (const [name, n] of Object.entries(totals)) {
      write(this.root.querySelector(`[data-show="${name}"] b`), n.toLocaleString(language()));
    }
  }
}
