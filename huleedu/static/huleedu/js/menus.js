// Menus in browsers without the popover attribute: a button with popovertarget opens and closes, as elsewhere do Escape and
// a click beside it.

/** @returns {NodeListOf<HTMLElement>} */
const opened = () => document.querySelectorAll(".menu.is-open");

/** @param {HTMLElement} menu @returns {HTMLElement | null} */
const buttonOf = (menu) => document.querySelector(`[popovertarget="${menu.id}"]`);

/** @param {HTMLElement} menu @param {boolean} open */
function show(menu, open) {
  menu.classList.toggle("is-open", open);
  buttonOf(menu)?.setAttribute("aria-expanded", String(open));
}

/** @param {MouseEvent} event */
function clicked(event) {
  const target = /** @type {Element} */ (event.target);
  const button = target.closest("[popovertarget]");
  const menu = document.getElementById(button?.getAttribute("popovertarget") || "");
  for (const other of opened()) if (other !== menu && !other.contains(target)) show(other, false);
  if (!menu) return;
  event.preventDefault();
  show(menu, !menu.classList.contains("is-open"));
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  if (event.key !== "Escape") return;
  for (const menu of opened()) {
    const inside = menu.contains(document.activeElement);
    show(menu, false);
    if (inside) buttonOf(menu)?.focus();
  }
}

document.addEventListener("click", clicked);
document.addEventListener("keydown", pressed);
