// Keeps the table of essays and the results fresh: what the batch tells of is read again and put in place.
import { Problem } from "../huleedu/js/api.js";
import { follow } from "../realtime/follow.js";
import { LiveFeed } from "../realtime/live-feed.js";
import { renew } from "./table.js";

const SOON = 1000;
const LATER = 15000;
const PATIENCE = 3; // times as long as the last reading took

const root = /** @type {HTMLElement | null} */ (document.querySelector("[data-live-parts]"));
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let reading = false;
/** How long a slow server, or computer, is left alone. */
let rest = 0;

/** Once for all that comes within a moment, and one reading after the other. @param {number} [after] */
function soon(after = Math.max(SOON, rest)) {
  timer ??= setTimeout(refresh, after);
}

async function refresh() {
  timer = undefined;
  if (reading) return soon();
  reading = true;
  const begun = performance.now();
  try {
    if (!(await renew())) soon();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.status === 0 || problem.status >= 500 || problem.status === 429) soon(LATER);
  } finally {
    reading = false;
    rest = PATIENCE * (performance.now() - begun);
  }
  return undefined;
}

if (root) {
  const feed = new LiveFeed({
    batchId: root.dataset.liveParts || "",
    seq: Number(root.dataset.seq),
    epoch: root.dataset.epoch || "",
    onEvent: () => soon(),
    onSnapshot: () => soon(),
    onState: () => undefined,
  });
  follow(feed);
}
