// The frame's few moving parts: theme button, toasts, dialogs, menus of old browsers, and whether keys do anything.
import { say } from "./words.js";

/**
 * Says something short at the foot of the page, with one thing to do about it if there is one.
 * @param {string} text
 * @param {{ seconds?: number, action?: string, run?: () => Promise<unknown> }} [options]
 */
export function toast(text, { seconds = 10, action = "", run } = {}) {
  const region = document.querySelector(".toasts");
  const template = /** @type {HTMLTemplateElement | null} */ (document.getElementById("toast-template"));
  if (!region || !template || !text) return;
  const element = /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
  const place = element.querySelector("[data-text]");
  if (place) place.textContent = text;
  const close = () => element.remove();
  element.querySelector("[data-close-toast]")?.addEventListener("click", close);
  const button = /** @type {HTMLButtonElement | null} */ (element.querySelector("[data-act]"));
  if (button && run) {
    button.hidden = false;
    button.textContent = action;
    button.addEventListener("click", () => {
      close();
      run().catch(toastProblem);
    });
  }
  region.append(element);
  setTimeout(close, seconds * 1000);
}

/** @param {import("./api.js").Problem} problem */
export function toastProblem(problem) {
  if (problem.status === 401) return toast(say("signedOut"));
  if (problem.foreign) return toast(say("stoppedOnTheWay"));
  return toast(problem.message || say(problem.status ? "failed" : "noAnswer"));
}

function switchTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try {
    localStorage.setItem("theme", root.dataset.theme);
  } catch {
    // The choice lasts as long as the page.
  }
}

/** Menus that are a summary with something to open. */
const MENUS = "details.export-menu[open], details.columns-menu[open]";

/** @param {Element | null} inside What may stay open. */
function closeMenus(inside) {
  for (const menu of document.querySelectorAll(MENUS)) {
    if (inside && menu.contains(inside)) continue;
    const hadFocus = menu.contains(document.activeElement);
    menu.removeAttribute("open");
    if (hadFocus && !inside) menu.querySelector("summary")?.focus();
  }
}

/** @param {MouseEvent} event */
function onClick(event) {
  const target = /** @type {Element} */ (event.target);
  closeMenus(target);
  if (target.closest("[data-theme-button]")) switchTheme();
  const opener = /** @type {HTMLElement | null} */ (target.closest("[data-dialog]"));
  if (opener) {
    event.preventDefault();
    const dialog = document.getElementById(opener.dataset.dialog || "");
    if (dialog instanceof HTMLDialogElement) dialog.showModal();
  }
  const closer = target.closest("[data-close]");
  if (closer) {
    event.preventDefault();
    closer.closest("dialog")?.close();
  }
}

/** The browser must not leave a page for a file dropped on it; a page that takes files says so after this. @param {DragEvent} event */
function refuseFiles(event) {
  const target = /** @type {Element} */ (event.target);
  if (!event.dataTransfer?.types.includes("Files")) return;
  if (target instanceof Element && target.closest("input[type='file']")) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "none";
}

/**
 * Single keys do nothing on any page while they are switched off on the account page (WCAG 2.1.4): some people's
 * hands or voices press them by mistake. Fields still get what is written. @param {KeyboardEvent} event
 */
function keepKeys(event) {
  if (document.documentElement.dataset.shortcuts !== "off" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key.length > 1 || event.key === " ") return;
  const target = /** @type {Element} */ (event.target);
  if (!(target instanceof Element) || !target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")) event.stopPropagation();
}

addEventListener("keydown", keepKeys, true);
document.addEventListener("click", onClick);
document.addEventListener("keydown", (event) => event.key === "Escape" && closeMenus(null));
addEventListener("dragover", refuseFiles);
addEventListener("drop", refuseFiles);
// iPadOS 16 and others of its time.
if (!("popover" in HTMLElement.prototype)) import("./menus.js");
