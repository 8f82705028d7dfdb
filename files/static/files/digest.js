// What tells one content from another, and whether there is one to read.

/** @param {File} file @returns {Promise<string>} Hex SHA-256; empty where the browser offers none (plain http). */
export async function digest(file) {
  if (!globalThis.crypto?.subtle) return "";
  const value = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return Array.from(new Uint8Array(value), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A file that was changed, moved or removed after it was chosen can no longer be read. @param {Blob} file @returns {Promise<boolean>} */
export const isReadable = (file) => file.slice(0, 1).arrayBuffer().then(() => true, () => false);
