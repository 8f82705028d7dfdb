// A batch's page put in the place of another one, with files for it: dropped files do not survive a navigation.
// Keeping them in the browser's storage instead would leave pupils' essays on a computer that others may use.
import { exchange, isSeen } from "../huleedu/js/address.js";

/** @typedef {import("./dropped-files.js").Found} Found */

/**
 * @param {string} address The batch's page.
 * @param {Found} found What is added to it.
 * @param {Found[]} [later] Dropped meanwhile: asked about there.
 */
export async function openInPlace(address, found, later = []) {
  const page = await read(address);
  // What the page brings with it; named here, the two would stand in each other's addresses.
  for (const { src } of scriptsOf(page)) await import(src);
  // The batch is there, but its page is not: let the browser show it, or say why it cannot.
  if (!page || !isSeen()) return location.assign(address);
  exchange(address, page);
  const batch = /** @type {import("./batch-page").BatchPage | null} */ (document.querySelector("batch-page"));
  batch?.askAbout(later);
  return batch?.takeFiles(found);
}

/** @param {Document | null} page @returns {Iterable<HTMLScriptElement>} */
const scriptsOf = (page) => /** @type {NodeListOf<HTMLScriptElement> | undefined} */ (page?.querySelectorAll("script[type=module][src]")) ?? [];

/** @param {string} address @returns {Promise<Document | null>} null when another page came, such as the one for signing in. */
async function read(address) {
  const response = await fetch(address, { credentials: "same-origin" }).catch(() => null);
  const page = response?.ok ? new DOMParser().parseFromString(await response.text(), "text/html") : null;
  return page?.documentElement.dataset.path === address ? page : null;
}
