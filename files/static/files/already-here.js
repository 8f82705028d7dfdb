// A folder that is dropped again: what the batch has already, byte for byte, is not sent once more.
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
 * @returns {Promise<{ fresh: Dropped[], known: number }>}
 */
export async function splitKnown(files, here, ask) {
  const likely = new Set(here.filter((file) => file.file_upload_id && file.status !== "failed").map((file) => mark(file.filename, file.size)));
  if (!files.some(({ file }) => likely.has(mark(file.name, file.size)))) return { fresh: files, known: 0 };
  const batch = await ask().catch(() => ({ files: [] }));
  const hashes = new Set(batch.files.filter((file) => file.status !== "failed").map((file) => `${mark(file.filename, file.size)} ${file.content_hash}`));
  const fresh = [];
  for (const dropped of files) {
    const { file } = dropped;
    const name = mark(file.name, file.size);
    if (likely.has(name) && hashes.has(`${name} ${await digest(file).catch(() => "")}`)) continue;
    fresh.push(dropped);
  }
  return { fresh, known: files.length - fresh.length };
}

/** @param {string} batchId */
export const askFor = (batchId) => () => call("GET", `/v1/batches/${batchId}`);
