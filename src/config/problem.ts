// Values with the place that they were given at, so that a problem can say where to mend it.

/** Where a value stands: `--listen`, `QMP_GATEWAY_LISTEN`, or `gateway.yaml:3:9 listen`. */
export type Place = string;

export interface Given<Value> {
  readonly value: Value;
  readonly place: Place;
}

/** Collects what is wrong; all of it is shown at once. */
export class Problems {
  readonly #lines: string[] = [];

  get lines(): readonly string[] {
    return this.#lines;
  }

  add(line: string): void {
    this.#lines.push(line);
  }

  /** Of a value that a person can read at a glance; a secret is never one. */
  of({ place, value }: Given<string>, why: string): void {
    this.add(`${place} ${value}: ${why}`);
  }

  /** Of a file that can't be read. */
  file(place: Place, path: string, error: unknown): void {
    this.add(`${place} ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
