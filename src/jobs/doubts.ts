// Ids of which only a query can tell more. In: ids, while the events of a turn of the loop are read. Out: all of them at once, after these.

export class Doubts {
  readonly #settle: (ids: ReadonlySet<string>) => void;
  #ids = new Set<string>();

  constructor(settle: (ids: ReadonlySet<string>) => void) {
    this.#settle = settle;
  }

  add(id: string): void {
    if (this.#ids.size === 0)
      setImmediate(() => {
        const ids = this.#ids;
        this.#ids = new Set();
        this.#settle(ids);
      });
    this.#ids.add(id);
  }
}
