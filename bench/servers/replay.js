// The newest 1,000 events as messages that are made once for all clients: of 64 KiB at most, as the gateway's.
const EVENTS = 1_000;
const A_MESSAGE = 290;

export class Replay {
  #events = [];
  #messages;
  #form;

  /** @param encode makes of a text what is sent. */
  constructor(head, tail, encode) {
    this.#form = (events) => encode(`${head}${events.join(',')}${tail}`);
  }

  add(events) {
    this.#events = [...this.#events, ...events].slice(-EVENTS);
    this.#messages = undefined;
  }

  get messages() {
    this.#messages ??= Array.from({ length: Math.ceil(this.#events.length / A_MESSAGE) }, (_, at) =>
      this.#form(this.#events.slice(at * A_MESSAGE, (at + 1) * A_MESSAGE)),
    );
    return this.#messages;
  }
}
