import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { load } from "./static.mjs";

const { fold, holdsAll, wordsOf } = await load("huleedu/js/words.js");
const shared = JSON.parse(readFileSync(new URL("../../samples/folding.json", import.meta.url), "utf8"));

test("texts are folded as the server folds them", () => {
  for (const [text, folded] of shared.folded) assert.equal(fold(text), folded, text);
});

test("texts are found as the server finds them", () => {
  for (const [query, text, found] of shared.found) assert.equal(holdsAll(wordsOf(query), fold(text)), found, `${query} in ${text}`);
});
