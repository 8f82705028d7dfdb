// From a drop or a chooser to a plain list of files, and what can be said about a file before sending it.
import { limit, say } from "../huleedu/js/words.js";

const SYSTEM = /^(\.|~\$|Thumbs\.db$|desktop\.ini$|__MACOSX$)/i;

const order = new Intl.Collator("sv", { numeric: true });

/**
 * @typedef {{ file: File, folder: string }} Dropped A file and where it lay, such as "Anna"; "" when that is not known.
 * @typedef {{ files: Dropped[], skipped: number, folder: string }} Found `folder` is the one that was dropped.
 */

/** @param {Iterable<File>} files @returns {Found} */
export function fromFiles(files) {
  const all = [...files];
  const kept = all.filter((file) => !hidden(file)).sort((a, b) => order.compare(a.webkitRelativePath || "", b.webkitRelativePath || ""));
  const folder = kept[0]?.webkitRelativePath?.split("/")[0] || "";
  const dropped = kept.map((file) => ({ file, folder: below((file.webkitRelativePath || "").split("/").slice(0, -1)) }));
  return { files: dropped, skipped: all.length - kept.length, folder };
}

/** The folders below the dropped one tell pupils apart; only what lies in it directly bears its name. @param {string[]} folders */
const below = (folders) => (folders.length > 1 ? folders.slice(1) : folders).join("/");

/** @param {File} file */
const hidden = (file) => (file.webkitRelativePath || file.name).split("/").some((part) => SYSTEM.test(part));

/**
 * @param {DataTransfer} transfer Must be read at once: it is empty after the event.
 * @returns {Promise<Found>}
 */
export async function fromDrop(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter((entry) => !!entry);
  if (!entries.length) return fromFiles(transfer.files);
  /** @type {Found} */
  const found = { files: [], skipped: 0, folder: "" };
  const [only] = entries;
  const single = entries.length === 1 && only?.isDirectory;
  const place = single ? below : (/** @type {string[]} */ folders) => folders.join("/");
  for (const entry of byName(/** @type {FileSystemEntry[]} */ (entries))) await collect(entry, found, [], place);
  if (single) found.folder = only.name;
  return found;
}

/** @param {FileSystemEntry[]} entries */
const byName = (entries) => entries.sort((a, b) => order.compare(a.name, b.name));

/** @param {FileSystemEntry} entry @param {Found} found @param {string[]} folders @param {(folders: string[]) => string} place */
async function collect(entry, found, folders, place) {
  if (SYSTEM.test(entry.name)) {
    found.skipped += 1;
  } else if (entry.isDirectory) {
    const inside = [...folders, entry.name];
    for (const child of await children(/** @type {FileSystemDirectoryEntry} */ (entry))) await collect(child, found, inside, place);
  } else {
    const file = await new Promise((resolve, reject) => /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject)).catch(() => null);
    if (file) found.files.push({ file, folder: place(folders) });
    else found.skipped += 1;
  }
}

/** @param {FileSystemDirectoryEntry} folder @returns {Promise<FileSystemEntry[]>} In the order of their names. */
async function children(folder) {
  const reader = folder.createReader();
  /** @type {FileSystemEntry[]} */
  const all = [];
  // A reader hands out at most a hundred at a time and an empty list at the end.
  for (;;) {
    const some = /** @type {FileSystemEntry[]} */ (
      await new Promise((resolve, reject) => reader.readEntries(resolve, reject)).catch(() => [])
    );
    if (!some.length) return byName(all);
    all.push(...some);
  }
}

/** @param {Found} found @returns {string} What is said of it when something in it is no file for us, or nothing is. */
export function leftOut({ files, skipped }) {
  if (skipped) return say(files.length ? "skipped" : "onlySkipped", { n: skipped });
  return files.length ? "" : say("nothingDropped");
}

/** What no request may hold is not sent. The server judges everything below. @param {{ name: string, size: number }} file @returns {string} An error code, or "" when it may be sent. */
export function problemBeforeSending(file) {
  return file.size > limit("Bytes") ? "FILE_TOO_LARGE" : "";
}
