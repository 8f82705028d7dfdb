// Keeps a batch's list of exports fresh: at once when one ends, every second while one is being made.
import { follow } from "../realtime/follow.js";
import { LiveFeed } from "../realtime/live-feed.js";

const SOON = 1000;
const LATER = 15000;

const place = document.getElementById("exports");
const spoken = document.querySelector("[data-spoken]");
let shown = "";
let live = false;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** Read the list again, and once more as long as something in it may change by itself. */
async function refresh() {
  clearTimeout(timer);
  if (!place?.dataset.list) return;
  try {
    const answer = await fetch(place.dataset.list, { headers: { "X-Requested-With": "fetch" } });
    const text = answer.ok && !answer.redirected ? await answer.text() : "";
    if (text && text.replace(TOKEN, "") !== shown) show(text);
  } catch {
    // The network is away: the next look finds what there is.
  }
  plan();
}

/** A form's token is another one each time. */
const TOKEN = /name="csrfmiddlewaretoken" value="[^"]*"/g;

/** @param {string} text */
function show(text) {
  if (!place) return;
  const focus = place.contains(document.activeElement) ? document.activeElement?.id : "";
  const line = focus ? document.activeElement?.closest("li")?.id || "" : "";
  const folds = [...place.querySelectorAll("details[open]")].map((each) => each.closest("li")?.id);
  shown = text.replace(TOKEN, "");
  place.innerHTML = text;
  for (const id of folds) if (id) document.getElementById(id)?.querySelector("details")?.setAttribute("open", "");
  if (focus) /** @type {HTMLElement | null | undefined} */ (document.getElementById(focus) || document.getElementById(line)?.querySelector("a, button") || document.getElementById("main"))?.focus();
}

function plan() {
  clearTimeout(timer);
  const open = place?.querySelector("[data-open]");
  if (open) timer = setTimeout(refresh, document.hidden ? LATER : SOON);
  else if (!live) timer = setTimeout(refresh, LATER);
}

if (place?.dataset.batch) {
  const feed = new LiveFeed({
    batchId: place.dataset.batch,
    seq: Number(place.dataset.seq),
    epoch: place.dataset.epoch || "",
    onEvent: (event) => {
      if (event.event !== "export.ready") return;
      if (spoken instanceof HTMLElement && event.data.status === "ready") spoken.textContent = spoken.dataset.ready || "";
      refresh();
    },
    onSnapshot: () => void refresh(),
    onState: (state) => {
      live = state === "live";
      plan();
    },
  });
  follow(feed);
  plan();
}
