// A client of server-sent events on Node's HTTP, which reads the stream as WHATWG HTML, 9.2.6 says. It shares no code with src/.
import { type IncomingMessage, request } from 'node:http';
import { expect } from 'vitest';

export interface Sent {
  /** `message` where the block has no name. */
  event: string;
  data: unknown;
  /** What a reconnect would send: the last id up to here. */
  lastEventId: string;
}

export class EventStreamClient {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly sent: Sent[] = [];
  comments = 0;
  retry: number | undefined;
  lastEventId = '';
  isEnded = false;
  readonly #response: IncomingMessage;
  #rest = '';
  #block: { event: string; data: string[] } = { event: '', data: [] };

  constructor(response: IncomingMessage) {
    this.#response = response;
    this.status = response.statusCode ?? 0;
    this.headers = response.headers;
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => this.#read(chunk));
    response.on('error', () => undefined);
    response.on('close', () => {
      this.isEnded = true;
    });
  }

  /** The bytes as they came, where it is no stream. */
  get text(): string {
    return this.#rest;
  }

  named(event: string): Sent[] {
    return this.sent.filter((each) => each.event === event);
  }

  /** Resolves with the first one of this name, once it is there. */
  async first<Data = Record<string, unknown>>(event: string): Promise<Sent & { data: Data }> {
    await expect.poll(() => this.named(event).length, { message: `${event} of an event stream` }).toBeGreaterThan(0);
    return this.named(event)[0] as Sent & { data: Data };
  }

  pause(): void {
    this.#response.pause();
  }

  resume(): void {
    this.#response.resume();
  }

  close(): void {
    this.#response.destroy();
  }

  #read(chunk: string): void {
    this.#rest += chunk;
    if (this.status !== 200) return;
    const lines = this.#rest.split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    if (line === '') return this.#dispatch();
    if (line.startsWith(':')) {
      this.comments += 1;
      return;
    }
    const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (name === 'event') this.#block.event = value;
    if (name === 'data') this.#block.data.push(value);
    if (name === 'id') this.lastEventId = value;
    if (name === 'retry') this.retry = Number(value);
  }

  #dispatch(): void {
    const { event, data } = this.#block;
    this.#block = { event: '', data: [] };
    if (data.length === 0) return;
    this.sent.push({
      event: event === '' ? 'message' : event,
      data: JSON.parse(data.join('\n')),
      lastEventId: this.lastEventId,
    });
  }
}

/** @param path below `/v1/events`: the query */
export function openStream(port: number, query = '', headers: Record<string, string> = {}): Promise<EventStreamClient> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path: `/v1/events${query}`, headers, agent: false }, (response) =>
      resolve(new EventStreamClient(response)),
    );
    sent.on('error', reject);
    sent.end();
  });
}
