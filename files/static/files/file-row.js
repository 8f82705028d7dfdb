// Draws one file's row from its record. Words come from the server; values go in as text only.
import { fileKind, fileSize, say, write } from "../huleedu/js/words.js";

/** @typedef {import("../realtime/batch-state.js").Entry} Entry */
/** @typedef {{ title: string, help: string, actions: string[] }} Problem */
/** @typedef {{ status: string, language: string | null }} Head */

/** @type {Record<string, { chip: string, word: string }>} */
const LOOKS = {
  waiting: { chip: "chip-wait", word: "stateWaiting" },
  uploading: { chip: "chip-upload", word: "stateUploading" },
  unsent: { chip: "chip-fail", word: "stateAttention" },
  processing: { chip: "chip-work", word: "stateReading" },
  assigned: { chip: "chip-done", word: "stateReady" },
  failed: { chip: "chip-fail", word: "stateAttention" },
  excess: { chip: "chip-extra", word: "stateExcess" },
  duplicate: { chip: "chip-extra", word: "stateDuplicate" },
};
const TROUBLE = new Set(["failed", "unsent", "excess", "duplicate"]);
/** A file that could not be read again is an essay with an error. @param {Entry} entry */
const isTrouble = (entry) => TROUBLE.has(entry.status) || (entry.status === "assigned" && entry.error !== null);
/** @type {Record<string, string>} */
const CODE_OF_STATE = { excess: "EXCESS_CONTENT", duplicate: "DUPLICATE_CONTENT" };

/** @type {Record<string, string> | undefined} */
let names;

/** @param {string} id @returns {HTMLElement} */
function copy(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  return /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
}

/** @param {Entry} entry @returns {HTMLElement} */
export function makeRow(entry) {
  const row = copy("file-row-template");
  row.dataset.key = entry.key;
  return row;
}

/** @param {Element} root @param {string} name @returns {HTMLElement} */
const find = (root, name) => /** @type {HTMLElement} */ (root.querySelector(`[data-part="${name}"]`));

/** What comes before the name of a file that another one has, too. @param {Entry} entry @param {boolean} repeated */
const before = (entry, repeated) => (repeated && entry.folder ? `${entry.folder.replaceAll("/", " / ")} / ` : "");

/**
 * @param {HTMLElement} row
 * @param {Entry} entry
 * @param {Record<string, Problem>} catalogue
 * @param {{ head: Head, repeated: boolean }} beside The batch's language; whether another file has the same name.
 */
export function drawRow(row, entry, catalogue, { head, repeated }) {
  const folder = before(entry, repeated);
  const previous = row.dataset.status;
  row.dataset.status = entry.status;
  row.dataset.fileId = entry.file_upload_id || "";
  row.toggleAttribute("data-trouble", isTrouble(entry));
  drawName(row, entry, folder);
  write(find(row, "facts"), facts(entry));
  const look = LOOKS[entry.status];
  find(row, "chip").className = `chip ${look.chip}`;
  write(find(row, "chip"), say(look.word));
  write(find(row, "note"), entry.status === "assigned" ? languageNote(entry.language, head) : "");
  drawEssayLink(row, entry);
  drawProgress(row, entry, folder);
  drawTrouble(row, entry, catalogue, folder);
  if (previous && previous !== "assigned" && entry.status === "assigned") flash(row);
}

/** @param {HTMLElement} row @param {Entry} entry @param {string} folder */
function drawName(row, entry, folder) {
  const name = /** @type {HTMLAnchorElement} */ (find(row, "name"));
  write(find(row, "folder"), folder);
  write(find(row, "filename"), entry.filename);
  write(find(row, "kind"), fileKind(entry.filename));
  if (entry.file_upload_id) name.href = `/files/${entry.file_upload_id}/trace/`;
}

/** @param {Entry} entry */
function facts(entry) {
  const words = entry.words ? say("words", { n: entry.words }) : "";
  return [words, fileSize(entry.size)].filter(Boolean).join(" · ");
}

/** What is said of an essay that is not in its batch's language. @param {string | null} language @param {Head} head */
function languageNote(language, head) {
  if (language === "sv" || language === "en") {
    return head.language && language !== head.language ? say("otherLanguage", { language: languageName(language) }) : "";
  }
  if (language) return say("uncheckedLanguage", { language: languageName(language) });
  return head.language || head.status === "awaiting_content" ? "" : say("unclearLanguage");
}

/** "In English", to begin a sentence. @param {string} code */
function languageName(code) {
  names ??= JSON.parse(document.getElementById("language-names")?.textContent || "{}");
  const name = names?.[code] || names?.und || code;
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** @param {HTMLElement} row @param {Entry} entry */
function drawEssayLink(row, entry) {
  const link = /** @type {HTMLAnchorElement} */ (find(row, "essay"));
  link.hidden = entry.status !== "assigned" || !entry.essay_number;
  if (link.hidden) return;
  const page = /** @type {HTMLElement | null} */ (document.querySelector("[data-essay-url]"));
  link.href = (page?.dataset.essayUrl || "").replace(/\/0\/$/, `/${entry.essay_number}/`);
  write(link, say("essayLink", { n: Number(entry.essay_number) }));
}

/** @param {HTMLElement} row @param {Entry} entry @param {string} folder */
function drawProgress(row, entry, folder) {
  const bar = /** @type {HTMLProgressElement} */ (find(row, "progress"));
  bar.hidden = entry.status !== "uploading";
  if (bar.hidden) return;
  bar.value = entry.percent;
  bar.setAttribute("aria-label", say("uploadOf", { name: folder + entry.filename }));
}

/** @param {HTMLElement} row */
function flash(row) {
  row.classList.add("fresh");
  row.addEventListener("animationend", () => row.classList.remove("fresh"), { once: true });
}

/** @param {HTMLElement} row @param {Entry} entry @param {Record<string, Problem>} catalogue @param {string} folder */
function drawTrouble(row, entry, catalogue, folder) {
  const present = find(row, "trouble");
  if (!isTrouble(entry)) return present?.remove();
  const code = entry.error?.error_code || CODE_OF_STATE[entry.status] || "";
  const block = present || copy("file-trouble-template");
  if (!present) find(row, "main").append(block);
  const general = { ...catalogue[""], help: entry.error?.message || catalogue[""].help };
  const problem = catalogue[code] || general;
  write(find(block, "title"), problem.title);
  write(find(block, "help"), problem.help);
  write(find(block, "code"), [code, entry.error?.correlation_id].filter(Boolean).join(" · "));
  find(block, "kept").hidden = entry.status !== "assigned";
  find(block, "details").hidden = !code;
  for (const form of block.querySelectorAll("[data-action]")) drawAction(/** @type {HTMLElement} */ (form), entry, problem, folder);
  return undefined;
}

/** @param {HTMLElement} form @param {Entry} entry @param {Problem} problem @param {string} folder */
function drawAction(form, entry, problem, folder) {
  const action = form.dataset.action || "";
  // An essay can be read again at any time; whether it may leave is for its own page to know.
  form.hidden = !problem.actions.includes(action) || (entry.status === "assigned" && action !== "retry");
  if (form instanceof HTMLFormElement) form.action = `/files/${entry.file_upload_id}/actions/${form.dataset.name}/`;
  // Buttons repeat on every row: their names say which file they are for.
  const verb = form.querySelector("[data-verb]")?.textContent?.trim();
  if (verb) form.querySelector("button, input[type='file']")?.setAttribute("aria-label", `${verb}: ${folder}${entry.filename}`);
}

/** @returns {Record<string, Problem>} The server's words for each code; "" is for all others. */
export function readCatalogue() {
  const server = document.getElementById("catalogue");
  /** @type {Record<string, Problem>} */
  const own = {};
  const template = /** @type {HTMLTemplateElement | null} */ (document.getElementById("browser-problems"));
  for (const line of template?.content.querySelectorAll("[data-code]") || []) {
    const { code = "", title = "", help = "", actions = "" } = /** @type {HTMLElement} */ (line).dataset;
    own[code] = { title, help, actions: actions.split(" ") };
  }
  return { ...own, ...JSON.parse(server?.textContent || "{}") };
}
