// What one batch looks like now: records of files, changed by events. No page, no network.

/** @typedef {import("./huleedu").FileRecord} FileRecord */
/** @typedef {import("./huleedu").BatchSnapshot} BatchSnapshot */
/** @typedef {import("./huleedu").LiveEvent} LiveEvent */

/**
 * A record as the page holds it: `key` never changes, `percent` and the states waiting, uploading and
 * unsent exist in the browser only.
 * @typedef {Omit<FileRecord, "file_upload_id" | "status"> & {
 *   key: string, file_upload_id: string | null, status: import("./huleedu").FileStatus, percent: number }} Entry
 */

const FILE_PHASES = new Set(["extract", "validate", "assign"]);
/** @type {Record<string, string>} */
const PLACES = {
  "essay.slot.assigned": "ready",
  "file.reprocess.requested": "processing",
  "essay.validation.failed": "awaiting_content",
  "batch.file.removed": "awaiting_content",
};
const CHECKED = new Set(["completed", "succeeded", "failed"]);
/** A step of any phase ended on an essay. */
const COMPLETED = /^essay\.\w+\.completed$/;

/** @param {string} key @param {Partial<Entry>} values @returns {Entry} */
function entry(key, values) {
  return {
    key, file_upload_id: null, client_ref: null, filename: "", folder: "", size: 0, content_hash: "", format: null,
    status: "processing", rev: -1, essay_id: null, essay_number: null, words: null, language: null, language_chosen: false, error: null,
    created_at: "", updated_at: "", percent: 0, ...values,
  };
}

/** @param {BatchSnapshot} snapshot */
const headOf = ({ status, expected_essay_count: expected, deadline, version, language = null, configuration, archived_at }) =>
  ({ status, expected, deadline, version, language, autoStart: configuration?.auto_start ?? true, archived: !!archived_at });

export class BatchState {
  /** @param {BatchSnapshot} snapshot */
  constructor(snapshot) {
    /** @type {Map<string, Entry>} */
    this.entries = new Map();
    /** @type {Map<string, string>} file_upload_id → key */
    this.keys = new Map();
    /** @type {Map<string, string>} essay_id → status */
    this.essays = new Map();
    this.batch = headOf(snapshot);
    this.replace(snapshot);
  }

  /**
   * Takes the server's whole picture; files still on their way from this browser stay.
   * @param {BatchSnapshot} snapshot
   * @returns {Set<string>} Keys to draw again, gone ones included.
   */
  replace(snapshot) {
    this.batch = headOf(snapshot);
    this.essays = new Map(snapshot.essays.map((essay) => [essay.essay_id, essay.status]));
    const touched = new Set(this.entries.keys());
    const kept = new Set(snapshot.files.map((file) => this.#put(file).key));
    for (const [key, known] of this.entries) if (known.file_upload_id && !kept.has(key)) known.status = "removed";
    for (const key of kept) touched.add(key);
    return touched;
  }

  /** @param {FileRecord} file @returns {Entry} */
  #put(file) {
    const known = this.#find(file.file_upload_id, file.client_ref);
    if (file.rev < known.rev) return known;
    Object.assign(known, file, { client_ref: file.client_ref ?? known.client_ref });
    return known;
  }

  /**
   * The entry of an uploaded file; one that this browser is sending is recognised by its reference.
   * @param {string} id
   * @param {string | null | undefined} clientRef
   */
  #find(id, clientRef) {
    const key = this.keys.get(id) || (clientRef && this.entries.has(clientRef) ? clientRef : id);
    const known = this.entries.get(key) || entry(key, {});
    known.file_upload_id = id;
    this.entries.set(key, known);
    this.keys.set(id, key);
    return known;
  }

  /**
   * @param {LiveEvent} event
   * @returns {{ keys: Set<string>, batch: boolean, language: boolean }} What to draw again: with `language` every row;
   *   `batch`: the snapshot is worth reading.
   */
  apply(event) {
    const data = /** @type {any} */ (event.data);
    const before = this.batch.language;
    if (event.event === "batch.changed") this.#changed(data);
    if (data.language !== undefined && event.event.startsWith("batch.")) this.batch.language = data.language;
    this.#essay(event.event, data);
    const change = data.file_upload_id ? CHANGES[event.event] : undefined;
    const keys = new Set(change ? this.#file(event, data, change) : []);
    return { keys, batch: event.event.startsWith("batch.") && !event.event.startsWith("batch.file."), language: this.batch.language !== before };
  }

  /** What an event says of an essay's place: an essay that leaves is not checked any more. @param {string} name @param {any} data */
  #essay(name, data) {
    const known = this.entries.get(this.keys.get(data.file_upload_id) ?? "");
    if (known && data.rev !== undefined && data.rev < known.rev) return;
    const id = data.essay_id ?? known?.essay_id;
    const checked = COMPLETED.test(name) && known?.status !== "processing" && (data.essay_status === undefined ? data.status : data.essay_status);
    const status = checked || (FILE_PHASES.has(data.from_phase) ? PLACES["batch.file.removed"] : PLACES[name]);
    if (id && status) this.essays.set(id, status);
  }

  /** @param {any} data */
  #changed(data) {
    this.batch.status = data.status ?? this.batch.status;
    this.batch.expected = data.expected_essay_count ?? this.batch.expected;
    if (data.deadline !== undefined) this.batch.deadline = data.deadline;
    this.batch.version = data.revision ?? this.batch.version;
  }

  /** @param {LiveEvent} event @param {any} data @param {(data: any, known: Entry) => Partial<Entry>} change */
  #file(event, data, change) {
    const known = this.#find(data.file_upload_id, data.client_ref);
    if (data.rev !== undefined && data.rev < known.rev) return [];
    Object.assign(known, change(data, known), { rev: data.rev ?? known.rev, updated_at: event.timestamp });
    return [known.key];
  }

  /** @param {{ client_ref: string, filename: string, folder: string, size: number }} file @returns {Entry} */
  addLocal(file) {
    const added = entry(file.client_ref, { ...file, status: "waiting" });
    this.entries.set(added.key, added);
    return added;
  }

  /** @param {string} key @param {Partial<Entry>} values Ignored once the server knows the file. */
  setLocal(key, values) {
    const known = this.entries.get(key);
    if (known && !known.file_upload_id) Object.assign(known, values);
  }

  /**
   * The upload's answer. The file's first event may have come before it, with or without our reference.
   * @param {string} key
   * @param {string} id
   * @returns {string[]} Keys to draw again; one whose entry is gone must leave the page.
   */
  bind(key, id) {
    const mine = this.entries.get(key);
    const other = this.keys.get(id);
    if (!mine || other === key) return mine ? [key] : [];
    const twin = other ? this.entries.get(other) : undefined;
    if (twin) this.entries.delete(twin.key);
    Object.assign(mine, twin ?? { status: "processing" }, { key, file_upload_id: id, client_ref: key });
    this.keys.set(id, key);
    return twin ? [key, twin.key] : [key];
  }

  /** @param {string} key */
  forget(key) {
    const known = this.entries.get(key);
    if (known?.file_upload_id) known.status = "removed";
    else this.entries.delete(key);
  }

  /** @returns {Entry[]} Everything that is shown as a row. */
  shown() {
    return [...this.entries.values()].filter((known) => known.status !== "removed");
  }

  /** Numbers that add up: received = ready + reading + failed + excess + duplicate, expected = free + ready. */
  counts() {
    const n = { waiting: 0, uploading: 0, unsent: 0, processing: 0, assigned: 0, failed: 0, excess: 0, duplicate: 0, removed: 0 };
    for (const known of this.entries.values()) n[known.status] += 1;
    return {
      expected: this.batch.expected,
      free: Math.max(0, this.batch.expected - n.assigned),
      ready: n.assigned, reading: n.processing, failed: n.failed, excess: n.excess, duplicate: n.duplicate,
      received: n.assigned + n.processing + n.failed + n.excess + n.duplicate,
      uploading: n.waiting + n.uploading, unsent: n.unsent,
      attention: n.failed + n.excess + n.duplicate + n.unsent,
      checked: [...this.essays.values()].filter((status) => CHECKED.has(status)).length,
    };
  }
}

/** What each event does to its file's record. @type {Record<string, (data: any, known: Entry) => Partial<Entry>>} */
const CHANGES = {
  "batch.file.added": (data, known) => ({
    filename: data.filename ?? known.filename, folder: data.folder ?? known.folder, size: data.size ?? known.size, content_hash: data.content_hash,
    client_ref: data.client_ref ?? known.client_ref, created_at: data.created_at ?? known.created_at,
    status: "processing", error: null,
  }),
  "file.processing.started": () => ({ status: "processing", error: null }),
  "essay.slot.assigned": (data, known) => ({
    status: "assigned", essay_id: data.essay_id, essay_number: data.essay_number, error: data.error ?? null,
    filename: data.filename ?? known.filename, words: data.words ?? known.words, format: data.format ?? known.format,
    language: data.language === undefined ? known.language : data.language,
  }),
  "file.language.changed": (data) => ({ language: data.language, language_chosen: data.language_chosen }),
  "essay.validation.failed": (data, known) => ({
    status: "failed", error: data.validation_error_detail, filename: data.filename ?? known.filename,
    size: data.size ?? known.size, essay_id: null, essay_number: null,
  }),
  "essay.content.excess": (data, known) => ({ status: "excess", filename: data.filename ?? known.filename }),
  "essay.content.duplicate": () => ({ status: "duplicate" }),
  "batch.file.removed": () => ({ status: "removed" }),
  "file.reprocess.requested": (data, known) =>
    known.status === "assigned" && !FILE_PHASES.has(data.from_phase) ? {} : { status: "processing", error: null, words: null },
};
