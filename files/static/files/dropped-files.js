// From a drop or a chooser to a plain list of files, and what can be said about a file before sending it.

/** Bytes: what one request may hold, less its frame. The server judges everything below, from the content. */
export const LARGEST = 63 * 1024 * 1024;
export const MOST_FILES = 200;
const SYSTEM = /^(\.|~\$|Thumbs\.db$|desktop\.ini$|__MACOSX$)/i;

/** @typedef {{ files: File[], skipped: number, folder: string }} Found */

/** @param {Iterable<File>} files @returns {Found} */
export function fromFiles(files) {
  const all = [...files];
  const kept = all.filter((file) => !hidden(file));
  const folder = kept[0]?.webkitRelativePath?.split("/")[0] || "";
  return { files: kept, skipped: all.length - kept.length, folder };
}

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
  for (const entry of entries) await collect(/** @type {FileSystemEntry} */ (entry), found);
  const folders = entries.filter((entry) => entry?.isDirectory);
  if (entries.length === 1 && folders.length === 1) found.folder = folders[0]?.name || "";
  return found;
}

/** @param {FileSystemEntry} entry @param {Found} found */
async function collect(entry, found) {
  if (SYSTEM.test(entry.name)) {
    found.skipped += 1;
  } else if (entry.isDirectory) {
    for (const child of await children(/** @type {FileSystemDirectoryEntry} */ (entry))) await collect(child, found);
  } else {
    const file = await new Promise((resolve, reject) => /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject)).catch(() => null);
    if (file) found.files.push(file);
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
    if (!some.length) return all.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
    all.push(...some);
  }
}

/** @param {{ name: string, size: number }} file @returns {string} An error code, or "" when it may be sent. */
export function problemBeforeSending(file) {
  return file.size > LARGEST ? "FILE_TOO_LARGE" : "";
}
