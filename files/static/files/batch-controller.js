// One batch on the screen: joins uploads, live events and the teacher's actions.
import { makeBatch } from "../batches/new-batch.js";
import { mayTakeFiles, stayWhile } from "../huleedu/js/address.js";
import { call, Problem } from "../huleedu/js/api.js";
import { toast, toastProblem } from "../huleedu/js/shell.js";
import { count, limit, say, write } from "../huleedu/js/words.js";
import { BatchState } from "../realtime/batch-state.js";
import { LiveFeed } from "../realtime/live-feed.js";
import { askFor, splitKnown } from "./already-here.js";
import { BatchPanel } from "./batch-panel.js";
import { watchDrops } from "./drop-target.js";
import { fromFiles, leftOut, problemBeforeSending } from "./dropped-files.js";
import { FileList } from "./file-list.js";
import { readCatalogue } from "./file-row.js";
import { OnTheirWay } from "./on-their-way.js";
import { SecondDrop } from "./second-drop.js";
import { TimeLeft } from "./time-left.js";
import { failure, UploadQueue } from "./upload-queue.js";

/** @typedef {import("./dropped-files.js").Found} Found */
/** @typedef {import("./dropped-files.js").Dropped} Dropped */

/** What is sent by itself when network, server or session is back. */
const INTERRUPTED = new Set(["UPLOAD_INTERRUPTED", "NOT_SIGNED_IN"]);
const NAMED = 6;

export class BatchController {
  /**
   * @param {HTMLElement} root
   * @param {import("../realtime/huleedu").BatchSnapshot} snapshot What the rows in the page already show.
   */
  constructor(root, snapshot) {
    this.root = root;
    this.batchId = snapshot.batch_id;
    this.state = new BatchState(snapshot);
    this.panel = new BatchPanel(root);
    this.files = new FileList(root, readCatalogue());
    this.second = new SecondDrop(root);
    this.timeLeft = new TimeLeft(root, snapshot.batch_id);
    /** @type {Map<string, Dropped>} Kept so that a failed upload can be sent again. */
    this.kept = new Map();
    this.onTheirWay = new OnTheirWay(snapshot.batch_id);
    /** All that the server knows of the batch's files. */
    this.ask = askFor(snapshot.batch_id);
    /** What is compared with the batch, one after the other. @type {Promise<unknown>} */
    this.taking = Promise.resolve();
    /** @type {Set<string>} */
    this.stale = new Set();
    this.drawing = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.refresh = undefined;
    this.ending = new AbortController();
    this.queue = this.#makeQueue();
    this.feed = this.#makeFeed(snapshot);
    this.clock = setInterval(() => this.#redraw([]), 30000);
  }

  start() {
    this.#listen(this.ending.signal);
    this.#redraw([]);
    this.feed.start();
  }

  stop() {
    this.ending.abort();
    this.feed.stop();
    this.timeLeft.stop();
    clearInterval(this.clock);
    clearTimeout(this.refresh);
  }

  #makeQueue() {
    return new UploadQueue({
      url: "/v1/files/batch",
      batchId: this.batchId,
      onProgress: (item, percent) => this.#local(item.client_ref, { status: "uploading", percent }),
      onDone: (item, outcome) => this.#sent(item.client_ref, outcome),
    });
  }

  /** @param {import("../realtime/huleedu").BatchSnapshot} snapshot */
  #makeFeed(snapshot) {
    return new LiveFeed({
      batchId: this.batchId,
      seq: snapshot.seq,
      epoch: snapshot.epoch,
      onEvent: (event) => {
        const change = this.state.apply(event);
        this.#redraw(change.language ? this.state.entries.keys() : change.keys);
        if (change.batch) this.#refreshSoon();
      },
      onSnapshot: (fresh) => this.#redraw(this.state.replace(fresh)),
      onState: (state) => {
        this.panel.showLive(state);
        if (state !== "live") return;
        this.#inTurn(() => this.#sendAgain((code) => INTERRUPTED.has(code)));
        this.#findLost();
      },
    });
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    watchDrops(this.root, (found) => this.takeFiles(found), signal);
    stayWhile(() => this.queue.busy || this.second.waiting.length > 0, signal);
    this.root.addEventListener("submit", (event) => this.#submitted(event), { signal });
    this.root.addEventListener("click", (event) => this.#clicked(/** @type {Element} */ (event.target)), { signal });
    this.root.addEventListener("change", (event) => this.#chosen(/** @type {HTMLInputElement} */ (event.target)), { signal });
    addEventListener("online", () => this.feed.wake(), { signal });
    addEventListener("offline", () => this.feed.offline(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden || this.feed.wake(), { signal });
  }

  /** Many events together become one drawing. @param {Iterable<string>} keys */
  #redraw(keys) {
    for (const key of keys) this.stale.add(key);
    if (this.drawing) return;
    this.drawing = true;
    const draw = () => this.#draw();
    if (document.hidden) setTimeout(draw, 100);
    else requestAnimationFrame(draw);
  }

  #draw() {
    this.drawing = false;
    const keys = [...this.stale];
    this.stale.clear();
    const counts = this.state.counts();
    if (keys.length) this.files.draw(this.state.entries, keys, this.state.batch);
    this.files.showTotals({
      all: counts.received + counts.uploading + counts.unsent,
      attention: counts.attention,
      progress: counts.uploading + counts.reading,
      ready: counts.ready,
    });
    this.panel.draw(counts, this.state.batch);
    this.timeLeft.show(counts.reading > 0 || this.state.batch.status === "processing");
    this.#tellUnsent();
    this.root.querySelector("[data-drop-zone]")?.classList.toggle("drop-zone-tall", !this.files.rows.size);
  }

  /** The batch itself changed: read it once, shortly after the last such event. */
  #refreshSoon() {
    clearTimeout(this.refresh);
    this.refresh = setTimeout(() => this.feed.resync(), 400);
  }

  /** Adds files to the batch and sends those that it has not already. @param {Found} found */
  async takeFiles(found) {
    // Reading large files takes a while, in which they are in this page only.
    this.queue.hold();
    try {
      await this.#inTurn(() => this.#takeNew(found));
    } finally {
      this.queue.release();
    }
  }

  /** The next is compared with what this one adds. @param {() => Promise<unknown>} work */
  #inTurn(work) {
    const turn = this.taking.then(work);
    this.taking = turn.catch(() => undefined);
    return turn;
  }

  /** @param {Found} found */
  async #takeNew(found) {
    const { fresh, known, kept } = await splitKnown(found.files, this.state.shown(), this.ask, this.kept);
    // What was seen then must be seen still.
    if (this.ending.signal.aborted) return toast(say("pageMoved"));
    if (!mayTakeFiles()) return undefined;
    const room = Math.max(0, limit("Files") - this.state.shown().length);
    const added = fresh.slice(0, room);
    const again = this.#unsent().map((entry) => entry.key).filter((key) => kept.includes(key));
    const here = known + kept.length - again.length;
    const notes = [leftOut(found)];
    if (here) notes.push(say("already", { n: here, added: added.length + again.length }));
    if (fresh.length > room) notes.push(say("tooMany", { n: fresh.length - room }));
    this.#note(notes.filter(Boolean).join(" "));
    this.#send([...again, ...added.map((dropped) => this.#addLocal(dropped))]);
    return this.#tellLost();
  }

  /** Asks which files that were on their way before this page was loaded again have arrived. */
  async #findLost() {
    if (!this.onTheirWay.before.size) return;
    const batch = await this.ask().catch(() => null);
    if (!batch) return;
    for (const { client_ref } of batch.files) this.onTheirWay.end(client_ref || "");
    this.#tellLost();
  }

  #tellLost() {
    const names = this.onTheirWay.lost();
    const place = /** @type {HTMLElement | null} */ (this.root.querySelector("[data-lost]"));
    if (!place) return;
    place.hidden = !names.length;
    const named = names.slice(0, NAMED).join(", ") + (names.length > NAMED ? " …" : "");
    if (names.length) write(place.querySelector("p"), say("lost", { n: names.length, names: named }));
  }

  /** @returns {import("../realtime/batch-state.js").Entry[]} What was not sent and may be sent as it is. */
  #unsent() {
    const again = (/** @type {string} */ code) => (this.files.catalogue[code] || this.files.catalogue[""])?.actions.includes("retry");
    return this.state.shown().filter((entry) => entry.status === "unsent" && this.kept.has(entry.key) && again(entry.error?.error_code || ""));
  }

  #tellUnsent() {
    const place = /** @type {HTMLElement | null} */ (this.root.querySelector("[data-unsent]"));
    const sentence = /** @type {HTMLElement | null | undefined} */ (place?.querySelector("[data-many]"));
    if (!place || !sentence) return;
    const n = this.#unsent().length;
    place.hidden = !n;
    if (n) count(sentence, n);
  }

  /** When it was taken nobody may have been there to say what the batch has. @param {(code: string) => boolean} which */
  async #sendAgain(which) {
    const wanted = () => this.#unsent().filter((entry) => which(entry.error?.error_code || "")).map((entry) => entry.key);
    const first = wanted();
    if (!first.length) return;
    const of = (/** @type {string} */ key) => /** @type {Dropped} */ (this.kept.get(key));
    const { fresh } = await splitKnown(first.map(of), this.state.shown(), this.ask);
    if (this.ending.signal.aborted) return;
    const still = wanted().filter((key) => first.includes(key));
    const keys = still.filter((key) => fresh.includes(of(key)));
    const here = still.filter((key) => !keys.includes(key));
    for (const key of here) this.#withdraw(key);
    if (here.length) this.#note(say("already", { n: here.length, added: keys.length }));
    if (keys.length) this.#send(keys);
  }

  /** Takes back what is in this page only. @param {string} key */
  #withdraw(key) {
    this.queue.withdraw(key);
    this.onTheirWay.end(key);
    this.kept.delete(key);
    this.state.forget(key);
    this.#redraw([key]);
  }

  /** @param {Element} target */
  #clicked(target) {
    if (target.closest("[data-send-all]")) this.#inTurn(() => this.#sendAgain(() => true));
    const second = /** @type {HTMLElement | null} */ (target.closest("[data-second-add], [data-second-own]"));
    if (second && second.getAttribute("aria-busy") !== "true") this.#busy(second, this.#placeSecond(second));
    if (!target.closest("[data-forget-lost]")) return;
    this.onTheirWay.forget();
    this.#tellLost();
  }

  /** @param {HTMLElement} button "Add them here" or "A batch of its own", which replaces this page: when all of this one is sent. */
  async #placeSecond(button) {
    const own = button.hasAttribute("data-second-own");
    if (own) await this.queue.sent();
    const found = this.second.take();
    if (!found) return undefined;
    if (!own) return this.takeFiles(found);
    try {
      await makeBatch(found, this.second.waiting);
    } catch (problem) {
      this.second.add([found]);
      throw problem;
    }
    return undefined;
  }

  /** @param {string} text */
  #note(text) {
    const place = /** @type {HTMLElement | null} */ (this.root.querySelector("[data-note]"));
    if (!place) return;
    place.hidden = !text;
    write(place.querySelector("p"), text);
  }

  /** @param {Dropped} dropped @returns {string} The reference. */
  #addLocal(dropped) {
    const reference = globalThis.crypto?.randomUUID?.() || randomReference();
    const { file, folder } = dropped;
    this.kept.set(reference, dropped);
    this.state.addLocal({ client_ref: reference, filename: file.name, folder, size: file.size });
    return reference;
  }

  /** @param {string[]} references */
  #send(references) {
    const items = [];
    for (const reference of references) {
      const dropped = /** @type {Dropped} */ (this.kept.get(reference));
      const problem = problemBeforeSending(dropped.file);
      this.state.setLocal(reference, problem ? { status: "unsent", ...failure(problem) } : { status: "waiting", error: null });
      if (problem) continue;
      items.push({ client_ref: reference, ...dropped });
      this.onTheirWay.begin(reference, dropped.file.name, dropped.folder);
    }
    this.#redraw(references);
    this.queue.add(items);
  }

  /** @param {string} key @param {Partial<import("../realtime/batch-state.js").Entry>} values */
  #local(key, values) {
    this.state.setLocal(key, values);
    this.#redraw([key]);
  }

  /** @param {string} key @param {import("./upload-queue.js").Outcome} outcome */
  #sent(key, outcome) {
    if (!outcome.file_upload_id) return this.#local(key, { status: "unsent", error: outcome.error });
    this.onTheirWay.end(key);
    this.kept.delete(key);
    return this.#redraw(this.state.bind(key, outcome.file_upload_id));
  }

  /** @param {HTMLInputElement} input */
  #chosen(input) {
    if (input.type !== "file" || !input.files?.length) return;
    const found = fromFiles(input.files);
    const form = /** @type {HTMLElement | null} */ (input.closest('[data-action="replace"], [data-action="choose"]'));
    if (!mayTakeFiles()) input.value = "";
    else if (form) this.#exchange(form, found.files[0]?.file);
    else this.takeFiles(found);
    input.value = "";
  }

  /** @param {SubmitEvent} event */
  #submitted(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    const batchAction = form.dataset.call;
    if (!batchAction && !form.dataset.action) return;
    event.preventDefault();
    const button = /** @type {HTMLButtonElement | null} */ (event.submitter);
    if (button?.getAttribute("aria-busy") === "true") return;
    this.#busy(button, batchAction ? this.#batchAction(form, batchAction) : this.#fileAction(form));
  }

  /** @param {HTMLElement | null} button @param {Promise<void>} work */
  async #busy(button, work) {
    button?.setAttribute("aria-busy", "true");
    try {
      await work;
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      // An open dialog lies above everything else, the message too.
      button?.closest("dialog")?.close();
      toastProblem(problem);
    } finally {
      button?.removeAttribute("aria-busy");
    }
  }

  /** @param {HTMLFormElement} form @param {string} name */
  async #batchAction(form, name) {
    /** @type {Record<string, any>} */
    const body = {};
    for (const [field, value] of new FormData(form)) {
      if (field !== "csrfmiddlewaretoken") body[field] = field === "language" ? value || null : Number(value);
    }
    const { version, ...fields } = body;
    const seen = version === undefined ? undefined : { "If-Match": `"${version}"` };
    const snapshot = await call("POST", `/v1/batches/${this.batchId}/${name}`, fields, seen);
    form.closest("dialog")?.close();
    if (snapshot?.files) this.feed.adopt(snapshot);
    else await this.feed.resync();
    if (name === "cancel") toast(say("cancelled"), { action: say("undo"), run: () => this.#resume() });
  }

  async #resume() {
    this.feed.adopt(await call("POST", `/v1/batches/${this.batchId}/resume`, {}));
  }

  /** @param {HTMLFormElement} form */
  async #fileAction(form) {
    const row = /** @type {HTMLElement} */ (form.closest("[data-key]"));
    const key = row.dataset.key || "";
    const id = row.dataset.fileId;
    if (form.dataset.action === "remove") return this.#removeFile(key, id);
    if (!id) return this.#send([key]);
    return this.#unlessNewer(key, () => call("POST", `/v1/files/${id}/reprocess`, {}));
  }

  /** @param {string} key @param {string | undefined} id */
  async #removeFile(key, id) {
    const name = this.state.entries.get(key)?.filename || "";
    if (id) await call("DELETE", `/v1/files/${id}`);
    this.#withdraw(key);
    if (!id) return toast(say("withdrawn", { name }));
    return toast(say("removed", { name }), { action: say("undo"), run: () => call("POST", `/v1/files/${id}/restore`, { what: "removed" }) });
  }

  /** @param {HTMLElement} form @param {File | undefined} file */
  async #exchange(form, file) {
    if (!file) return undefined;
    const row = /** @type {HTMLElement} */ (form.closest("[data-key]"));
    const key = row.dataset.key || "";
    const id = row.dataset.fileId;
    if (!id) return this.#replaceUnsent(key, file);
    const problem = problemBeforeSending(file);
    if (problem) return toast(this.files.catalogue[problem]?.title || "");
    const body = new FormData();
    body.append("file", file, file.name);
    const values = { filename: file.name, size: file.size };
    return this.#busy(form.querySelector("label"), this.#replaceSent(key, id, body, values));
  }

  /** @param {string} key @param {string} id @param {FormData} body @param {Partial<import("../realtime/batch-state.js").Entry>} values */
  async #replaceSent(key, id, body, values) {
    await this.#unlessNewer(key, () => call("PUT", `/v1/files/${id}/content`, body), values);
    toast(say("replaced"), { action: say("undo"), run: () => call("POST", `/v1/files/${id}/restore`, { what: "replaced" }) });
  }

  /** @param {string} key @param {File} file */
  #replaceUnsent(key, file) {
    const folder = this.kept.get(key)?.folder || "";
    // A new reference: another file under the old one would be taken for a repeat.
    this.kept.delete(key);
    this.state.forget(key);
    this.#redraw([key]);
    this.#send([this.#addLocal({ file, folder })]);
  }

  /**
   * Shows "Reading" when the call is answered, unless an event has told more by then.
   * @param {string} key @param {() => Promise<unknown>} work @param {Partial<import("../realtime/batch-state.js").Entry>} [values]
   */
  async #unlessNewer(key, work, values = {}) {
    const before = this.state.entries.get(key)?.rev;
    await work();
    const entry = this.state.entries.get(key);
    if (!entry || entry.rev !== before) return;
    Object.assign(entry, { status: "processing", error: null, ...values });
    this.#redraw([key]);
  }
}

/** Plain http has no randomUUID. */
function randomReference() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
