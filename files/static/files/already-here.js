// A folder that is dropped again: what the batch has already, or this page is sending, byte for byte, is not sent once more.
import { call } from "../huleedu/js/api.js";
import { digest } from "./digest.js";

/** @typedef {import("./dropped-files.js").Dropped} Dropped */
/** @typedef {{ filename: string, size: number, status: string, file_upload_id: string | null }} Here */

/** @param {string} filename @param {number} size */
const mark = (filename, size) => `${size} ${filename.normalize("NFC")}`;

/**
 * Splits off the files that are in the batch already: the same name and the same content. One that could not be read may be sent again.
 * @param {Dropped[]} files
 * @param {Here[]} here What the page knows of the batch's files.
 * @param {() => Promise<{ files: { filename: string, size: number, status: string, content_hash: string }[] }>} ask Reads the whole batch.
 * @param {Iterable<[string, Dropped]>} [sending] What this page has taken and the server has not confirmed, by reference.
 * @returns {Promise<{ fresh: Dropped[], known: number, kept: string[] }>} `kept`: the references of those among `sending`.
 */
export async function splitKnown(files, here, ask, sending = []) {
  const names = new Set(files.map(({ file }) => mark(file.name, file.size)));
  const mine = [...sending].filter(([, { file }]) => names.has(mark(file.name, file.size)));
  const likely = here.filter((file) => file.file_upload_id && file.status !== "failed" && names.has(mark(file.filename, file.size)));
  if (!likely.length && !mine.length) return { fresh: files, known: 0, kept: [] };
  /** @type {Map<string, string>} Content → its reference, empty where the batch has it. */
  const contents = new Map();
  // Before the batch is read: what arrives meanwhile is in one of the two.
  for (const [reference, { file }] of mine) contents.set(await contentOf(file), reference);
  const batch = likely.length ? await ask().catch(() => ({ files: [] })) : { files: [] };
  for (const file of batch.files) if (file.status !== "failed") contents.set(`${mark(file.filename, file.size)} ${file.content_hash}`, "");
  contents.delete("");
  const fresh = [];
  const kept = [];
  for (const dropped of files) {
    const reference = contents.get(await contentOf(dropped.file));
    if (reference === undefined) fresh.push(dropped);
    else if (reference) kept.push(reference);
  }
  return { fresh, known: files.length - fresh.length - kept.length, kept };
}

/** @param {File} file @returns {Promise<string>} Its name and content; empty when they cannot be told. */
async function contentOf(file) {
  const content = await digest(file).catch(() => "");
  return content && `${mark(file.name, file.size)} ${content}`;
}

/** @param {string} batchId */
export const askFor = (batchId) => () => call("GET", `/v1/batches/${batchId}`);
