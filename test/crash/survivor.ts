// A subscriber to everything that outlives the gateway: it connects again and again, resumes after what it has, and aborts jobs now and then.
import { WebSocket } from 'ws';
import type { Entry, JobRef } from '../../src/protocol/index.js';
import type { Dice } from '../chaos/dice.js';
import type { Truth } from './truth.js';

interface Message {
  id?: number;
  method?: string;
  params?: { cursor: string; events: Entry[] };
  result?: {
    settled?: { run: string }[];
    cursor?: string;
    resumed?: boolean;
    status?: string;
    principal?: string;
    run?: string;
  };
}

const RETRY_MS = [5, 60] as const;
const ABORT_MS = [50, 600] as const;
const SUBSCRIBE = 1;

const split = (cursor: string): [epoch: string, offset: number] => {
  const [epoch = '', offset = ''] = cursor.split(':');
  return [epoch, Number(offset)];
};

export class Survivor {
  readonly #name: string;
  readonly #url: string;
  readonly #truth: Truth;
  readonly #dice: Dice;
  readonly #seen: number[] = [];
  readonly #live = new Map<string, JobRef & { source: string }>();
  #ws: WebSocket | undefined;
  #cursor: string | undefined;
  #first = 0;
  #isClosed = false;
  isSubscribed = false;

  constructor(name: string, url: string, truth: Truth, dice: Dice) {
    this.#name = name;
    this.#url = url;
    this.#truth = truth;
    this.#dice = dice;
  }

  get offset(): number {
    return this.#cursor === undefined ? 0 : split(this.#cursor)[1];
  }

  get liveRuns(): number {
    return this.#live.size;
  }

  live(): void {
    if (this.#isClosed) return;
    const ws = new WebSocket(this.#url, 'qmp-gateway.v1');
    this.#ws = ws;
    let timer: NodeJS.Timeout | undefined;
    ws.on('open', () => {
      const after = this.#cursor === undefined ? {} : { after: this.#cursor };
      ws.send(JSON.stringify({ jsonrpc: '2.0', id: SUBSCRIBE, method: 'subscribe', params: after }));
      timer = setInterval(() => this.#abort(ws), this.#dice.between(...ABORT_MS));
    });
    ws.on('message', (data) => this.#take(JSON.parse(String(data)) as Message));
    ws.on('error', () => undefined);
    ws.on('close', () => {
      clearInterval(timer);
      setTimeout(() => this.live(), this.#dice.between(...RETRY_MS));
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#ws?.terminate();
  }

  /** It has each entry that anybody has, once, in order. */
  judge(): void {
    const expected = [...this.#truth.entries.keys()].filter((offset) => offset > this.#first).sort((a, b) => a - b);
    const has = new Set(this.#seen);
    if (has.size < this.#seen.length) this.#truth.wrong(`${this.#name}: ${this.#seen.length - has.size} duplicates`);
    const missing = expected.filter((offset) => !has.has(offset));
    if (missing.length > 0)
      this.#truth.wrong(`${this.#name}: lacks ${missing.length} events, the first is ${missing[0]}`);
    if (this.#seen.some((offset, at) => at > 0 && offset < (this.#seen[at - 1] ?? 0)))
      this.#truth.wrong(`${this.#name}: not in order`);
  }

  #take({ id, method, params, result }: Message): void {
    if (id === SUBSCRIBE && result?.cursor !== undefined) {
      if (this.#cursor !== undefined && !result.resumed)
        this.#truth.wrong(`${this.#name}: not resumed after ${this.#cursor}, but at ${result.cursor}`);
      if (this.#cursor === undefined) {
        this.#first = split(result.cursor)[1];
        for (const { run } of result.settled ?? []) this.#truth.settledBefore.add(run);
      }
      this.#cursor = result.cursor;
      this.isSubscribed = true;
    }
    if (method === 'reset') this.#truth.wrong(`${this.#name}: a reset`);
    if (method !== 'events' || !params) return;
    const [epoch] = split(params.cursor);
    for (const entry of params.events) {
      this.#truth.take(this.#name, epoch, entry);
      this.#seen.push(entry.offset);
      this.#note(entry);
    }
    this.#cursor = params.cursor;
  }

  #note({ type, source, job, data }: Entry): void {
    if (!job) return;
    if (type === 'GATEWAY_JOB_SETTLED') this.#live.delete(job.run);
    else if (type === 'JOB_STATUS_CHANGE' || type === 'GATEWAY_JOB_FOUND') {
      const { status } = data as { status: string };
      if (status !== 'null' && status !== 'concluded') this.#live.set(job.run, { ...job, source });
    }
  }

  #abort(ws: WebSocket): void {
    const runs = [...this.#live.values()];
    const job = runs[this.#dice.between(0, Math.max(0, runs.length - 1))];
    if (!job) return;
    ws.send(
      JSON.stringify({
        jsonrpc: '2.0',
        id: 2,
        method: 'job.abort',
        params: { source: job.source, job: job.id, run: job.run, force: this.#dice.chance(0.5) },
      }),
    );
  }
}
