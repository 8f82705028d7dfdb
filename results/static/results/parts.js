// Puts what the server shows now in the place of what is shown, and lets be what is the same: marked parts whole, tables by rows.

/** A form's token is another one each time. */
const TOKEN = /name="csrfmiddlewaretoken" value="[^"]*"/g;

/** @param {Element} element @returns {string} */
const madeOf = (element) => element.innerHTML.replace(TOKEN, "");

/** What parts and rows were made of: a script may have changed them since. @type {WeakMap<Element, string>} */
const origin = new WeakMap();

/** @param {Element} element @returns {string} */
function originOf(element) {
  const known = origin.get(element) ?? madeOf(element);
  origin.set(element, known);
  return known;
}

/** @param {Element} root Its parts and rows, as the server made them. */
export function remember(root) {
  for (const part of root.querySelectorAll("[data-part], tr[id]")) originOf(part);
}

/**
 * @param {Element} root What is shown. @param {Document} page What the server shows now.
 * @returns {boolean} False when the page has other parts by now, so that it has to be loaded again.
 */
export function showPage(root, page) {
  const parts = [...root.querySelectorAll("[data-part]")];
  const fresh = parts.map((part) => page.querySelector(`[data-part="${/** @type {HTMLElement} */ (part).dataset.part}"]`));
  const rows = root.querySelector("#rows");
  const freshRows = page.querySelector("#rows");
  if (fresh.includes(null) || !rows !== !freshRows) return false;
  parts.forEach((part, index) => showPart(part, /** @type {Element} */ (fresh[index])));
  if (rows && freshRows) showRows(rows, freshRows);
  return true;
}

/** @param {Element} part @param {Element} fresh */
function showPart(part, fresh) {
  const text = madeOf(fresh);
  if (originOf(part) === text) return;
  origin.set(part, text);
  const open = [...part.querySelectorAll("details")].map((each) => each.open);
  const focused = placeOf(part);
  part.replaceChildren(...document.importNode(fresh, true).childNodes);
  part.querySelectorAll("details").forEach((each, index) => each.toggleAttribute("open", open[index] ?? each.open));
  focusAgain(part, focused);
}

/** @param {Element} within @returns {number} Which of its links and buttons has the focus. */
const placeOf = (within) => [...within.querySelectorAll("a, button")].indexOf(/** @type {Element} */ (document.activeElement));

/** @param {Element} within @param {number} place */
function focusAgain(within, place) {
  if (place >= 0) /** @type {HTMLElement | undefined} */ ([...within.querySelectorAll("a, button")][place])?.focus({ preventScroll: true });
}

/** @param {Element} region @param {Element} fresh */
export function showRows(region, fresh) {
  const address = /** @type {HTMLElement} */ (fresh).dataset.address || "";
  /** @type {HTMLElement} */ (region).dataset.address = address;
  const body = region.querySelector("tbody");
  const freshBody = fresh.querySelector("tbody");
  const head = region.querySelector("thead");
  const freshHead = fresh.querySelector("thead");
  if (!body || !freshBody || !head || !freshHead) return region.replaceChildren(...document.importNode(fresh, true).childNodes);
  if (head.innerHTML !== freshHead.innerHTML) {
    const place = placeOf(head);
    head.replaceChildren(...document.importNode(freshHead, true).childNodes);
    focusAgain(head, place);
  }
  return showBody(body, freshBody);
}

/** Each row stays itself as long as it is the same. @param {Element} body @param {Element} fresh */
function showBody(body, fresh) {
  const shown = new Map([...body.children].map((row) => [row.id, row]));
  /** @type {Element | null} */
  let next = body.firstElementChild;
  for (const row of fresh.children) {
    let mine = shown.get(row.id);
    shown.delete(row.id);
    const text = madeOf(row);
    if (mine && originOf(mine) !== text) renew(mine, row, text);
    if (!mine) {
      mine = document.importNode(row, true);
      origin.set(mine, text);
    }
    if (mine === next) next = next.nextElementSibling;
    else body.insertBefore(mine, next);
  }
  for (const gone of shown.values()) gone.remove();
}

/** Only what stands in the row is another: the row keeps its place, and the focus. @param {Element} mine @param {Element} row @param {string} text */
function renew(mine, row, text) {
  const place = placeOf(mine);
  for (const name of row.getAttributeNames()) mine.setAttribute(name, row.getAttribute(name) || "");
  mine.replaceChildren(...document.importNode(row, true).childNodes);
  origin.set(mine, text);
  focusAgain(mine, place);
}
