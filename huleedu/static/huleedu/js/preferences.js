// The account page's choices for this browser: colours, and whether single keys do anything.
const root = document.documentElement;

/** @param {string} name @param {string} value Empty for what holds without a choice. */
function keep(name, value) {
  if (value) root.dataset[name] = value;
  else delete root.dataset[name];
  try {
    if (value) localStorage.setItem(name, value);
    else localStorage.removeItem(name);
  } catch {
    // The choice lasts as long as the page.
  }
  show();
}

function show() {
  for (const button of document.querySelectorAll("[data-colours]"))
    button.setAttribute("aria-pressed", String(button.getAttribute("data-colours") === (root.dataset.theme || "")));
  const keys = /** @type {HTMLInputElement | null} */ (document.querySelector("[data-keys]"));
  if (keys) keys.checked = root.dataset.shortcuts !== "off";
}

for (const button of document.querySelectorAll("[data-colours]"))
  button.addEventListener("click", () => keep("theme", button.getAttribute("data-colours") || ""));
document.querySelector("[data-keys]")?.addEventListener("change", (event) => {
  keep("shortcuts", /** @type {HTMLInputElement} */ (event.target).checked ? "" : "off");
});
// The button in the header changes the colours, too.
new MutationObserver(show).observe(root, { attributeFilter: ["data-theme"] });
show();
