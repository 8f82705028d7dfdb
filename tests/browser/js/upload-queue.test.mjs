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
const good = (reference) => ({ status: 201, body: { files: [{ client_ref: reference, file_upload_id: `id-${reference}` }] }, retryAfter: 0 });

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

test("at most three files are sent at once, each with its own manifest", async () => {
  let now = 0;
  let most = 0;
  const manifests = [];
  const done = await run(async (sent, form) => {
    most = Math.max(most, ++now);
    manifests.push(JSON.parse(form.get("manifest")));
    await new Promise((resolve) => setTimeout(resolve, 5));
    now -= 1;
    return good(sent.client_ref);
  }, ["a", "b", "c", "d", "e", "f"]);
  assert.equal(most, 3);
  assert.equal(done.length, 6);
  assert.deepEqual(Object.keys(manifests[0][0]), ["client_ref", "filename", "size", "sha256"]);
  assert.equal(manifests[0][0].sha256.length, 64);
});

test("busy and broken answers are tried again, a refusal is not", async () => {
  const tries = { a: 0, b: 0 };
  const done = await run(async (sent) => {
    tries[sent.client_ref] += 1;
    if (sent.client_ref === "b") return { status: 413, body: null, retryAfter: 0 };
    return tries.a < 3 ? { status: 503, body: null, retryAfter: 0.01 } : good("a");
  }, ["a", "b"]);
  const outcomes = Object.fromEntries(done);
  assert.deepEqual(tries, { a: 3, b: 1 });
  assert.equal(outcomes.a.file_upload_id, "id-a");
  assert.equal(outcomes.b.error.error_code, "PROXY_TOO_SMALL");
});

test("no answer four times is an interrupted upload", async () => {
  let tries = 0;
  const done = await run(async () => ({ status: 0, body: null, retryAfter: 0.01, tries: ++tries }), ["a"]);
  assert.equal(tries, 4);
  assert.equal(done[0][1].error.error_code, "UPLOAD_INTERRUPTED");
});

test("the problem's own code wins over the status", () => {
  const reply = { status: 409, body: { code: "BATCH_FULL", detail: "Full.", correlation_id: "c" }, retryAfter: 0 };
  assert.deepEqual(outcomeOf(reply).error, { error_code: "BATCH_FULL", message: "Full.", correlation_id: "c" });
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
  const send = async (sent, form) => { manifests.push(JSON.parse(form.get("manifest"))[0]); return good(sent.client_ref); };
  await new Promise((resolve) => {
    const queue = new UploadQueue({ url: "", batchId: "b", send, onProgress: () => {}, onDone: () => {}, onIdle: resolve });
    queue.add([{ ...item("a"), folder: "Anna" }, { ...item("b"), folder: "" }]);
  });
  assert.deepEqual(manifests.map(({ folder }) => folder), ["Anna", undefined]);
});

test("a proxy that takes no file this big is told apart from HuleEdu", () => {
  assert.equal(outcomeOf({ status: 413, body: null, retryAfter: 0 }).error.error_code, "PROXY_TOO_SMALL");
  assert.equal(outcomeOf({ status: 413, body: { code: "FILE_TOO_LARGE" }, retryAfter: 0 }).error.error_code, "FILE_TOO_LARGE");
});
