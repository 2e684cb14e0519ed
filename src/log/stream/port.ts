// What a log that several gateways share needs of its store: one ordered stream of messages, each with the entries of one source. `nats` has the
// production one.
import type { Observable } from 'rxjs';

export interface StreamMessage {
  /** Its place in the stream: increases, with holes where messages have left the retention. */
  readonly seq: number;
  readonly source: string;
  /** By which a repeated write is recognised; `undefined`: it is not known here. */
  readonly id: string | undefined;
  /** Place of the message of its source before it, 0 where there was none; `undefined`: its writer has not said it. */
  readonly after: number | undefined;
  /** Milliseconds since 1970 at which the stream took it; `undefined`: just now. */
  readonly time: number | undefined;
  readonly body: string;
}

export interface StreamState {
  /** Names the stream: one that was made anew has another. */
  readonly epoch: string;
  /** Of the oldest message that is retained, and of the newest; 0 where there is none. */
  readonly firstSeq: number;
  readonly lastSeq: number;
}

export interface StreamWrite {
  source: string;
  body: string;
  /** The same at each repetition. */
  id: string;
  /** Of the newest message of the source, as its writer knows it: a stream that has a newer one refuses. 0: there is none. */
  after: number;
}

export type StreamWritten = { kind: 'taken'; seq: number } | { kind: 'fenced' };

/** Every call rejects if the store can't be reached, and may be repeated then. */
export interface SharedStream {
  state(): Promise<StreamState>;
  write(write: StreamWrite): Promise<StreamWritten>;
  /** @returns `undefined`: the stream has no such message, which only the one who knows all says. */
  read(seq: number): Promise<StreamMessage | undefined>;
  /** The newest message of a source. */
  last(source: string): Promise<StreamMessage | undefined>;
  /**
   * The first message of a source at that place or after it.
   *
   * @param isNext whether it may be that one; where it may not, who knows all messages is asked, and answers whatever it has.
   */
  next(source: string, seq: number, isNext?: (message: StreamMessage) => boolean): Promise<StreamMessage | undefined>;
  /** Sources with messages. */
  sources(): Promise<string[]>;
  /** It has lost messages that it had acknowledged, so their places are given out again: gives it another epoch, if it still has that one. */
  renew(epoch: string): Promise<'renewed' | 'forbidden'>;
  /** Messages in their order, from that place up to the last of the call, in bulk. @throws where the delivery ends before. */
  replay(from: number, to: number, take: (message: StreamMessage) => void): Promise<void>;
  /** New messages as they come; some may be missing, and nothing says so. */
  readonly live$: Observable<StreamMessage>;
}
