// Notes on essays that the server has not confirmed: kept in the tab's storage, so that no reload and no cut loses one.
import { csrfToken } from "../huleedu/js/api.js";

/** @typedef {{ text: string, version: number }} Draft The text, and the version of the note that it replaces. */

const PREFIX = "note:";

/** Another person at this computer is not given it. @returns {string} */
const prefix = () => `${PREFIX}${/** @type {HTMLElement | null} */ (document.querySelector('meta[name="csrf-token"]'))?.dataset.account || ""}:`;

/** @param {string} url Of the note. @returns {Draft | null} */
export function draftOf(url) {
  try {
    return JSON.parse(sessionStorage.getItem(prefix() + url) || "null");
  } catch {
    return null;
  }
}

/** @param {string} url @param {Draft | null} draft Null when the server has it. */
export function keepDraft(url, draft) {
  try {
    if (draft) sessionStorage.setItem(prefix() + url, JSON.stringify(draft));
    else sessionStorage.removeItem(prefix() + url);
  } catch {
    // Without storage the note lasts as long as its page, which asks before it is left.
  }
}

/** @returns {string[]} The notes of which something is kept. */
export function draftedNotes() {
  try {
    return Object.keys(sessionStorage).filter((key) => key.startsWith(prefix())).map((key) => key.slice(prefix().length));
  } catch {
    return [];
  }
}

/** Sends what its page had no time for; it outlives the page. @param {string} url @param {Draft} draft @returns {Promise<Response>} */
export function sendDraft(url, draft) {
  return fetch(url, {
    method: "PATCH",
    keepalive: true,
    credentials: "same-origin",
    headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken(), "If-Match": `"${draft.version}"` },
    body: JSON.stringify({ note: draft.text }),
  });
}

/** Sends what is kept of notes that were left. What another window has changed waits for its page. @param {string} [except] */
export async function sendOthers(except = "") {
  for (const url of draftedNotes()) {
    const draft = url === except ? null : draftOf(url);
    if (!draft) continue;
    const answer = await sendDraft(url, draft).catch(() => null);
    if (answer?.ok && draftOf(url)?.text === draft.text) keepDraft(url, null);
  }
}
