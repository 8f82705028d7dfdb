import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./static.mjs";

const { BatchState } = await load("realtime/batch-state.js");

const record = (id, status, rev = 1, more = {}) => ({
  file_upload_id: id, client_ref: null, filename: `${id}.docx`, size: 2048, content_hash: "", format: "docx", status, rev,
  essay_id: null, essay_number: null, words: null, error: null, created_at: "", updated_at: "", ...more,
});

const snapshot = (files = [], more = {}) => ({
  batch_id: "b", status: "awaiting_content", expected_essay_count: 3, deadline: null, seq: 0, epoch: "e", version: 0, files, essays: [], ...more,
});

let seq = 0;
const event = (name, data) => ({ type: "event", event: name, seq: ++seq, timestamp: "t", correlation_id: "c", data: { batch_id: "b", ...data } });

const addsUp = (state) => {
  const n = state.counts();
  assert.equal(n.received, n.ready + n.reading + n.failed + n.excess + n.duplicate);
  assert.equal(n.expected, n.free + n.ready);
  return n;
};

test("a file's life moves it from reading to ready, and the numbers add up all the way", () => {
  const state = new BatchState(snapshot());
  state.apply(event("batch.file.added", { file_upload_id: "f", filename: "a.docx", size: 10, rev: 1 }));
  assert.equal(addsUp(state).reading, 1);
  const change = state.apply(event("essay.slot.assigned", { file_upload_id: "f", essay_id: "x", essay_number: 2, words: 300, rev: 2 }));
  assert.deepEqual([...change.keys], ["f"]);
  assert.equal(addsUp(state).ready, 1);
  assert.equal(state.entries.get("f").filename, "a.docx");
});

test("an older revision never overwrites a newer one", () => {
  const state = new BatchState(snapshot([record("f", "assigned", 5, { essay_number: 1 })]));
  const change = state.apply(event("essay.validation.failed", { file_upload_id: "f", validation_error_detail: { error_code: "TIMEOUT" }, rev: 4 }));
  assert.equal(change.keys.size, 0);
  assert.equal(state.entries.get("f").status, "assigned");
});

test("a file that could not be read again is ready with an error, until it is read", () => {
  const state = new BatchState(snapshot([record("f", "assigned", 5, { essay_id: "x", essay_number: 1 })]));
  state.apply(event("file.reprocess.requested", { file_upload_id: "f", from_phase: "extract", rev: 6 }));
  state.apply(event("essay.slot.assigned", { file_upload_id: "f", essay_id: "x", essay_number: 1, rev: 8, error: { error_code: "TIMEOUT" } }));
  assert.deepEqual([state.entries.get("f").status, state.entries.get("f").error.error_code], ["assigned", "TIMEOUT"]);
  state.apply(event("essay.slot.assigned", { file_upload_id: "f", essay_id: "x", essay_number: 1, rev: 10 }));
  assert.equal(state.entries.get("f").error, null);
});

test("a removed file does not come back with a late event", () => {
  const state = new BatchState(snapshot([record("f", "processing", 2)]));
  state.apply(event("batch.file.removed", { file_upload_id: "f", rev: 3 }));
  state.apply(event("essay.slot.assigned", { file_upload_id: "f", essay_number: 1, rev: 2 }));
  assert.equal(state.shown().length, 0);
  assert.equal(addsUp(state).received, 0);
});

test("the server's answer and the first event name the same row, whichever comes first", () => {
  for (const order of ["answer", "event", "event without reference"]) {
    const state = new BatchState(snapshot());
    state.addLocal({ client_ref: "r", filename: "a.docx", size: 10 });
    const reference = order === "event without reference" ? null : "r";
    const arrive = () => state.apply(event("batch.file.added", { file_upload_id: "f", client_ref: reference, filename: "a.docx", size: 10, rev: 1 }));
    if (order !== "answer") arrive();
    state.bind("r", "f");
    if (order === "answer") arrive();
    assert.deepEqual(state.shown().map((entry) => [entry.key, entry.status]), [["r", "processing"]], order);
  }
});

test("a file that could not be sent counts as needing attention but not as received", () => {
  const state = new BatchState(snapshot());
  state.addLocal({ client_ref: "r", filename: "a.docx", size: 10 });
  state.setLocal("r", { status: "unsent" });
  const counts = addsUp(state);
  assert.deepEqual([counts.received, counts.unsent, counts.attention], [0, 1, 1]);
});

test("a snapshot takes gone files away and leaves those on their way", () => {
  const state = new BatchState(snapshot([record("old", "assigned"), record("kept", "processing")]));
  state.addLocal({ client_ref: "r", filename: "new.docx", size: 10 });
  const touched = state.replace(snapshot([record("kept", "assigned", 2)], { expected_essay_count: 9 }));
  assert.deepEqual(state.shown().map((entry) => entry.key).sort(), ["kept", "r"]);
  assert.ok(touched.has("old"));
  assert.equal(addsUp(state).expected, 9);
});

test("reprocessing a later step leaves a ready file ready; reading it again does not", () => {
  const state = new BatchState(snapshot([record("f", "assigned", 1)]));
  state.apply(event("file.reprocess.requested", { file_upload_id: "f", from_phase: "spellcheck", revision: 1, rev: 2 }));
  assert.equal(state.entries.get("f").status, "assigned");
  state.apply(event("file.reprocess.requested", { file_upload_id: "f", from_phase: "extract", revision: 2, rev: 3 }));
  assert.equal(state.entries.get("f").status, "processing");
});

test("batch events ask for the snapshot and unknown events change nothing", () => {
  const state = new BatchState(snapshot());
  assert.equal(state.apply(event("batch.changed", { status: "processing", expected_essay_count: 4, deadline: null })).batch, true);
  assert.deepEqual(state.batch, { status: "processing", expected: 4, deadline: null, version: 0, language: null, autoStart: true, archived: false });
  const change = state.apply(event("export.ready", { file_upload_id: "f" }));
  assert.deepEqual([change.keys.size, change.batch], [0, false]);
});

test("the version that forms decide upon follows the teacher's decisions, and nothing else", () => {
  const state = new BatchState(snapshot([], { version: 3 }));
  state.apply(event("batch.changed", { expected_essay_count: 5, revision: 4 }));
  assert.equal(state.batch.version, 4);
  state.apply(event("batch.essays.ready", { revision: 1 }));
  assert.equal(state.batch.version, 4);
  state.replace(snapshot([], { version: 6 }));
  assert.equal(state.batch.version, 6);
});

test("an essay that leaves its place, or gets another text, is not counted as checked any more", () => {
  const state = new BatchState(snapshot([record("f", "assigned", 2, { essay_id: "x" })], { essays: [{ essay_id: "x", status: "completed" }] }));
  assert.equal(state.counts().checked, 1);
  state.apply(event("essay.slot.assigned", { file_upload_id: "f", essay_id: "x", essay_number: 1, rev: 4 }));
  assert.equal(state.counts().checked, 0);
  state.apply(event("essay.spellcheck.completed", { file_upload_id: "f", essay_id: "x", status: "succeeded" }));
  assert.equal(state.counts().checked, 1);
  state.apply(event("batch.file.removed", { file_upload_id: "f", essay_id: "x", reason: "removed", rev: 3 }));
  assert.equal(state.counts().checked, 1, "news of before");
  state.apply(event("batch.file.removed", { file_upload_id: "f", essay_id: "x", reason: "removed", rev: 5 }));
  assert.equal(state.counts().checked, 0);
});

test("a place whose file is read again waits for content, whatever is told of its former text", () => {
  const state = new BatchState(snapshot([record("f", "assigned", 2, { essay_id: "x", words: 300 })], { essays: [{ essay_id: "x", status: "completed" }] }));
  state.apply(event("file.reprocess.requested", { file_upload_id: "f", from_phase: "extract", rev: 3 }));
  assert.equal(state.essays.get("x"), "awaiting_content");
  assert.deepEqual([state.counts().ready, state.counts().reading, state.counts().checked], [0, 1, 0]);
  assert.equal(state.entries.get("f").words, null);
  state.apply(event("essay.spellcheck.completed", { file_upload_id: "f", essay_id: "x", status: "succeeded" }));
  assert.equal(state.essays.get("x"), "awaiting_content");
  state.apply(event("essay.slot.assigned", { file_upload_id: "f", essay_id: "x", essay_number: 1, words: 301, rev: 4 }));
  assert.equal(state.essays.get("x"), "ready");
  state.apply(event("essay.spellcheck.completed", { file_upload_id: "f", essay_id: "x", status: "succeeded" }));
  assert.equal(state.counts().checked, 1);
  state.apply(event("file.reprocess.requested", { file_upload_id: "f", from_phase: "spellcheck", rev: 5 }));
  assert.equal(state.essays.get("x"), "processing");
  state.apply(event("batch.file.removed", { file_upload_id: "f", reason: "replaced", rev: 6 }));
  state.apply(event("batch.file.added", { file_upload_id: "f", rev: 7 }));
  assert.equal(state.essays.get("x"), "awaiting_content");
});

test("a language of the batch or of an essay is taken from events, and every row is drawn again for the batch's", () => {
  const state = new BatchState(snapshot([record("f", "assigned", 2, { language: "sv" })], { language: null }));
  const found = state.apply(event("batch.language.found", { language: "sv" }));
  assert.deepEqual([state.batch.language, found.language, found.batch], ["sv", true, true]);
  assert.equal(state.apply(event("batch.changed", { status: "processing" })).language, false);
  assert.equal(state.batch.language, "sv");
  const changed = state.apply(event("batch.changed", { language: null, language_chosen: false }));
  assert.deepEqual([state.batch.language, changed.language], [null, true]);
  state.apply(event("file.language.changed", { file_upload_id: "f", language: "en", language_chosen: true, rev: 3 }));
  assert.deepEqual([state.entries.get("f").language, state.entries.get("f").status], ["en", "assigned"]);
  state.apply(event("essay.slot.assigned", { file_upload_id: "f", essay_number: 1, rev: 4 }));
  assert.equal(state.entries.get("f").language, "en");
  assert.equal(state.batch.language, null);
});
