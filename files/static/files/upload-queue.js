// Sends files, three requests at a time, and tries again where trying helps. Small ones go together while many wait; what is
// not taken so goes by itself: its own key makes that harmless.
import { csrfToken, renewToken } from "../huleedu/js/api.js";
import { digest, isReadable } from "./digest.js";

const TRIES = 4;
const AT_ONCE = 3;
const TOGETHER = 4;
const SMALL = 256 * 1024;
const AGAIN = new Set([0, 408, 429, 500, 502, 503, 504]);
/** What a refusal means when the answer names no code itself. @type {Record<number, string>} */
const CODES = { 401: "NOT_SIGNED_IN", 403: "FORBIDDEN", 404: "BATCH_GONE", 409: "BATCH_CLOSED", 413: "PROXY_TOO_SMALL", 507: "STORAGE_FULL" };

/**
 * @typedef {object} Item
 * @property {string} client_ref
 * @property {File} file
 * @property {string} [folder] Where it lay.
 * @typedef {object} Outcome
 * @property {string} [file_upload_id] Set when the server has the file.
 * @property {import("../realtime/huleedu").ErrorDetail} [error]
 * @typedef {object} QueueOptions
 * @property {string} url
 * @property {string} batchId
 * @property {(item: Item, percent: number) => void} onProgress
 * @property {(item: Item, outcome: Outcome) => void} onDone
 * @property {() => void} [onIdle] Nothing waits and nothing is being sent.
 * @property {(key: string, form: FormData, progress: (percent: number) => void) => Promise<Reply>} [send]
 * @typedef {{ status: number, body: any, retryAfter: number }} Reply `body` is null where the answer is not ours, such as a page.
 */

export class UploadQueue {
  /** @param {QueueOptions} options */
  constructor(options) {
    this.options = options;
    /** @type {Item[]} */
    this.waiting = [];
    this.sending = 0;
    this.held = 0;
    /** @type {(() => void)[]} Who waits until all is sent. */
    this.waiters = [];
    this.warn = (/** @type {BeforeUnloadEvent} */ event) => event.preventDefault();
  }

  /** @param {Item[]} items */
  add(items) {
    this.waiting.push(...items);
    if (items.length) addEventListener("beforeunload", this.warn);
    while (this.sending < AT_ONCE && this.waiting.length) this.#next();
  }

  /** @param {string} clientRef @returns {boolean} True when it had not been started. */
  withdraw(clientRef) {
    const at = this.waiting.findIndex((item) => item.client_ref === clientRef);
    if (at >= 0) this.waiting.splice(at, 1);
    return at >= 0;
  }

  /** @returns {boolean} Whether leaving the page would lose a file. */
  get busy() {
    return this.sending > 0 || this.waiting.length > 0 || this.held > 0;
  }

  /** Files that are not in the queue yet are in this page only, too. */
  hold() {
    this.held += 1;
    addEventListener("beforeunload", this.warn);
  }

  release() {
    this.held -= 1;
    if (!this.busy) this.#rest();
  }

  /** Until nothing waits and nothing is being sent. */
  async sent() {
    while (this.sending || this.waiting.length) await new Promise((resolve) => this.waiters.push(() => resolve(null)));
  }

  async #next() {
    const items = this.#take();
    if (!items.length) return;
    this.sending += 1;
    try {
      const taken = items.length > 1 ? await this.#together(items).catch(() => new Map()) : new Map();
      for (const [item, outcome] of taken) this.options.onDone(item, outcome);
      for (const item of items) {
        if (!taken.has(item)) this.options.onDone(item, await this.#outcome(item));
      }
    } finally {
      this.sending -= 1;
      if (this.waiting.length) this.#next();
      else if (!this.sending) this.#rest();
    }
  }

  /** What goes with the next request: no more than its share, so that few files do not wait for each other. @returns {Item[]} */
  #take() {
    const share = Math.min(TOGETHER, Math.ceil(this.waiting.length / AT_ONCE));
    const large = this.waiting.slice(0, share).findIndex((item) => item.file.size > SMALL);
    return this.waiting.splice(0, large < 0 ? share : Math.max(1, large));
  }

  #rest() {
    for (const go of this.waiters.splice(0)) go();
    if (this.held) return;
    removeEventListener("beforeunload", this.warn);
    this.options.onIdle?.();
  }

  /** Sends small files with one request, once. @param {Item[]} items @returns {Promise<Map<Item, Outcome>>} What was taken. */
  async #together(items) {
    const show = (/** @type {number} */ percent) => items.forEach((item) => this.options.onProgress(item, percent));
    show(0);
    const key = items.map((item) => item.client_ref).join("+");
    const reply = await this.#send(key, await this.#form(items), show);
    const taken = new Map();
    for (const item of items) {
      const outcome = outcomeOf(reply, item.client_ref);
      if (outcome.file_upload_id) taken.set(item, outcome);
      else this.options.onProgress(item, 0);
    }
    if (reply.retryAfter) await pause(reply.retryAfter);
    return taken;
  }

  /** @param {Item} item @returns {Promise<Outcome>} */
  async #outcome(item) {
    const outcome = await this.#deliver(item).catch(() => failure("UPLOAD_INTERRUPTED"));
    if (outcome.error?.error_code !== "UPLOAD_INTERRUPTED" || (await isReadable(item.file))) return outcome;
    return failure("FILE_CHANGED");
  }

  /** @param {Item} item @returns {Promise<Outcome>} */
  async #deliver(item) {
    const form = await this.#form([item]);
    for (let attempt = 1; ; attempt += 1) {
      this.options.onProgress(item, 0);
      const reply = await this.#send(item.client_ref, form, (percent) => this.options.onProgress(item, percent));
      const refused = reply.status === 403 && attempt === 1;
      if (refused && !(await renewToken())) return failure("NOT_SIGNED_IN");
      if ((!refused && !worthAnother(reply)) || attempt === TRIES) return outcomeOf(reply, item.client_ref);
      if (reply.status === 0 && !(await isReadable(item.file))) return failure("FILE_CHANGED");
      await pause(reply.retryAfter || 2 ** (attempt - 1) * (0.5 + Math.random() / 2));
    }
  }

  /** @param {string} key @param {FormData} form @param {(percent: number) => void} progress @returns {Promise<Reply>} */
  #send(key, form, progress) {
    return this.options.send ? this.options.send(key, form, progress) : post(this.options.url, key, form, progress);
  }

  /** @param {Item[]} items */
  async #form(items) {
    const form = new FormData();
    form.append("batch_id", this.options.batchId);
    form.append("manifest", JSON.stringify(await Promise.all(items.map(line))));
    for (const { file } of items) form.append("files", file, file.name);
    return form;
  }
}

/** What the manifest says of a file. @param {Item} item */
async function line({ client_ref, file, folder }) {
  const sha256 = await digest(file);
  const known = { client_ref, idempotency_key: client_ref, filename: file.name, size: file.size };
  return { ...known, ...(folder && { folder }), ...(sha256 && { sha256 }) };
}

/**
 * @param {string} url @param {string} key @param {FormData} form @param {(percent: number) => void} progress
 * @returns {Promise<Reply>} Status 0 when no answer came.
 */
function post(url, key, form, progress) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    const finish = () =>
      resolve({ status: request.status, body: parse(request.responseText), retryAfter: Number(request.getResponseHeader("Retry-After")) || 0 });
    request.open("POST", url);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Idempotency-Key", key);
    request.setRequestHeader("X-CSRFToken", csrfToken());
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) progress(Math.floor((event.loaded / event.total) * 100));
    };
    request.onload = finish;
    request.onerror = finish;
    request.ontimeout = finish;
    request.timeout = 300000;
    request.send(form);
  });
}

/** A conflict with Retry-After: the first try is still being handled. 422 here: the file did not arrive whole. @param {Reply} reply */
const worthAnother = ({ status, body, retryAfter }) =>
  AGAIN.has(status) || (status === 409 && retryAfter > 0) || body?.code === "UPLOAD_INCOMPLETE";

/** @param {Reply} reply @param {string} reference Which of its files. @returns {Outcome} */
export function outcomeOf({ status, body }, reference) {
  const file = body?.files?.find((/** @type {any} */ each) => each.client_ref === reference);
  if (file?.file_upload_id) return { file_upload_id: file.file_upload_id };
  if (file?.error) return { error: file.error };
  return failure(body?.code || refusal(status, body) || "UPLOAD_INTERRUPTED", body);
}

/** Something between this browser and HuleEdu gives answers that are none of ours. @param {number} status @param {any} body @returns {string | undefined} */
function refusal(status, body) {
  if (body || status === 413) return CODES[status];
  return status === 0 || AGAIN.has(status) ? undefined : "STOPPED_ON_THE_WAY";
}

/** @param {string} error_code @param {any} [problem] @returns {Outcome} */
export function failure(error_code, problem) {
  return { error: { error_code, message: problem?.detail || "", correlation_id: problem?.correlation_id || "" } };
}

/** @param {number} seconds */
const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, Math.min(60, seconds) * 1000));

/** @param {string} text @returns {any} */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
