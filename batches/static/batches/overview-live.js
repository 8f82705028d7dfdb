// Keeps the overview's cards fresh: the server says which batch changed, htmx reads that card again.
import { ReconnectingSocket } from "../realtime/reconnecting-socket.js";

const SOFTLY = 15000;

/** Ask htmx to read an element again. @param {Element} element */
const refresh = (element) => element.dispatchEvent(new CustomEvent("refresh", { bubbles: false }));

/** @returns {Element | null} */
const cards = () => document.getElementById("cards");

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
  const card = document.getElementById(`card-${message.batch_id}`);
  if (card) refresh(card);
  else if (!location.search) refreshAll();
}

function refreshAll() {
  const list = cards();
  if (list) refresh(list);
}

/** After a break everything may have changed. */
let missed = false;
/** @type {ReturnType<typeof setInterval> | undefined} */
let checking;

/** @param {number} failures */
function down(failures) {
  missed = true;
  if (failures >= 2) checking ??= setInterval(() => document.hidden || refreshAll(), SOFTLY);
}

function stopChecking() {
  clearInterval(checking);
  checking = undefined;
}

const socket = new ReconnectingSocket({
  url: () => `${location.origin.replace(/^http/, "ws")}/ws/teacher/`,
  onMessage: take,
  onDown: down,
  onFinal: stopChecking,
});

/** The list gives way to a batch page when files are dropped here. */
export function stopOverview() {
  socket.stop();
  stopChecking();
  // An answer that is still on its way would write the overview's address over the batch's.
  for (const asking of document.querySelectorAll("[hx-push-url]")) asking.removeAttribute("hx-push-url");
}

addEventListener("online", () => socket.retryNow());
document.addEventListener("visibilitychange", () => document.hidden || socket.retryNow());
if (cards()) socket.start();
