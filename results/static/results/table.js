// The table of essays: sorted and filtered where it stands, J and K walk through its rows, Enter opens one, X ticks it as read.
import { sendOthers } from "../essays/drafts.js";
import { call, Problem, readText } from "../huleedu/js/api.js";
import { toastProblem } from "../huleedu/js/shell.js";
import { remember, showPage, takeApart } from "./parts.js";

const PAUSE = 300; // milliseconds without a key

const root = document.querySelector("[data-live-parts]");
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
/** What was asked for last: an answer that comes after it is not shown. */
let asked = 0;
let going = 0;

/** @returns {HTMLElement | null} */
const region = () => /** @type {HTMLElement | null} */ (document.getElementById("rows"));

/**
 * Reads the page again as its address has it.
 * @returns {Promise<boolean>} False while it is on its way to another order: what was read is not shown.
 */
export async function renew() {
  const before = asked;
  const text = going ? "" : await readText(location.href);
  if (!text || before !== asked || !root) return false;
  const fresh = takeApart(text);
  if (!(await showPage(root, fresh))) location.reload();
  showHead(fresh.page);
  return true;
}

/** The state of the batch, and what was set of it. @param {Document} page */
function showHead(page) {
  for (const chip of document.querySelectorAll("[data-status-chip]")) {
    const name = /** @type {HTMLElement} */ (chip).dataset.statusChip;
    chip.toggleAttribute("hidden", !!page.querySelector(`[data-status-chip="${name}"]`)?.hasAttribute("hidden"));
  }
  const state = /** @type {HTMLElement | null} */ (page.querySelector("[data-facts]"))?.dataset.state;
  if (state) document.dispatchEvent(new CustomEvent("batch-changed", { detail: { state } }));
}

/**
 * Shows what a form or a link leads to, and has it in the address.
 * @param {string} url @param {FormData} [form]
 */
async function go(url, form) {
  const page = await visit(url, form);
  const address = region()?.dataset.address;
  if (page && address && address !== location.pathname + location.search) history.pushState({ table: true }, "", address);
  if (page) take(page, ["[name=sort]"]);
}

/** The browser went back or forward. */
async function goBack() {
  if (!region() || region()?.dataset.address === location.pathname + location.search) return;
  const page = await visit(location.href);
  if (page) take(page, ["[name=sort]", "[name=q]", "[name=format]", "[name=status]", "[name=read]"]);
}

/** @param {string} url @param {FormData} [form] @returns {Promise<Document | null>} Null when something else is shown by now. */
async function visit(url, form) {
  const mine = ++asked;
  going += 1;
  region()?.setAttribute("aria-busy", "true");
  try {
    const fresh = takeApart(await readText(url, form));
    if (mine !== asked || !root) return null;
    if (!(await showPage(root, fresh))) location.assign(url);
    return mine === asked ? fresh.page : null;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    toastProblem(problem);
    return null;
  } finally {
    going -= 1;
    if (!going) region()?.removeAttribute("aria-busy");
  }
}

/** The forms beside the table say what is shown. @param {Document} page @param {string[]} fields Of the filter. */
function take(page, fields) {
  for (const name of fields.map((field) => `[data-table-filter] ${field}`)) {
    const mine = /** @type {HTMLInputElement | null} */ (document.querySelector(name));
    const fresh = /** @type {HTMLInputElement | null} */ (page.querySelector(name));
    if (mine && fresh) mine.value = fresh.value;
  }
  const columns = "[data-table-columns]";
  const action = page.querySelector(columns)?.getAttribute("action");
  if (action) document.querySelector(columns)?.setAttribute("action", action);
}

/** @param {HTMLFormElement} form */
function send(form) {
  clearTimeout(timer);
  go(form.action, new FormData(form));
}

/** Shown at once, and taken back if the server does not take it. @param {HTMLElement} button */
async function tick(button) {
  const essay = /** @type {HTMLElement | null} */ (button.closest("[data-essay]"))?.dataset.essay;
  const before = button.getAttribute("aria-pressed") === "true";
  /** @param {boolean} read */
  const show = (read) => {
    button.setAttribute("aria-pressed", String(read));
    button.setAttribute("value", read ? "off" : "on");
  };
  show(!before);
  try {
    await call("PATCH", `/v1/essays/${essay}/note`, { read: !before });
  } catch (problem) {
    show(before);
    if (!(problem instanceof Problem)) throw problem;
    toastProblem(problem);
  }
}

/** @returns {HTMLElement[]} What opens each row. */
const openers = () => [...document.querySelectorAll("#rows [data-open]")].map((each) => /** @type {HTMLElement} */ (each));

/** @returns {number} The row that has the focus, or had it last. */
function currentRow() {
  const here = document.activeElement?.closest("#rows tr");
  return openers().findIndex((each) => each.closest("tr") === here);
}

/** @param {number} step */
function walk(step) {
  const all = openers();
  const from = currentRow();
  const there = all[from < 0 ? 0 : Math.max(0, Math.min(all.length - 1, from + step))];
  there?.focus();
  there?.scrollIntoView({ block: "nearest" });
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const target = /** @type {Element} */ (event.target);
  if (target.closest("input:not([type=checkbox]), textarea, select, [contenteditable], dialog") || document.querySelector("dialog[open]")) return;
  const key = event.key.toLowerCase();
  const step = { j: 1, k: -1 }[key];
  if (step) {
    event.preventDefault();
    walk(step);
  }
  const button = /** @type {HTMLElement | null | undefined} */ (openers()[currentRow()]?.closest("tr")?.querySelector(".tick"));
  if (key === "x" && !event.repeat && button) tick(button);
}

/** @param {MouseEvent} event */
function clicked(event) {
  const target = /** @type {Element} */ (event.target);
  const button = /** @type {HTMLElement | null} */ (target.closest("#rows .tick"));
  if (button) {
    event.preventDefault();
    tick(button);
  }
  const link = /** @type {HTMLAnchorElement | null} */ (target.closest("#rows a[data-sort]"));
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (!link.dataset.sort) location.assign(link.href);
  else go(link.href);
}

if (root) {
  remember(root);
  const filter = /** @type {HTMLFormElement | null} */ (document.querySelector("[data-table-filter]"));
  const columns = /** @type {HTMLFormElement | null} */ (document.querySelector("[data-table-columns]"));
  for (const form of [filter, columns]) {
    form?.addEventListener("submit", (event) => {
      event.preventDefault();
      send(form);
    });
    form?.addEventListener("change", () => send(form));
  }
  filter?.querySelector('input[type="search"]')?.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => send(filter), PAUSE);
  });
  columns?.querySelector("button")?.classList.add("visually-hidden");
  root.addEventListener("click", (event) => clicked(/** @type {MouseEvent} */ (event)));
  document.addEventListener("keydown", pressed);
  addEventListener("popstate", goBack);
  sendOthers();
}
