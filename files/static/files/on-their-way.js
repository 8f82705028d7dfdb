// Which files are on their way, kept for as long as the tab lives: a page that is loaded again can say which did not arrive.

export class OnTheirWay {
  /** @param {string} batchId @param {Pick<Storage, "getItem" | "setItem" | "removeItem">} [storage] */
  constructor(batchId, storage = globalThis.sessionStorage) {
    this.key = `on their way ${batchId}`;
    this.storage = storage;
    /** @type {Map<string, { name: string, folder: string }>} By reference. */
    this.names = new Map(this.#read());
    /** @type {Set<string>} Those of the page as it was before. */
    this.before = new Set(this.names.keys());
  }

  /** @param {string} reference @param {string} name @param {string} [folder] Tells files of one name apart where it is known. */
  begin(reference, name, folder = "") {
    const alike = [...this.before].filter((each) => this.names.get(each)?.name === name);
    const given = alike.find((each) => this.names.get(each)?.folder === folder) ?? alike[0];
    if (given) this.end(given);
    this.names.set(reference, { name, folder });
    this.#keep();
  }

  /** @param {string} reference It arrived, or its teacher does not want it. */
  end(reference) {
    this.before.delete(reference);
    if (this.names.delete(reference)) this.#keep();
  }

  /** Names of what was on its way when the page was left and is not known to have arrived. @returns {string[]} */
  lost() {
    return [...this.before].map((reference) => this.names.get(reference)?.name || "");
  }

  /** What is lost is not needed. */
  forget() {
    for (const reference of [...this.before]) this.end(reference);
  }

  /** @returns {[string, { name: string, folder: string }][]} */
  #read() {
    try {
      const kept = JSON.parse(this.storage?.getItem(this.key) || "{}");
      return Object.entries(kept).filter(([, file]) => typeof file?.name === "string");
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
