// Which files are on their way, kept for as long as the tab lives: a page that is loaded again can say which did not arrive.

export class OnTheirWay {
  /** @param {string} batchId @param {Pick<Storage, "getItem" | "setItem" | "removeItem">} [storage] */
  constructor(batchId, storage = globalThis.sessionStorage) {
    this.key = `on their way ${batchId}`;
    this.storage = storage;
    /** @type {Map<string, string>} Reference → name. */
    this.names = new Map(this.#read());
    /** @type {Set<string>} Those of the page as it was before. */
    this.before = new Set(this.names.keys());
  }

  /** @param {string} reference @param {string} name */
  begin(reference, name) {
    const given = [...this.before].find((each) => this.names.get(each) === name);
    if (given) this.end(given);
    this.names.set(reference, name);
    this.#keep();
  }

  /** @param {string} reference It arrived, or its teacher does not want it. */
  end(reference) {
    this.before.delete(reference);
    if (this.names.delete(reference)) this.#keep();
  }

  /** Names of what was on its way when the page was left and is not known to have arrived. @returns {string[]} */
  lost() {
    return [...this.before].map((reference) => this.names.get(reference) || "");
  }

  /** What is lost is not needed. */
  forget() {
    for (const reference of [...this.before]) this.end(reference);
  }

  /** @returns {[string, string][]} */
  #read() {
    try {
      const kept = JSON.parse(this.storage?.getItem(this.key) || "{}");
      return Object.entries(kept).filter(([, name]) => typeof name === "string");
    } catch {
      return [];
    }
  }

  #keep() {
    try {
      if (this.names.size) this.storage?.setItem(this.key, JSON.stringify(Object.fromEntries(this.names)));
      else this.storage?.removeItem(this.key);
    } catch {
      // Without it, a page that is loaded again forgets them.
    }
  }
}
