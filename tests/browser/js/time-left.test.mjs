import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./static.mjs";

const dataset = { minutesLeft: "About {n} minutes left.", minutesLeftOne: "About a minute left.", secondsLeft: "A few seconds left.", timeUnknown: "Not known." };
globalThis.document = { getElementById: () => ({ dataset }), querySelector: () => null, documentElement: { lang: "en" } };
const { inWords } = await load("files/time-left.js");

test("what is left is said in whole minutes, never too few", () => {
  assert.deepEqual([null, 0, 19, 20, 60, 61, 150].map(inWords), [
    "Not known.", "A few seconds left.", "A few seconds left.", "About a minute left.", "About a minute left.", "About 2 minutes left.", "About 3 minutes left.",
  ]);
});
