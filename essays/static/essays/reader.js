// <essay-reader>: joins the marks in the text with the list beside it; N and P walk through them.

class EssayReader extends HTMLElement {
  current = -1;

  connectedCallback() {
    this.ending = new AbortController();
    const { signal } = this.ending;
    this.addEventListener("click", (event) => this.#clicked(event), { signal });
    this.addEventListener("change", (event) => this.#toggled(event), { signal });
    document.addEventListener("keydown", (event) => this.#pressed(event), { signal });
    const start = location.hash.match(/^#mark-(\d+)$/);
    if (start) this.#show(this.#position(start[1]), { scroll: true });
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
    const entry = /** @type {HTMLElement | null} */ (target.closest("[data-entry]"));
    const mark = /** @type {HTMLElement | null} */ (target.closest("mark"));
    if (entry) {
      event.preventDefault();
      this.#show(this.#position(entry.dataset.entry || ""), { scroll: true });
    } else if (mark) {
      this.#show(this.#position(mark.id.slice("mark-".length)), { scroll: false });
    }
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
    if (target.closest("input:not([type=checkbox]), textarea, select, [contenteditable], dialog")) return;
    const step = { n: 1, p: -1 }[event.key.toLowerCase()];
    const entries = this.entries;
    if (!step || !entries.length) return;
    event.preventDefault();
    const from = this.current < 0 && step < 0 ? 0 : this.current;
    this.#show((from + step + entries.length) % entries.length, { scroll: true });
  }

  /** @param {number} position @param {{ scroll: boolean }} options */
  #show(position, { scroll }) {
    const entry = this.entries[position];
    if (!entry) return;
    this.querySelector("mark.current")?.classList.remove("current");
    this.querySelector("[data-entry][aria-current]")?.removeAttribute("aria-current");
    this.current = position;
    entry.setAttribute("aria-current", "true");
    entry.scrollIntoView({ block: "nearest" });
    const mark = this.querySelector(`#mark-${entry.dataset.entry}`);
    mark?.classList.add("current");
    if (scroll) mark?.scrollIntoView({ block: "center" });
    const line = this.querySelector("[data-spoken]");
    if (line) line.textContent = entry.textContent;
  }
}

customElements.define("essay-reader", EssayReader);
