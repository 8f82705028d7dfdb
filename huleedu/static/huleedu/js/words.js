// Words of people and for them: sentences, which come from the server on <template id="words">, numbers, and what is searched for.

/** @returns {string} The page's language for numbers and dates; English as it is written in Europe. */
export const language = () => (document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang || "en-GB");

/** @returns {string | undefined} The server's time zone, so that page and script show the same clock. */
export const timeZone = () => document.documentElement.dataset.timeZone || undefined;

/**
 * @param {string} sentence With places such as {n} or {name}.
 * @param {Record<string, string | number>} [values]
 */
export function fill(sentence, values = {}) {
  return sentence.replace(/\{(\w+)\}/g, (whole, key) => {
    const value = values[key];
    if (value === undefined) return whole;
    return typeof value === "number" ? value.toLocaleString(language()) : value;
  });
}

/**
 * @param {string} name Key of data-… on the words template, in camelCase.
 * @param {Record<string, string | number>} [values] `n` chooses between name and nameOne.
 */
export function say(name, values = {}) {
  const words = /** @type {HTMLElement | null} */ (document.getElementById("words"));
  const data = words ? words.dataset : {};
  const sentence = (values.n === 1 && data[name + "One"]) || data[name] || "";
  return fill(sentence, values);
}

/**
 * @param {"Files" | "Essays" | "Bytes"} name
 * @returns {number} What is configured; the server has the last word.
 */
export function limit(name) {
  return Number(document.getElementById("words")?.dataset[`limit${name}`]) || Infinity;
}

/**
 * Writes a number into an element that carries both its forms as data-one and data-many.
 * @param {HTMLElement} element
 * @param {number} n
 */
export function count(element, n) {
  const sentence = (n === 1 && element.dataset.one) || element.dataset.many || "{n}";
  write(element, fill(sentence, { n }));
}

/**
 * Changes text only where it differs, so that screen readers and layout rest.
 * @param {Element | null} element
 * @param {string} text
 */
export function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

/** @param {number} bytes */
export function fileSize(bytes) {
  if (bytes < 1024 * 1024) return `${Math.ceil(bytes / 1024).toLocaleString(language())} KB`;
  return `${(bytes / 1048576).toLocaleString(language(), { minimumFractionDigits: 1, maximumFractionDigits: 1 })} MB`;
}

/** @param {string} filename @returns {string} At most five letters, upper case. */
export function fileKind(filename) {
  const dot = filename.lastIndexOf(".");
  return dot > 0 ? filename.slice(dot + 1, dot + 6).toUpperCase() : "–";
}

/**
 * @param {string} deadline ISO time. @param {number} [now] Milliseconds.
 * @returns {string} "in 23 hours" in the page's language.
 */
export function timeLeft(deadline, now = Date.now()) {
  const minutes = Math.round((Date.parse(deadline) - now) / 60000);
  const relative = new Intl.RelativeTimeFormat(language());
  if (Math.abs(minutes) < 60) return relative.format(minutes, "minute");
  if (Math.abs(minutes) < 48 * 60) return relative.format(Math.round(minutes / 60), "hour");
  return relative.format(Math.round(minutes / 1440), "day");
}

/** Letters that Unicode does not take apart. @type {Record<string, string>} */
const ALIKE = { ø: "o", ł: "l", đ: "d", ð: "d", ħ: "h", ŧ: "t", ı: "i", ς: "σ", æ: "ae", œ: "oe", þ: "th", ß: "ss" };
const LETTERS = new RegExp(`[${Object.keys(ALIKE).join("")}]`, "g");

/**
 * As huleedu/folding.py does it.
 * @param {string} text @returns {string} In small letters without accents: search words and names are written alike.
 */
export function fold(text) {
  const small = text.normalize("NFKD").toLowerCase().normalize("NFKD");
  return small.replace(/[\u0300-\u036f]/g, "").replace(LETTERS, (letter) => ALIKE[letter]);
}

/** @param {string} query @returns {string[]} Its folded words, each once. */
export const wordsOf = (query) => [...new Set(fold(query).split(/[ \t\n\v\f\r]+/).filter(Boolean))];

/** @param {string[]} words From wordsOf. @param {string} folded @returns {boolean} Whether each is in it, whole or as a part. */
export const holdsAll = (words, folded) => words.every((word) => folded.includes(word));
