// The record of a good run, into which the tests of the checker plant faults.
import { check } from './checker.js';
import { tokenOf } from './digest.js';
import type { CallRecord, ClientRecord, ClusterRecord, Op, StreamMessage, Violation } from './record.js';
import { isoOf, messageOf } from './stream-reader.js';

export interface Told {
  type: string;
  data: unknown;
  job?: { id: string; run: string };
  internal?: boolean;
}

const EPOCH = 'e1';
export const cursor = (offset: number): string => `${EPOCH}:${offset}`;
const micros = (n: number): number => 1_800_000_000_000_000 + n * 1_000;

/** A good run: vm1's owner o1 sees two events and a job, an abort of it is executed, o2 takes over, and another job ends there. */
export class World {
  readonly messages: StreamMessage[] = [];
  readonly record: ClusterRecord;
  #seq = 0;
  #time = 0;

  constructor() {
    const monitor = { source: 'vm1', raised: [], written: [], left: [] };
    this.record = {
      streams: [{ epoch: EPOCH, firstOffset: 0, messages: this.messages }],
      ...{ clients: [], monitors: [monitor], calls: [], faults: [] },
    };
    this.checkpoint('o1');
    this.entries('o1', [up()]);
    this.raise(
      'o1',
      { type: 'BLOCK_WRITE_THRESHOLD', data: { n: 1 } },
      { type: 'BLOCK_WRITE_THRESHOLD', data: { n: 2 } },
    );
    this.raise('o1', status('job1', 'r1', 'created'), status('job1', 'r1', 'running'));
    this.entries('o1', [command('r1', 'c1')]);
    this.monitor.written.push({ at: 0, execute: 'block-job-cancel', job: 'job1', connection: 0 });
    this.entries('o1', [answered('r1', 'c1')]);
    this.raise('o1', cancelled('job1', 'r1'), status('job1', 'r1', 'null'));
    this.entries('o1', [settled('job1', 'r1', 'cancelled')]);
    this.raise('o1', status('job2', 'r2', 'created'), status('job2', 'r2', 'running'));
    this.checkpoint('o1');
    this.checkpoint('o2', 2);
    this.entries('o2', [up()]);
    this.raise('o2', completed('job2', 'r2'), status('job2', 'r2', 'null'));
    this.entries('o2', [settled('job2', 'r2', 'completed')]);
    this.raise('o2', { type: 'BLOCK_WRITE_THRESHOLD', data: { n: 3 } });
    this.call();
  }

  get monitor(): ClusterRecord['monitors'][number] {
    const [monitor] = this.record.monitors;
    if (!monitor) throw new Error('no monitor');
    return monitor;
  }

  get last(): number {
    return this.offsets.at(-1) ?? 0;
  }

  get offsets(): number[] {
    return this.visible.map(({ offset }) => offset);
  }

  get visible(): StreamMessage['entries'] {
    return this.messages.flatMap(({ entries }) => entries.filter(({ internal }) => !internal));
  }

  checkpoint(owner: string, of = 1): void {
    for (let n = 1; n <= of; n += 1) this.#put({ v: 1, owner, checkpoint: 0, part: n, of, lines: [] });
  }

  entries(owner: string, told: readonly Told[]): StreamMessage {
    const entries = told.map((each) => {
      this.#time += 1;
      return { ...each, time: micros(this.#time) };
    });
    return this.#put({ v: 1, owner, checkpoint: 1, entries });
  }

  /** The monitor raises them, and the owner reads them in one turn. */
  raise(owner: string, ...told: readonly Told[]): StreamMessage {
    for (const [n, { type, data, job }] of told.entries()) {
      const { status: now, error } = data as { status?: string; error?: string };
      const ends = {
        BLOCK_JOB_COMPLETED: error === undefined ? 'completed' : 'failed',
        BLOCK_JOB_CANCELLED: 'cancelled',
      };
      const what = ends[type as keyof typeof ends] ?? now;
      this.monitor.raised.push({
        ...{ token: tokenOf(type, isoOf(micros(this.#time + n + 1)), data), delivered: true },
        ...(job && { job: job.id }),
        ...(what !== 'running' && what !== undefined && { what: what as 'created' }),
      });
    }
    return this.entries(owner, told);
  }

  /** A client of everything from the beginning, that moves to another edge after some entries. */
  client(name: string, moves: number): ClientRecord {
    const all = this.visible;
    const events = (some: typeof all): Op => ({
      kind: 'events',
      cursor: cursor(some.at(-1)?.offset ?? 0),
      offsets: some.map(({ offset }) => offset),
      digests: some.map(({ digest }) => digest),
    });
    const at = cursor(all[moves - 1]?.offset ?? 0);
    const record: ClientRecord = {
      ...{ name, filter: {}, silences: [], given: { events: all.length, gaps: 0 } },
      ops: [
        { kind: 'subscribed', cursor: cursor(0), resumed: false, shot: { jobs: [], settled: [] } },
        events(all.slice(0, moves)),
        { kind: 'cut' },
        { kind: 'subscribed', after: at, cursor: at, resumed: true },
        events(all.slice(moves)),
      ],
    };
    this.record.clients.push(record);
    return record;
  }

  call(change: Partial<CallRecord> = {}): void {
    const end = this.visible.find(({ type }) => type === 'GATEWAY_JOB_SETTLED');
    const result = { status: 'settled', outcome: 'cancelled', run: 'r1', cursor: cursor(end?.offset ?? 0) };
    this.record.calls.push({
      ...{ who: 'c', source: 'vm1', job: 'job1', sync: true, force: false, timeoutMs: 1_000, tookMs: 30, cut: false },
      ...{ answer: { kind: 'result', result }, ...change },
    });
  }

  verdict(): Violation[] {
    return check(this.record);
  }

  #put(body: unknown): StreamMessage {
    this.#seq += 1;
    const message = messageOf(EPOCH, this.#seq, 'qmp.ev.vm1', this.#seq * 10, JSON.stringify(body));
    if (!message) throw new Error('not a message');
    message.after = this.messages.at(-1)?.seq ?? 0;
    this.messages.push(message);
    return message;
  }
}

export const up = (): Told => ({ type: 'GATEWAY_SOURCE_UP', data: { qemu: '7.2.22', same: true } });
export const status = (id: string, run: string, now: string): Told => ({
  ...{ type: 'JOB_STATUS_CHANGE', data: { id, status: now }, job: { id, run } },
});
export const cancelled = (id: string, run: string): Told => ({
  ...{ type: 'BLOCK_JOB_CANCELLED', data: { device: id }, job: { id, run } },
});
export const completed = (id: string, run: string): Told => ({
  ...{ type: 'BLOCK_JOB_COMPLETED', data: { device: id }, job: { id, run } },
});
export const settled = (id: string, run: string, outcome: string): Told => ({
  ...{ type: 'GATEWAY_JOB_SETTLED', data: { outcome, provenance: 'observed', dismissed: true }, job: { id, run } },
});
export const command = (run: string, name: string): Told => ({
  ...{ type: 'GATEWAY_COMMAND', data: { command: name, verb: 'abort', by: 'x', args: {} }, job: { id: 'job1', run } },
});
export const answered = (run: string, name: string): Told => ({
  ...{ type: 'GATEWAY_COMMAND_ANSWERED', data: { command: name, result: 'accepted' }, job: { id: 'job1', run } },
});
