// Makes the whole page a place to drop or paste files on, as long as it is the page that its address names.
import { mayTakeFiles } from "../huleedu/js/address.js";
import { toast } from "../huleedu/js/shell.js";
import { say } from "../huleedu/js/words.js";
import { fromDrop, fromFiles } from "./dropped-files.js";

/** @param {DragEvent} event */
const hasFiles = (event) => !!event.dataTransfer && [...event.dataTransfer.types].includes("Files");

/** Word and browsers copy a picture beside the text; a field takes what is pasted into it. @param {ClipboardEvent} event */
const isPastedFile = (event) =>
  !!event.clipboardData?.files.length && !event.clipboardData.types.includes("text/html") && !/** @type {Element} */ (event.target).closest?.("input:not([type='file']), textarea, [contenteditable]");

/**
 * Lets files be dropped or pasted anywhere on the page; the element carries the class "dragging" meanwhile.
 * @param {HTMLElement} element
 * @param {(found: import("./dropped-files.js").Found) => void} onFound
 * @param {AbortSignal} signal Ends it.
 */
export function watchDrops(element, onFound, signal) {
  const mark = (/** @type {boolean} */ on) => element.classList.toggle("dragging", on);
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    /** @type {DataTransfer} */ (event.dataTransfer).dropEffect = "copy";
    mark(true);
  }, { signal });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) mark(false);
  }, { signal });
  addEventListener("drop", async (event) => {
    if (!hasFiles(event) || !event.dataTransfer) return;
    event.preventDefault();
    mark(false);
    if (!mayTakeFiles()) return;
    const found = await fromDrop(event.dataTransfer);
    // Reading a large folder takes a while: what was seen then must be seen still.
    if (signal.aborted) toast(say("pageMoved"));
    else if (mayTakeFiles()) onFound(found);
  }, { signal });
  addEventListener("paste", (event) => {
    if (!event.clipboardData || !isPastedFile(event) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    if (mayTakeFiles()) onFound(fromFiles(event.clipboardData.files));
  }, { signal });
}

/**
 * Takes what is chosen in the element's fields for files.
 * @param {HTMLElement} element
 * @param {(found: import("./dropped-files.js").Found) => void} onFound
 * @param {AbortSignal} signal Ends it.
 */
export function watchChoices(element, onFound, signal) {
  element.addEventListener("change", (event) => {
    const input = /** @type {HTMLInputElement} */ (event.target);
    if (input.type !== "file" || !input.files?.length) return;
    const found = fromFiles(input.files);
    input.value = "";
    if (mayTakeFiles()) onFound(found);
  }, { signal });
}
