// What tells one content from another.

/** @param {File} file @returns {Promise<string>} Hex SHA-256; empty where the browser offers none (plain http). */
export async function digest(file) {
  if (!globalThis.crypto?.subtle) return "";
  const value = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return Array.from(new Uint8Array(value), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
