// Puts what the server shows now in the place of what is shown, and lets be what is the same: marked parts whole, tables by rows.

/** @typedef {{ page: Document, rows: Map<string, string> }} Fresh A page without the rows of its table, and their HTML by their ids. */

const ROWS = /<tbody data-rows>([\s\S]*?)<\/tbody>/;
const ROW = /<tr id="([^"]+)"[\s\S]*?<\/tr>/g;
/** Rows that are made in one go, before the page may answer its reader. */
const PIECE = 10;
/** A form's token is another one each time. */
const TOKEN = /name="csrfmiddlewaretoken" value="[^"]*"/g;

/** What parts were made of: a script may have changed them since. @type {WeakMap<Element, string>} */
const origin = new WeakMap();
/** The same of rows, by their ids; what came with the page is not known. @type {Map<string, string>} */
const made = new Map();
let drawing = 0;

/** @param {Element} element @returns {string} */
const madeOf = (element) => element.innerHTML.replace(TOKEN, "");

const pause = () => new Promise((resolve) => setTimeout(resolve));

/** @param {Element} root Its parts, as the server made them. */
export function remember(root) {
  for (const part of root.querySelectorAll("[data-part]")) origin.set(part, madeOf(part));
}

/** Rows are looked at as text: to read hundreds of them as elements would take too long. @param {string} text @returns {Fresh} */
export function takeApart(text) {
  const body = text.match(ROWS);
  const rest = body ? text.replace(body[0], "<tbody data-rows></tbody>") : text;
  const rows = new Map([...(body ? body[1].matchAll(ROW) : [])].map((row) => [row[1], row[0]]));
  return { page: new DOMParser().parseFromString(rest, "text/html"), rows };
}

/**
 * @param {Element} root What is shown. @param {Fresh} fresh What the server shows now.
 * @returns {Promise<boolean>} False when the page has other parts by now, so that it has to be loaded again.
 */
export async function showPage(root, { page, rows }) {
  const parts = [...root.querySelectorAll("[data-part]")];
  const fresh = parts.map((part) => page.querySelector(`[data-part="${/** @type {HTMLElement} */ (part).dataset.part}"]`));
  const region = /** @type {HTMLElement | null} */ (root.querySelector("#rows"));
  const freshRegion = /** @type {HTMLElement | null} */ (page.querySelector("#rows"));
  if (fresh.includes(null) || !region !== !freshRegion) return false;
  parts.forEach((part, index) => showPart(part, /** @type {Element} */ (fresh[index])));
  if (region && freshRegion) await showTable(region, freshRegion, rows);
  return true;
}

/** @param {Element} part @param {Element} fresh */
function showPart(part, fresh) {
  const text = madeOf(fresh);
  if (origin.get(part) === text) return;
  origin.set(part, text);
  const open = [...part.querySelectorAll("details")].map((each) => each.open);
  fill(part, fresh);
  part.querySelectorAll("details").forEach((each, index) => each.toggleAttribute("open", open[index] ?? each.open));
}

/** What is in an element gives way; the same link or button keeps the focus. @param {Element} mine @param {Element} fresh */
function fill(mine, fresh) {
  const controls = () => [...mine.querySelectorAll("a, button")];
  const place = controls().indexOf(/** @type {Element} */ (document.activeElement));
  mine.replaceChildren(...document.importNode(fresh, true).childNodes);
  if (place >= 0) /** @type {HTMLElement | undefined} */ (controls()[place] || controls().at(-1) || document.getElementById("main"))?.focus({ preventScroll: true });
}

/** Rows that move or leave lose the focus: it stays in its row, or goes to the one that stands there now. @param {Element} body @returns {() => void} */
function holdFocus(body) {
  const held = /** @type {HTMLElement | null} */ (document.activeElement);
  const row = held?.closest("tr");
  const place = row ? [...body.children].indexOf(row) : -1;
  return () => {
    if (!held || place < 0 || body.contains(document.activeElement)) return;
    const there = body.contains(held) ? held : (body.children[place] || body.lastElementChild)?.querySelector("a, button");
    /** @type {HTMLElement | null} */ (there || document.getElementById("main"))?.focus({ preventScroll: true });
  };
}

/** @param {HTMLElement} region @param {HTMLElement} fresh @param {Map<string, string>} rows */
async function showTable(region, fresh, rows) {
  region.dataset.address = fresh.dataset.address || "";
  const head = region.querySelector("thead");
  const freshHead = fresh.querySelector("thead");
  if (!head || !freshHead) {
    region.replaceChildren(...document.importNode(fresh, true).childNodes);
    made.clear();
  } else if (head.innerHTML !== freshHead.innerHTML) fill(head, freshHead);
  const body = region.querySelector("tbody");
  if (body) await showRows(body, rows);
}

/** Each row stays the element that it is; some are drawn in one go. @param {Element} body @param {Map<string, string>} rows */
async function showRows(body, rows) {
  const mine = ++drawing;
  const shown = new Map([...body.children].map((row) => [row.id, row]));
  const afterLeaving = holdFocus(body);
  for (const [id, row] of shown) if (!rows.has(id)) row.remove();
  afterLeaving();
  const changed = [...rows].filter(([id, text]) => !shown.has(id) || made.get(id) !== text);
  for (let start = 0; start < changed.length; start += PIECE) {
    if (start) await pause();
    if (mine !== drawing) return;
    for (const fresh of rowsOf(changed.slice(start, start + PIECE))) draw(body, fresh, shown);
  }
  const afterMoving = holdFocus(body);
  arrange(body, [...rows.keys()], shown);
  afterMoving();
}

/** @param {[string, string][]} changed @returns {Element[]} */
function rowsOf(changed) {
  const template = document.createElement("template");
  template.innerHTML = changed.map(([, text]) => text).join("");
  for (const [id, text] of changed) made.set(id, text);
  return [...document.importNode(template.content, true).children];
}

/** @param {Element} body @param {Element} fresh @param {Map<string, Element>} shown */
function draw(body, fresh, shown) {
  const mine = shown.get(fresh.id);
  if (!mine) {
    shown.set(fresh.id, fresh);
    body.append(fresh);
  } else if (mine.outerHTML !== fresh.outerHTML) {
    for (const name of fresh.getAttributeNames()) mine.setAttribute(name, fresh.getAttribute(name) || "");
    fill(mine, fresh);
  }
}

/** Moves those rows that do not stand where they belong. @param {Element} body @param {string[]} ids @param {Map<string, Element>} shown */
function arrange(body, ids, shown) {
  let next = body.firstElementChild;
  for (const id of ids) {
    const row = /** @type {Element} */ (shown.get(id));
    if (row === next) next = next.nextElementSibling;
    else body.insertBefore(row, next);
  }
}
