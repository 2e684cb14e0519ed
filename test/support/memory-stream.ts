// A shared stream in memory, as NATS behaves: fenced by source, it knows repeated messages, its live path may lose some, and it may be gone for a while.
import { Subject } from 'rxjs';
import type { SharedStream, StreamMessage, StreamState, StreamWrite, StreamWritten } from '../../src/log/index.js';

export class MemoryStream implements SharedStream {
  messages: StreamMessage[] = [];
  epoch = 'aabbccdd';
  lastSeq = 0;
  /** Whether the member may give it another epoch. */
  allowsRenewal = true;
  /** Calls are rejected. */
  isAway = false;
  /** The next acknowledgements are lost, although the messages are taken. */
  losesAcks = 0;
  /** Whether the live path has a message. */
  delivers: (message: StreamMessage) => boolean = () => true;
  /** Whether the nearest replica lacks a message that the leader has. */
  hides: (message: StreamMessage) => boolean = () => false;
  /** Whether the index by source lacks a message that the stream has. */
  leavesOut: (message: StreamMessage) => boolean = () => false;
  readonly written: string[] = [];
  readonly #live$ = new Subject<StreamMessage>();
  readonly live$ = this.#live$.asObservable();

  async state(): Promise<StreamState> {
    this.#away();
    return { epoch: this.epoch, firstSeq: this.messages[0]?.seq ?? this.lastSeq + 1, lastSeq: this.lastSeq };
  }

  async write({ source, body, id, after }: StreamWrite): Promise<StreamWritten> {
    this.#away();
    const known = this.messages.find((each) => each.id === id);
    if (known) return { kind: 'taken', seq: known.seq };
    const last = this.#lastOf(source);
    if ((last?.seq ?? 0) !== after) return { kind: 'fenced' };
    const message = { seq: ++this.lastSeq, source, id, after, time: undefined, body };
    this.messages.push(message);
    this.written.push(body);
    if (this.delivers(message)) this.#live$.next(message);
    if (this.losesAcks > 0) {
      this.losesAcks -= 1;
      throw new Error('timeout');
    }
    return { kind: 'taken', seq: message.seq };
  }

  async read(seq: number): Promise<StreamMessage | undefined> {
    this.#away();
    return this.messages.find((each) => each.seq === seq);
  }

  async last(source: string): Promise<StreamMessage | undefined> {
    this.#away();
    return this.#lastOf(source);
  }

  async next(
    source: string,
    seq: number,
    isNext: (message: StreamMessage) => boolean = () => true,
  ): Promise<StreamMessage | undefined> {
    this.#away();
    const isIt = (each: StreamMessage): boolean => each.source === source && each.seq >= seq && !this.leavesOut(each);
    const near = this.messages.find((each) => isIt(each) && !this.hides(each));
    return near && isNext(near) ? near : this.messages.find(isIt);
  }

  async sources(): Promise<string[]> {
    this.#away();
    return [...new Set(this.messages.map(({ source }) => source))];
  }

  async replay(from: number, to: number, take: (message: StreamMessage) => void): Promise<void> {
    this.#away();
    for (const message of this.messages) if (message.seq >= from && message.seq <= to) take(message);
  }

  async renew(epoch: string): Promise<'renewed' | 'forbidden'> {
    this.#away();
    if (!this.allowsRenewal) return 'forbidden';
    if (this.epoch === epoch) this.epoch = `${epoch}ee`;
    return 'renewed';
  }

  /** Its server has lost power: the newest messages, which it had acknowledged, are gone. */
  lose(seq: number): void {
    this.messages = this.messages.filter((each) => each.seq < seq);
    this.lastSeq = seq - 1;
  }

  /** Somebody has deleted it, and it was made again. */
  remake(epoch: string): void {
    this.epoch = epoch;
    this.messages = [];
    this.lastSeq = 0;
  }

  /** The oldest messages have left the retention, up to that place. */
  evict(seq: number): void {
    this.messages = this.messages.filter((each) => each.seq > seq);
  }

  /** It has lost a message that it had acknowledged, and another of that source has its place. */
  replace(seq: number, source: string): void {
    const other = { seq, source, id: undefined, after: undefined, time: undefined, body: '{}' };
    this.messages = this.messages.map((each) => (each.seq === seq ? other : each));
  }

  #lastOf(source: string): StreamMessage | undefined {
    return this.messages.filter((each) => each.source === source).at(-1);
  }

  #away(): void {
    if (this.isAway) throw new Error('NATS can not be reached');
  }
}
