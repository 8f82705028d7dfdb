// Settings changed where they stand. The form is that of the settings page, with all but one field put away.
import { Problem, readPage } from "../huleedu/js/api.js";
import { toast, toastProblem } from "../huleedu/js/shell.js";
import { say } from "../huleedu/js/words.js";

const SHORTCUT = "e";
const CONFLICT = ".banner-fail";

/** @param {string} url @returns {Promise<HTMLFormElement>} @throws {Problem} */
async function settingsForm(url) {
  return formIn(await readPage(url));
}

/** @param {Document} page @returns {HTMLFormElement} @throws {Problem} */
function formIn(page) {
  const form = /** @type {HTMLFormElement | null} */ (page.querySelector("form[data-settings]"));
  if (!form) throw new Problem(404);
  return document.importNode(form, true);
}

/** @returns {HTMLElement | null} */
const facts = () => document.querySelector("[data-facts]");

/** @returns {boolean} While a form is open what it stands beside stays. */
const open = () => !!document.querySelector("form.in-place-form");

/** The batch as it is now, and what was asked for because of it. */
let latest = "";
let asked = "";

/** What is being saved: a field that is opened meanwhile waits for it, for the page is another one then. */
let saving = /** @type {Promise<unknown>} */ (Promise.resolve());

/** Reads what is shown again where it is not the latest, once. */
function catchUp() {
  const place = facts();
  if (!place || open() || !latest || [place.dataset.state, asked].includes(latest)) return;
  asked = latest;
  readPage(place.dataset.facts || "").then(showFacts, () => {
    asked = "";
  });
}

/** @param {Document} page What the server says of the batch now. */
function showFacts(page) {
  const fresh = page.querySelector("[data-facts]");
  if (open()) asked = "";
  if (!fresh || open()) return;
  const focused = /** @type {HTMLElement | null} */ (document.activeElement?.closest("[data-setting]"));
  facts()?.replaceWith(document.importNode(fresh, true));
  if (focused) again(focused.dataset.setting)?.focus();
}

/** @param {string | undefined} name @returns {HTMLElement | null} */
const again = (name) => document.querySelector(`[data-setting="${name}"]`);

/** @param {HTMLFormElement} form @param {string} name @returns {HTMLInputElement | null} */
const field = (form, name) => form.querySelector(`[name="${name}"]`);

/** @param {HTMLFormElement} form @param {string} name Only this field is left to see, and what is wrong elsewhere. */
function keepOnly(form, name) {
  form.className = "in-place-form";
  for (const other of form.querySelectorAll(".field")) /** @type {HTMLElement} */ (other).hidden = !other.querySelector(`[name="${name}"], .field-error`);
}

/** @param {HTMLInputElement} input @param {string | boolean} value */
function put(input, value) {
  if (typeof value === "boolean") input.checked = value;
  else input.value = value;
}

/** @param {HTMLInputElement} input @returns {string | boolean} */
const valueOf = (input) => (input.type === "checkbox" ? input.checked : input.value);

/**
 * Sends the form; what it was before is offered again.
 * @param {HTMLFormElement} form @param {string} name @param {string | boolean} before
 * @returns {Promise<Document | null>} The form again where it was refused, null when it is saved.
 */
async function save(form, name, before) {
  const page = await readPage(form.action, new FormData(form));
  if (page.querySelector("form[data-settings]")) return page;
  form.remove();
  showFacts(page);
  const said = /** @type {HTMLElement | null} */ (page.querySelector("[data-facts]"))?.dataset.said || "";
  toast(said, { action: say("undo"), run: () => undo(form.action, name, before) });
  return null;
}

/** @param {string} url @param {string} name @param {string | boolean} before */
async function undo(url, name, before) {
  const form = await settingsForm(url);
  const input = field(form, name);
  if (!input) throw new Problem(409);
  put(input, before);
  const page = await readPage(url, new FormData(form));
  showFacts(page);
  if (page.querySelector("form[data-settings]")) toast(page.querySelector(`${CONFLICT}, .field-error`)?.textContent || say("failed"));
}

/**
 * The form as it is when somebody has set something meanwhile: what else is on the refused one would take that back.
 * @param {HTMLFormElement} refused @param {string} name @returns {Promise<HTMLFormElement>}
 */
async function renewed(refused, name) {
  const conflict = refused.querySelector(CONFLICT);
  const typed = field(refused, name);
  if (!conflict || !typed) return refused;
  const form = await settingsForm(refused.action);
  const input = field(form, name);
  if (!input) throw new Problem(409);
  put(input, valueOf(typed));
  form.prepend(conflict);
  return form;
}

/** @param {HTMLElement} link */
async function edit(link) {
  await saving;
  document.querySelector("form.in-place-form")?.remove();
  const name = link.dataset.setting || "";
  const url = /** @type {HTMLAnchorElement} */ (link).href.split("#")[0];
  show(await settingsForm(url), name, link);
}

/**
 * @param {HTMLFormElement} form @param {string} name @param {HTMLElement} link Beside which it stands, and where focus goes back to.
 * @param {string | boolean} [was] What it was before the first try.
 */
function show(form, name, link, was) {
  const input = field(form, name);
  if (!input) throw new Problem(409);
  const before = was ?? valueOf(input);
  keepOnly(form, name);
  const shown = again(name) || link; // what it stood in may have been read anew
  (shown.closest("[data-facts]") || shown.closest(".actions") || shown).after(form);
  input.focus();
  if (input.type === "text") input.select();
  const close = () => {
    form.remove();
    again(name)?.focus();
    catchUp();
  };
  form.addEventListener("keydown", (event) => event.key === "Escape" && close());
  form.querySelector("[data-cancel]")?.addEventListener("click", (event) => {
    event.preventDefault();
    close();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation();
    busy(form.querySelector("button"), async () => {
      const answer = save(form, name, before);
      saving = answer.then(() => {}, () => {});
      const refused = await answer;
      if (!refused) return again(name)?.focus();
      const next = await renewed(formIn(refused), name);
      form.remove();
      return show(next, name, link, before);
    });
  });
}

/** @param {HTMLElement | null} element @param {() => Promise<unknown>} work */
async function busy(element, work) {
  if (element?.getAttribute("aria-busy") === "true") return;
  element?.setAttribute("aria-busy", "true");
  try {
    await work();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    toastProblem(problem);
  } finally {
    element?.removeAttribute("aria-busy");
  }
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  const place = /** @type {HTMLElement} */ (event.target);
  if (event.key !== SHORTCUT || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (place.isContentEditable || place.closest("input, select, textarea, dialog") || document.querySelector("dialog[open]")) return;
  const link = again("title");
  if (!link) return;
  event.preventDefault();
  busy(link, () => edit(link));
}

document.addEventListener("click", (event) => {
  const link = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("a[data-setting]"));
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  busy(link, () => edit(link));
});
document.addEventListener("keydown", pressed);
document.addEventListener("batch-changed", (event) => {
  latest = /** @type {CustomEvent} */ (event).detail.state;
  catchUp();
});
