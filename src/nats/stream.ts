// The shared stream in NATS JetStream. Its description has the epoch, so that the two are made together.
import { createHash } from 'node:crypto';
import type { DirectMsgRequest, JetStreamClient, JetStreamManager, StoredMsg, StreamConfig } from '@nats-io/jetstream';
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { Observable } from 'rxjs';
import {
  epochOfId,
  type SharedStream,
  type StreamMessage,
  type StreamState,
  type StreamWrite,
  type StreamWritten,
} from '../log/index.js';
import { isFenceSure } from './fence.js';
import { codeOf, isForbidden, NO_MESSAGE, STREAM_NOT_FOUND, WRONG_LAST_SEQUENCE } from './jetstream-errors.js';
import type { Subjects } from './subjects.js';

export interface StreamLimits {
  /** Bytes of the stream, and milliseconds that it keeps a message; the oldest messages go first. */
  maxBytes: number;
  maxAgeMs: number;
  /** Copies of the stream on NATS servers, when it is made: 1 to 5, odd. */
  replicas: number;
}

export const STREAM_LIMITS: StreamLimits = { maxBytes: 1024 * 1024 * 1024, maxAgeMs: 7 * 86_400_000, replicas: 1 };

const MESSAGE_ID = 'Nats-Msg-Id';
/** JetStream keeps it with the message, whose writer it has held to it. */
const LAST_OF_SUBJECT = 'Nats-Expected-Last-Subject-Sequence';

/** Nanoseconds of a millisecond. */
const NANOS = 1_000_000;

/** Messages that are read at once in a replay. */
const READS = 512;

const EPOCH = /epoch=([0-9a-f]{8,32})/;

export class JetStreamStream implements SharedStream {
  readonly live$: Observable<StreamMessage>;
  readonly #connection: NatsConnection;
  readonly #subjects: Subjects;
  readonly #js: JetStreamClient;
  readonly #jsm: JetStreamManager;
  /** Of the newest {@link state}. */
  #epoch = '';

  constructor(connection: NatsConnection, js: JetStreamClient, jsm: JetStreamManager, subjects: Subjects) {
    this.#connection = connection;
    this.#subjects = subjects;
    this.#js = js;
    this.#jsm = jsm;
    this.live$ = new Observable((subscriber) => {
      const subscription = connection.subscribe(subjects.live('*'), {
        callback: (error, message) => {
          const read = error ? undefined : readLive(message, subjects);
          if (read) subscriber.next(read);
        },
      });
      return () => subscription.unsubscribe();
    });
  }

  /** Makes the stream where there is none. @param epoch for a new one. */
  async ensure(epoch: string, { maxBytes, maxAgeMs, replicas }: StreamLimits): Promise<void> {
    const { stream, events, live } = this.#subjects;
    const config: Partial<StreamConfig> & { name: string } = {
      name: stream,
      description: describe(epoch),
      subjects: [events('*')],
      republish: { src: events('*'), dest: live('*').replace('*', '{{wildcard(1)}}') },
      num_replicas: replicas,
      max_bytes: maxBytes,
      max_age: maxAgeMs * NANOS,
      discard: 'old',
      storage: 'file',
      allow_direct: true,
      duplicate_window: 120_000 * NANOS,
    };
    try {
      await this.#jsm.streams.info(stream);
    } catch (error) {
      if (codeOf(error) !== STREAM_NOT_FOUND) throw error;
      await this.#jsm.streams.add(config);
    }
  }

  /** The version of the server that this member is connected to, and whether with that one the stream is fenced. */
  async fence(): Promise<{ version: string | undefined; isSure: boolean }> {
    const { config } = await this.#jsm.streams.info(this.#subjects.stream);
    const version = this.#connection.info?.version;
    return { version, isSure: isFenceSure(version, config.num_replicas) };
  }

  async state(): Promise<StreamState> {
    const { config, state, cluster } = await this.#jsm.streams.info(this.#subjects.stream);
    // A server that was away while the stream was made anew shows the former one when it is back, for a moment.
    if (cluster && !cluster.leader) throw new Error(`the stream ${config.name} has no leader`);
    const epoch = EPOCH.exec(config.description ?? '')?.[1];
    if (epoch === undefined) throw new Error(`the stream ${config.name} was not made by qmp-gateway`);
    this.#epoch = epoch;
    return { epoch, firstSeq: state.first_seq, lastSeq: state.last_seq };
  }

  /** Members that do it at the same time give it the same one. */
  async renew(epoch: string): Promise<'renewed' | 'forbidden'> {
    const present = await this.state();
    try {
      if (present.epoch === epoch)
        await this.#jsm.streams.update(this.#subjects.stream, { description: describe(next(epoch)) });
      return 'renewed';
    } catch (error) {
      if (isForbidden(error)) return 'forbidden';
      throw error;
    }
  }

  async write({ source, body, id, after }: StreamWrite): Promise<StreamWritten> {
    try {
      const { seq } = await this.#js.publish(this.#subjects.events(source), body, {
        msgID: id,
        expect: { lastSubjectSequence: after },
      });
      return { kind: 'taken', seq };
    } catch (error) {
      if (codeOf(error) === WRONG_LAST_SEQUENCE) return { kind: 'fenced' };
      throw error;
    }
  }

  /** A replica may not have the message yet, or that of a former stream, so only the leader says that there is none. */
  async read(seq: number): Promise<StreamMessage | undefined> {
    const { stream } = this.#subjects;
    const near = await this.#near({ seq });
    return this.#message(near ?? (await orNone(this.#jsm.streams.getMessage(stream, { seq }))));
  }

  async last(source: string): Promise<StreamMessage | undefined> {
    const { stream, events } = this.#subjects;
    return this.#message(await orNone(this.#jsm.streams.getMessage(stream, { last_by_subj: events(source) })));
  }

  /** A replica that was killed may leave messages out for a while. */
  async next(
    source: string,
    seq: number,
    isNext: (message: StreamMessage) => boolean = () => true,
  ): Promise<StreamMessage | undefined> {
    const { stream, events } = this.#subjects;
    const query = { seq, next_by_subj: events(source) };
    const near = this.#message(await this.#near(query));
    if (near && isNext(near)) return near;
    // The leader's own query has no `next_by_subj` before NATS 2.9; its type lacks it still.
    return this.#message(await orNone(this.#jsm.streams.getMessage(stream, query as never)));
  }

  async sources(): Promise<string[]> {
    const { stream, events, sourceOf } = this.#subjects;
    const { state } = await this.#jsm.streams.info(stream, { subjects_filter: events('*') });
    return Object.keys(state.subjects ?? {}).map(sourceOf);
  }

  async replay(from: number, to: number, take: (message: StreamMessage) => void): Promise<void> {
    for (let at = from; at <= to; at += READS) {
      const count = Math.min(READS, to - at + 1);
      for (const message of await Promise.all(Array.from({ length: count }, (_, index) => this.read(at + index))))
        if (message) take(message);
    }
  }

  /** From any replica. @returns `null`: the leader must be asked. */
  async #near(query: DirectMsgRequest): Promise<StoredMsg | null> {
    const stored = await this.#jsm.direct.getMessage(this.#subjects.stream, query).catch(() => null);
    const epoch = epochOfId(stored?.header?.get(MESSAGE_ID));
    return epoch === undefined || epoch === this.#epoch ? stored : null;
  }

  #message(stored: StoredMsg | null): StreamMessage | undefined {
    if (!stored) return undefined;
    return {
      seq: stored.seq,
      source: this.#subjects.sourceOf(stored.subject),
      id: stored.header?.get(MESSAGE_ID) || undefined,
      after: placeIn(stored.header?.get(LAST_OF_SUBJECT)),
      time: stored.time.getTime(),
      body: stored.string(),
    };
  }
}

const describe = (epoch: string): string => `qmp-gateway epoch=${epoch}`;

const next = (epoch: string): string => createHash('sha256').update(epoch).digest('hex').slice(0, 16);

function readLive(message: Msg, { sourceOf }: Subjects): StreamMessage | undefined {
  const seq = Number(message.headers?.get('Nats-Sequence'));
  if (!Number.isSafeInteger(seq) || seq <= 0) return undefined;
  return {
    seq,
    source: sourceOf(message.subject),
    id: message.headers?.get(MESSAGE_ID) || undefined,
    after: placeIn(message.headers?.get(LAST_OF_SUBJECT)),
    time: undefined,
    body: message.string(),
  };
}

/** Headers that are missing are empty, or `undefined`. */
function placeIn(text = ''): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

/** `null` where there is no such message. */
async function orNone(reading: Promise<StoredMsg | null>): Promise<StoredMsg | null> {
  try {
    return await reading;
  } catch (error) {
    if (codeOf(error) === NO_MESSAGE) return null;
    throw error;
  }
}
