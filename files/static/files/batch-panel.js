// The numbers above the list: headline, bar, legend, deadline, what the teacher can do now.
import { count, language, limit, say, timeLeft, timeZone, write } from "../huleedu/js/words.js";

/** @typedef {ReturnType<import("../realtime/batch-state.js").BatchState["counts"]>} Counts */
/** @typedef {{ status: string, expected: number, deadline: string | null, version: number, language: string | null, autoStart: boolean, archived: boolean }} Head */

const OPEN = new Set(["awaiting_content", "ready", "processing"]);
const SEGMENTS = /** @type {const} */ (["ready", "reading", "uploading", "failed", "excess", "duplicate"]);
const SUMMARY_EVERY = 4000;
const SMALL = "(max-width: 48rem)";

export class BatchPanel {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    // On a small screen files come first: what can be done about the deadline is a tap away.
    if (matchMedia(SMALL).matches) root.querySelector("[data-deadline]")?.removeAttribute("open");
    this.spoken = "";
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.speaking = undefined;
  }

  /** @param {Counts} counts @param {Head} head */
  draw(counts, head) {
    const numbers = /** @type {Record<string, number>} */ (counts);
    for (const place of this.#all("[data-count]")) write(place, (numbers[place.dataset.count || ""] ?? 0).toLocaleString(language()));
    for (const item of this.#all("[data-legend]")) item.hidden = !numbers[item.dataset.legend || ""];
    this.#bar(counts);
    this.#actions(counts, head);
    this.#deadline(counts, head);
    this.#speak(counts);
  }

  /** @param {string} selector @returns {NodeListOf<HTMLElement>} */
  #all(selector) {
    return this.root.querySelectorAll(selector);
  }

  /** @param {Counts} counts */
  #bar(counts) {
    const sum = SEGMENTS.reduce((total, kind) => total + counts[kind], 0);
    const whole = Math.max(counts.expected, sum, 1);
    let start = 0;
    for (const kind of SEGMENTS) {
      const width = (100 * counts[kind]) / whole;
      const segment = this.root.querySelector(`[data-segment="${kind}"]`);
      segment?.setAttribute("x", `${start}%`);
      segment?.setAttribute("width", `${width}%`);
      segment?.toggleAttribute("hidden", !width);
      start += width;
    }
  }

  /** @param {Counts} counts @param {Head} head */
  #actions(counts, head) {
    const open = OPEN.has(head.status);
    const alive = head.status !== "cancelled";
    const collecting = head.status === "awaiting_content";
    const here = Math.min(limit("Essays"), Math.max(1, counts.ready + counts.reading));
    const room = Math.min(counts.excess, limit("Essays") - head.expected);
    this.#action("start", collecting && counts.ready > 0 && counts.free > 0 && !counts.uploading, counts.ready);
    this.#action("begin", head.status === "ready" && !head.autoStart, 0);
    this.#action("extend", collecting && !!head.deadline, 0);
    this.#action("lower", collecting && here < head.expected && counts.ready + counts.reading > 0, here, here);
    this.#action("grow", alive && room > 0, room, head.expected + room);
    this.#action("cancel", open, 0);
    this.root.toggleAttribute("data-cancelled", !alive);
    this.#version(head.version);
    document.dispatchEvent(new CustomEvent("batch-changed", { detail: { state: `${head.version} ${head.language || ""}` } }));
    for (const part of this.#all("[data-status-chip]")) part.hidden = part.dataset.statusChip !== head.status;
    for (const part of this.#all("[data-when-cancelled]")) part.hidden = alive;
    for (const part of this.#all("[data-when-archived]")) part.hidden = !head.archived;
    for (const part of this.#all("[data-when-excess]")) part.hidden = room <= 0;
    for (const part of this.#all("[data-n='excess']")) count(part, counts.excess);
    for (const part of this.#all("[data-n='checked']")) {
      part.hidden = !counts.checked;
      write(part, say("checked", { n: counts.checked, of: Math.max(counts.ready, counts.checked) }));
    }
  }

  /** @param {string} name @param {boolean} shown @param {number} n @param {number} [value] For the hidden number field. */
  #action(name, shown, n, value) {
    for (const form of this.#all(`[data-batch-action="${name}"]`)) {
      form.hidden = !shown;
      const text = /** @type {HTMLElement | null} */ (form.querySelector("[data-many]"));
      if (text) count(text, n);
      const field = /** @type {HTMLInputElement | null} */ (form.querySelector('input[type="hidden"][name="expected_essay_count"]'));
      if (field && value) field.value = String(value);
    }
  }

  /** What a form decides upon; an open dialog and a form of all settings keep what they were opened with. @param {number} version */
  #version(version) {
    for (const field of this.#all('input[name="version"]')) {
      if (!field.closest("dialog[open], form[data-settings]")) /** @type {HTMLInputElement} */ (field).value = String(version);
    }
  }

  /** @param {Counts} counts @param {Head} head */
  #deadline(counts, head) {
    const place = this.root.querySelector("[data-deadline]");
    if (!place) return;
    place.toggleAttribute("hidden", head.status !== "awaiting_content" || !head.deadline);
    if (!head.deadline) return;
    const time = new Date(head.deadline);
    const date = new Intl.DateTimeFormat(language(), { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone: timeZone() });
    const passed = time.getTime() < Date.now();
    const words = { time: date.format(time), left: timeLeft(head.deadline), n: counts.free };
    write(place.querySelector("[data-deadline-text]"), say(passed ? "deadlinePassed" : "deadline", words));
  }

  /** @param {import("../realtime/live-feed.js").FeedState} state */
  showLive(state) {
    const line = /** @type {HTMLElement | null} */ (this.root.querySelector("[data-live]"));
    if (!line) return;
    line.dataset.state = state;
    const name = state.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
    write(line, say(`live${name[0].toUpperCase()}${name.slice(1)}`));
  }

  /** One polite sentence now and then; never one per file. @param {Counts} counts */
  #speak(counts) {
    const name = counts.attention ? "summary" : "summaryFine";
    const sentence = say(name, { ready: counts.ready, expected: counts.expected, n: counts.attention });
    if (!this.spoken) this.spoken = sentence;
    if (sentence === this.spoken) return;
    this.next = sentence;
    this.speaking ??= setTimeout(() => {
      this.speaking = undefined;
      this.spoken = this.next || "";
      write(this.root.querySelector("[data-summary]"), this.spoken);
    }, SUMMARY_EVERY);
  }
}
