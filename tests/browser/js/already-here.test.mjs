import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { load } from "./static.mjs";

const { splitKnown } = await load("files/already-here.js");
const { OnTheirWay } = await load("files/on-their-way.js");

const dropped = (name, text) => ({ file: new File([text], name), folder: "" });
const here = (filename, text, status = "assigned") => ({
  filename, size: Buffer.byteLength(text), status, file_upload_id: filename, content_hash: createHash("sha256").update(text).digest("hex"),
});

test("a folder dropped again leaves what is new", async () => {
  const files = [dropped("a.txt", "same"), dropped("b.txt", "newer"), dropped("c.txt", "another")];
  const known = [here("a.txt", "same"), here("b.txt", "older")];
  const split = await splitKnown(files, known, async () => ({ files: known }));
  assert.deepEqual([split.known, split.fresh.map(({ file }) => file.name)], [1, ["b.txt", "c.txt"]]);
});

test("nothing is asked when no name and size are the same", async () => {
  const ask = () => assert.fail("asked");
  const split = await splitKnown([dropped("a.txt", "new")], [here("b.txt", "new")], ask);
  assert.equal(split.fresh.length, 1);
});

test("what failed is sent again, and so is everything when nobody answers", async () => {
  const failed = [here("a.txt", "same", "failed")];
  assert.equal((await splitKnown([dropped("a.txt", "same")], failed, async () => ({ files: failed }))).fresh.length, 1);
  const split = await splitKnown([dropped("a.txt", "same")], [here("a.txt", "same")], () => Promise.reject(new Error("away")));
  assert.deepEqual([split.known, split.fresh.length], [0, 1]);
});

test("what this page is sending already is not sent twice", async () => {
  const sending = new Map([["one", dropped("a.txt", "same")], ["two", dropped("b.txt", "older")]]);
  const nobody = () => assert.fail("asked");
  const split = await splitKnown([dropped("a.txt", "same"), dropped("b.txt", "newer")], [], nobody, sending);
  assert.deepEqual([split.known, split.kept, split.fresh.map(({ file }) => file.name)], [0, ["one"], ["b.txt"]]);
});

test("names on their way are known after the page was loaded again, until they arrive", () => {
  const kept = new Map();
  const storage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) };
  const before = new OnTheirWay("batch", storage);
  for (const name of ["a", "b", "c", "d"]) before.begin(name, `${name}.txt`);
  before.end("a");
  const after = new OnTheirWay("batch", storage);
  after.end("b");
  assert.deepEqual(after.lost(), ["c.txt", "d.txt"]);
  after.begin("new", "c.txt");
  assert.deepEqual(after.lost(), ["d.txt"]);
  assert.deepEqual(new OnTheirWay("another", storage).lost(), []);
  after.forget();
  after.end("new");
  assert.equal(kept.size, 0);
  kept.set("on their way batch", "{broken");
  assert.deepEqual(new OnTheirWay("batch", storage).lost(), []);
});
