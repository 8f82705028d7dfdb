import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { load } from "./static.mjs";

const { fromDrop, fromFiles, problemBeforeSending } = await load("files/dropped-files.js");
const { outcomeOf, UploadQueue } = await load("files/upload-queue.js");

globalThis.addEventListener = mock.fn();
globalThis.removeEventListener = mock.fn();
const words = { dataset: { limitBytes: "1000" } };
globalThis.document = { querySelector: () => null, getElementById: () => words };
globalThis.location = { href: "http://host/" };
beforeEach(() => mock.restoreAll());

const item = (reference) => ({ client_ref: reference, file: new File(["some text"], `${reference}.txt`) });
const sentIn = (form) => JSON.parse(form.get("manifest"));
const good = (form) => ({ status: 201, body: { files: sentIn(form).map(({ client_ref }) => ({ client_ref, file_upload_id: `id-${client_ref}` })) }, retryAfter: 0 });
const nothing = { status: 0, body: null, retryAfter: 0.01 };

const run = (send, references) =>
  new Promise((resolve) => {
    const done = [];
    const queue = new UploadQueue({
      url: "/v1/files/batch", batchId: "b", send, onProgress: () => {},
      onDone: (sent, outcome) => done.push([sent.client_ref, outcome]),
      onIdle: () => resolve(done),
    });
    queue.add(references.map(item));
  });

test("at most three requests are sent at once, and every file is in the manifest of its own", async () => {
  let now = 0;
  let most = 0;
  const manifests = [];
  const done = await run(async (_key, form) => {
    most = Math.max(most, ++now);
    manifests.push(sentIn(form));
    assert.equal(form.getAll("files").length, manifests.at(-1).length);
    await new Promise((resolve) => setTimeout(resolve, 5));
    now -= 1;
    return good(form);
  }, [..."abcdefghijklmnopqrstuvwxyz"]);
  assert.equal(most, 3);
  assert.equal(done.length, 26);
  assert.deepEqual(manifests.flat().map(({ client_ref }) => client_ref).sort(), [..."abcdefghijklmnopqrstuvwxyz"]);
  assert.deepEqual(Object.keys(manifests[0][0]), ["client_ref", "idempotency_key", "filename", "size", "sha256"]);
  assert.equal(manifests[0][0].sha256.length, 64);
});

test("small files go together while many wait, few and large ones by themselves", async () => {
  const sizes = async (references, bytes = 9) => {
    const found = [];
    await new Promise((resolve) => {
      const send = async (_key, form) => { found.push(sentIn(form).length); return good(form); };
      const queue = new UploadQueue({ url: "", batchId: "b", send, onProgress: () => {}, onDone: () => {}, onIdle: resolve });
      queue.add(references.map((name) => ({ client_ref: name, file: new File(["x".repeat(name === "L" ? 300_000 : bytes)], name) })));
    });
    return found.sort((one, other) => other - one);
  };
  assert.deepEqual(await sizes([..."abc"]), [1, 1, 1]);
  assert.deepEqual(await sizes([..."abcdefghijklmn"]), [4, 4, 2, 2, 1, 1]);
  assert.deepEqual(await sizes([..."abcdefghijkl"], 300_000), Array(12).fill(1));
  assert.deepEqual(await sizes([..."abLdefghijkl"]), [3, 2, 2, 2, 1, 1, 1]);
});

test("what is not taken together goes by itself, under its own key", async () => {
  const asked = [];
  const done = await run(async (key, form) => {
    const manifest = sentIn(form);
    asked.push([key, manifest.map(({ idempotency_key }) => idempotency_key).join()]);
    if (manifest.length === 1) return good(form);
    const files = manifest.map(({ client_ref }) => (client_ref === "b" ? { client_ref, error: { error_code: "STORAGE_FAILED" } } : { client_ref, file_upload_id: "x" }));
    return { status: 207, body: { files }, retryAfter: 0 };
  }, [..."abcdef"]);
  assert.deepEqual(asked.filter(([, keys]) => keys.includes("b")), [["a+b", "a,b"], ["b", "b"]]);
  assert.equal(done.length, 6);
  assert.ok(done.every(([, outcome]) => outcome.file_upload_id));
});

test("where nothing is answered, or all is refused, each file is tried by itself", async () => {
  for (const reply of [nothing, { status: 413, body: null, retryAfter: 0 }, { status: 422, body: { code: "UPLOAD_INCOMPLETE", files: [] }, retryAfter: 0 }]) {
    const done = await run(async (_key, form) => (sentIn(form).length > 1 ? reply : good(form)), [..."abcdefgh"]);
    assert.deepEqual(done.map(([reference]) => reference).sort(), [..."abcdefgh"]);
    assert.ok(done.every(([, outcome]) => outcome.file_upload_id));
  }
});

test("a request that is asked for patience is patient before its files go by themselves", async () => {
  const refusedAt = {};
  const waited = [];
  await run(async (_key, form) => {
    const references = sentIn(form).map(({ client_ref }) => client_ref);
    if (references.length > 1) {
      for (const reference of references) refusedAt[reference] = Date.now();
      return { status: 503, body: null, retryAfter: 0.2 };
    }
    if (refusedAt[references[0]]) waited.push(Date.now() - refusedAt[references[0]]);
    return good(form);
  }, [..."abcdef"]);
  assert.equal(waited.length, 4);
  assert.ok(waited.every((milliseconds) => milliseconds >= 190));
});

test("busy and broken answers are tried again, a refusal is not", async () => {
  const tries = { a: 0, b: 0 };
  const done = await run(async (key, form) => {
    tries[key] += 1;
    if (key === "b") return { status: 413, body: null, retryAfter: 0 };
    return tries.a < 3 ? { status: 503, body: null, retryAfter: 0.01 } : good(form);
  }, ["a", "b"]);
  const outcomes = Object.fromEntries(done);
  assert.deepEqual(tries, { a: 3, b: 1 });
  assert.equal(outcomes.a.file_upload_id, "id-a");
  assert.equal(outcomes.b.error.error_code, "PROXY_TOO_SMALL");
});

test("no answer four times is an interrupted upload", async () => {
  let tries = 0;
  const done = await run(async () => ({ ...nothing, tries: ++tries }), ["a"]);
  assert.equal(tries, 4);
  assert.equal(done[0][1].error.error_code, "UPLOAD_INTERRUPTED");
});

test("the problem's own code wins over the status", () => {
  const reply = { status: 409, body: { code: "BATCH_FULL", detail: "Full.", correlation_id: "c" }, retryAfter: 0 };
  assert.deepEqual(outcomeOf(reply, "a").error, { error_code: "BATCH_FULL", message: "Full.", correlation_id: "c" });
});

test("files are checked before sending and system files are left out", () => {
  assert.equal(problemBeforeSending({ name: "a.docx", size: 1 }), "");
  assert.equal(problemBeforeSending({ name: "a.docx", size: 0 }), "");
  assert.equal(problemBeforeSending({ name: "A.PAGES", size: 1 }), "");
  assert.equal(problemBeforeSending({ name: "a.docx", size: 1000 }), "");
  assert.equal(problemBeforeSending({ name: "a.docx", size: 1001 }), "FILE_TOO_LARGE");
  const found = fromFiles([new File(["x"], "a.txt"), new File(["x"], ".DS_Store"), new File(["x"], "~$a.docx")]);
  assert.deepEqual([found.files.length, found.skipped], [1, 2]);
});

const chosen = (path) => Object.defineProperty(new File(["x"], path.split("/").at(-1)), "webkitRelativePath", { value: path });
const told = ({ files }) => files.map(({ file, folder }) => [folder, file.name]);

test("files of a chosen folder know where they lay, in natural order", () => {
  const found = fromFiles(["9B/Örjan/U.txt", "9B/Anna 10/U.txt", "9B/Anna 9/b/U.txt", "9B/Åsa/U.txt", "9B/.git/U.txt", "9B/U.txt"].map(chosen));
  assert.equal(found.folder, "9B");
  assert.equal(found.skipped, 1);
  assert.deepEqual(told(found), [["Anna 9/b", "U.txt"], ["Anna 10", "U.txt"], ["9B", "U.txt"], ["Åsa", "U.txt"], ["Örjan", "U.txt"]]);
});

const leaf = (name) => ({ name, file: (resolve) => resolve(new File(["x"], name)) });
const tree = (name, children) => ({ name, isDirectory: true, createReader: () => { let left = [children, []]; return { readEntries: (resolve) => resolve(left.shift()) }; } });
const dropped = (...entries) => fromDrop({ items: entries.map((entry) => ({ webkitGetAsEntry: () => entry })), files: [] });

test("a dropped folder names the pile, the folders in it the pupils", async () => {
  const found = await dropped(tree("9B", [tree("Bo", [leaf("U.txt")]), tree("Anna", [tree("utkast", [leaf("U.txt")])]), leaf("Lista.txt")]));
  assert.equal(found.folder, "9B");
  assert.deepEqual(told(found), [["Anna/utkast", "U.txt"], ["Bo", "U.txt"], ["9B", "Lista.txt"]]);
});

test("several dropped folders tell pupils apart themselves", async () => {
  const found = await dropped(tree("Bo", [leaf("U.txt")]), leaf("Los.txt"), tree("Anna", [leaf("U.txt")]));
  assert.equal(found.folder, "");
  assert.deepEqual(told(found), [["Anna", "U.txt"], ["Bo", "U.txt"], ["", "Los.txt"]]);
});

test("the folder goes into the manifest", async () => {
  const manifests = [];
  const send = async (_key, form) => { manifests.push(...sentIn(form)); return good(form); };
  await new Promise((resolve) => {
    const queue = new UploadQueue({ url: "", batchId: "b", send, onProgress: () => {}, onDone: () => {}, onIdle: resolve });
    queue.add([{ ...item("a"), folder: "Anna" }, { ...item("b"), folder: "" }]);
  });
  assert.deepEqual(Object.fromEntries(manifests.map(({ client_ref, folder }) => [client_ref, folder])), { a: "Anna", b: undefined });
});

test("a proxy that takes no file this big is told apart from HuleEdu", () => {
  assert.equal(outcomeOf({ status: 413, body: null, retryAfter: 0 }, "a").error.error_code, "PROXY_TOO_SMALL");
  assert.equal(outcomeOf({ status: 413, body: { code: "FILE_TOO_LARGE" }, retryAfter: 0 }, "a").error.error_code, "FILE_TOO_LARGE");
});

test("an answer that is none of ours is told as what it is", async () => {
  for (const [status, code] of [[403, "STOPPED_ON_THE_WAY"], [200, "STOPPED_ON_THE_WAY"], [511, "STOPPED_ON_THE_WAY"], [404, "STOPPED_ON_THE_WAY"], [413, "PROXY_TOO_SMALL"], [502, "UPLOAD_INTERRUPTED"]]) {
    assert.equal(outcomeOf({ status, body: null, retryAfter: 0 }, "a").error.error_code, code, String(status));
  }
  assert.equal(outcomeOf({ status: 403, body: { detail: "CSRF" }, retryAfter: 0 }, "a").error.error_code, "FORBIDDEN");
});

test("a file that can no longer be read is told as changed, and not sent again and again", async () => {
  const gone = { size: 9, name: "gone.txt", slice: () => ({ arrayBuffer: () => Promise.reject(new Error("NotReadableError")) }), arrayBuffer: () => Promise.reject(new Error("NotReadableError")) };
  let sent = 0;
  const outcome = await new Promise((resolve) => {
    const queue = new UploadQueue({
      url: "", batchId: "b", send: async () => { sent += 1; return nothing; }, onProgress: () => {}, onDone: (_item, found) => resolve(found),
    });
    queue.add([{ client_ref: "gone", file: gone }]);
  });
  assert.deepEqual([outcome.error.error_code, sent], ["FILE_CHANGED", 0]);
});
