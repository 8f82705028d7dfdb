// Whether the page that is seen is the one its address names. History can show one page under another's address:
// entries made by pushState share a document, and a kept page comes back as it was left.
import { toast } from "./shell.js";
import { say } from "./words.js";

/** @type {Set<() => boolean>} */
const reasons = new Set();

/** @returns {string} The path of the page that is seen, as the server wrote it; "" when it wrote none. */
const seenPath = () => document.documentElement.dataset.path || "";

/** @returns {boolean} Whether address and page agree. */
export const isSeen = () => !seenPath() || new URL(seenPath(), location.origin).pathname === location.pathname;

/**
 * Whether files may be taken now. A page that is not the address's says so and is loaded again.
 * @returns {boolean}
 */
export function mayTakeFiles() {
  if (isSeen()) return true;
  toast(say("pageMoved"));
  location.reload();
  return false;
}

/**
 * While `reason` says true, going back or forward within this document waits: leaving would end uploads.
 * @param {() => boolean} reason
 * @param {AbortSignal} signal Ends it.
 */
export function stayWhile(reason, signal) {
  reasons.add(reason);
  signal.addEventListener("abort", () => reasons.delete(reason));
}

/**
 * Show another page of ours without leaving the document: its header and content, under its own address. What the page
 * before kept running ends at the document's event "leaving".
 * @param {string} path @param {Document} page
 */
export function exchange(path, page) {
  document.dispatchEvent(new Event("leaving"));
  history.pushState({}, "", path);
  document.documentElement.dataset.path = path;
  document.title = page.title;
  for (const part of [".site-header", "#main"]) {
    const fresh = page.querySelector(part);
    if (fresh) document.querySelector(part)?.replaceWith(document.adoptNode(fresh));
  }
  document.getElementById("main")?.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function moved() {
  if (isSeen()) return;
  if (![...reasons].some((reason) => reason())) return location.reload();
  history.pushState({}, "", seenPath());
  toast(say("stayHere"));
}

addEventListener("popstate", moved);
addEventListener("pageshow", (event) => event.persisted && location.reload());
