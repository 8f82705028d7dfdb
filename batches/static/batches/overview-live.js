// Keeps the overview fresh: the server says which batch changed, htmx reads its card and the filters' numbers again.
// Rows stay where they are while the teacher works; the order is made anew when the list is read.
import { ReconnectingSocket } from "../realtime/reconnecting-socket.js";

const SOFTLY = 15000;
const SOON = 1000;

/** Ask htmx to read an element again. @param {string} id */
const refresh = (id) => document.getElementById(id)?.dispatchEvent(new CustomEvent("refresh", { bubbles: false }));

const refreshAll = () => refresh("listing");

/** The list has more than its first page, which reading it again would give back. */
let extended = false;
/** After a break everything may have changed. */
let missed = false;
/** @type {ReturnType<typeof setInterval> | undefined} */
let checking;
/** @type {Map<() => void, ReturnType<typeof setTimeout>>} */
const waiting = new Map();

/** Once for all that comes within a moment. @param {() => void} act */
function soon(act) {
  if (!waiting.has(act)) waiting.set(act, setTimeout(() => waiting.delete(act) && act(), SOON));
}

const countAgain = () => refresh("filters");

/** @param {{ type: string, batch_id?: string, heartbeat?: number }} message */
function take(message) {
  if (message.type === "hello") {
    socket.settle();
    socket.heartbeat = message.heartbeat || 20;
    stopChecking();
    if (missed) refreshAll();
    missed = false;
  }
  if (message.type !== "changed") return;
  if (document.getElementById(`card-${message.batch_id}`)) {
    refresh(`card-${message.batch_id}`);
    soon(countAgain);
  } else {
    soon(mayBeReadAnew() ? refreshAll : countAgain);
  }
}

/** Whether a batch that is not seen may belong on this list, and its place is on this page. */
function mayBeReadAnew() {
  const asked = new URLSearchParams(location.search);
  return !extended && !["s", "q", "cursor"].some((name) => asked.has(name));
}

/** @param {number} failures */
function down(failures) {
  missed = true;
  if (failures >= 2) checking ??= setInterval(() => document.hidden || refreshAll(), SOFTLY);
}

function stopChecking() {
  clearInterval(checking);
  checking = undefined;
}

/** A batch that comes again further down, because it has moved meanwhile, is shown there alone. @param {Event} event */
function keepOne(event) {
  const card = /** @type {CustomEvent} */ (event).detail.elt;
  if (!(card instanceof Element) || !card.id.startsWith("card-")) return;
  for (const twin of document.querySelectorAll(`[id="${card.id}"]`)) if (twin !== card) twin.remove();
}

const socket = new ReconnectingSocket({
  url: () => `${location.origin.replace(/^http/, "ws")}/ws/teacher/`,
  onMessage: take,
  onDown: down,
  onFinal: stopChecking,
});

/** The list gives way to a batch page when files are dropped here. */
function stopOverview() {
  socket.stop();
  stopChecking();
  for (const timer of waiting.values()) clearTimeout(timer);
  // An answer that is still on its way would write the overview's address over the batch's.
  for (const asking of document.querySelectorAll("[hx-push-url]")) asking.removeAttribute("hx-push-url");
}

document.addEventListener("leaving", stopOverview);
addEventListener("online", () => socket.retryNow());
document.addEventListener("visibilitychange", () => document.hidden || socket.retryNow());
document.addEventListener("htmx:load", keepOne);
document.addEventListener("htmx:beforeSwap", (event) => {
  const target = /** @type {Element} */ (event.target);
  extended = target.id !== "listing" && (extended || !!target.closest(".more"));
});
if (document.getElementById("listing")) socket.start();
