// Messages between members in one process, as NATS delivers them: as JSON, each in a turn of its own.
import type { Bus, BusReply } from '../../src/nats/index.js';

type Take = Parameters<Bus['subscribe']>[1];

export class MemoryBus implements Bus {
  /** Bodies of all requests, as they were sent. */
  readonly requests: unknown[] = [];
  /** Changes a body on its way. */
  forge: (body: unknown) => unknown = (body) => body;
  readonly #taking = new Map<string, Set<Take>>();

  async request(subject: string, body: unknown): Promise<BusReply> {
    const sent = copy(this.forge(copy(body)));
    this.requests.push(sent);
    const [take] = this.#takers(subject);
    if (!take) return { kind: 'nobody' };
    return new Promise((resolve) => {
      queueMicrotask(() => take(sent, subject, (reply) => resolve({ kind: 'reply', body: copy(reply) })));
    });
  }

  publish(subject: string, body: unknown): void {
    const sent = copy(body);
    for (const take of this.#takers(subject)) queueMicrotask(() => take(sent, subject, undefined));
  }

  subscribe(subject: string, take: Take): () => void {
    const taking = this.#taking.get(subject) ?? new Set();
    this.#taking.set(subject, taking.add(take));
    return () => void taking.delete(take);
  }

  #takers(subject: string): Take[] {
    return [...(this.#taking.get(subject) ?? [])];
  }
}

const copy = (body: unknown): unknown => JSON.parse(JSON.stringify(body));
