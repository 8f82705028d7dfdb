// One way to call our own HTTP interface with the session and its CSRF token.

/** @returns {HTMLMetaElement | null} */
const holder = () => document.querySelector('meta[name="csrf-token"]');

/** @returns {string} */
export const csrfToken = () => holder()?.content || "";

/**
 * A new sign-in in another tab changes the token: read this page again for the one that counts now.
 * @returns {Promise<boolean>} False when the session has ended or is another person's: this page was not made for her.
 */
export async function renewToken() {
  const response = await fetch(location.href, { credentials: "same-origin" }).catch(() => null);
  // A page that is not hers is refused, and says who she is all the same.
  const page = response ? new DOMParser().parseFromString(await response.text(), "text/html") : null;
  const fresh = /** @type {HTMLMetaElement | null | undefined} */ (page?.querySelector('meta[name="csrf-token"]'));
  const kept = holder();
  if (!kept || !fresh?.content) return true;
  if (fresh.dataset.account !== kept.dataset.account) return false;
  kept.content = fresh.content;
  return true;
}

/** What stands for the body of an answer that is none of ours. */
const FOREIGN = {};

/** An answer that was not 2xx, or none of ours. `code` is the problem's stable code, `status` 0 means no answer. */
export class Problem extends Error {
  /** @param {number} status @param {Record<string, any>} body */
  constructor(status, body = {}) {
    super(body.detail || body.title || "");
    this.status = status;
    this.code = String(body.code || "");
    this.correlationId = String(body.correlation_id || "");
    /** Something between this browser and HuleEdu answered, such as a filter. */
    this.foreign = body === FOREIGN;
  }
}

/**
 * @param {string} method
 * @param {string} url
 * @param {FormData | Record<string, unknown>} [body]
 * @param {Record<string, string>} [more] Further headers.
 * @returns {Promise<any>} The parsed answer, null when it is empty.
 * @throws {Problem}
 */
export async function call(method, url, body, more) {
  const response = await ask(method, url, body, more);
  const refused = response.status === 403 && method !== "GET";
  if (refused && !(await renewToken())) throw new Problem(401);
  return read(refused ? await ask(method, url, body, more) : response);
}

/** @param {string} method @param {string} url @param {FormData | Record<string, unknown>} [body] @param {Record<string, string>} [more] @returns {Promise<Response>} */
function ask(method, url, body, more) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json", ...more };
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken();
  if (body && !(body instanceof FormData)) headers["Content-Type"] = "application/json";
  const payload = body instanceof FormData || !body ? body : JSON.stringify(body);
  return fetch(url, { method, headers, body: payload, credentials: "same-origin" }).catch(() => {
    throw new Problem(0);
  });
}

/** @param {Response} response @returns {Promise<any>} */
async function read(response) {
  const text = await response.text();
  const answer = parse(text);
  const foreign = !answer && !!text && response.status < 500;
  if (!response.ok || foreign) throw new Problem(response.status, foreign ? FOREIGN : answer || {});
  return answer;
}

/** @param {string} text @returns {any} */
function parse(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

/**
 * Reads one of our pages, or sends a form and reads the page that follows. Views that have a piece for this give that.
 * @param {string} url
 * @param {FormData} [form]
 * @returns {Promise<Document>}
 * @throws {Problem} 401 where the page that follows is not this place's, but the one for signing in.
 */
export async function readPage(url, form) {
  return new DOMParser().parseFromString(await readText(url, form), "text/html");
}

/**
 * The same, not yet taken apart.
 * @param {string} url
 * @param {FormData} [form]
 * @returns {Promise<string>}
 * @throws {Problem}
 */
export async function readText(url, form) {
  const headers = { "HX-Request": "true", "X-CSRFToken": csrfToken() };
  const options = form ? { method: "POST", body: form } : {};
  const response = await fetch(url, { credentials: "same-origin", ...options, headers }).catch(() => null);
  if (!response) throw new Problem(0);
  if (!response.ok) throw new Problem(response.status);
  const text = await response.text();
  if (/<input[^<>]* type="password"/.test(text)) throw new Problem(401);
  return text;
}
