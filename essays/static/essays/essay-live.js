// Keeps an essay's page fresh: what is told of the essay, or of all of its batch, is read again and put in place.
import { Problem, readPage } from "../huleedu/js/api.js";
import { follow } from "../realtime/follow.js";
import { LiveFeed } from "../realtime/live-feed.js";
import { showReader } from "./reader.js";

const SOON = 500;
const OF_ALL = /^batch\.(changed|language|phase|results|essays)/;

const page = /** @type {HTMLElement | null} */ (document.querySelector("[data-essay-live]"));
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let reading = false;
let again = false;

/** @param {any} event @returns {boolean} */
const concerns = ({ event, data }) =>
  event !== "essay.note.changed" && (data.file_upload_id === page?.dataset.file || data.essay_id === page?.dataset.essay || OF_ALL.test(event));

function soon() {
  clearTimeout(timer);
  timer = setTimeout(refresh, SOON);
}

/** One reading after the other; what happens meanwhile is read once more. */
async function refresh() {
  again = reading;
  if (reading) return;
  reading = true;
  try {
    show(await readPage(location.href));
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.status === 404 || problem.status === 409) location.reload();
  } finally {
    reading = false;
  }
  if (again) soon();
}

/** @param {Document} fresh */
function show(fresh) {
  const here = document.querySelector("essay-reader");
  const there = fresh.querySelector("essay-reader");
  if (here && there) showReader(there);
  // An essay that is read again, or is here again: another kind of page.
  else if (!!here !== !!there) location.reload();
}

/** @param {any} event */
function take(event) {
  if (event.event === "essay.note.changed") {
    const detail = { file: event.data.file_upload_id, version: event.data.note_version };
    document.dispatchEvent(new CustomEvent("essay-noted", { detail }));
  } else if (concerns(event)) soon();
}

if (page) {
  const feed = new LiveFeed({
    batchId: page.dataset.essayLive || "",
    seq: Number(page.dataset.seq),
    epoch: page.dataset.epoch || "",
    onEvent: take,
    onSnapshot: soon,
    onState: () => undefined,
  });
  follow(feed);
}
