// What a member of a cluster has of NATS.
import type { NatsConnection } from '@nats-io/transport-node';
import { type Bus, NatsBus } from './bus.js';
import { connectNats, isRejection, loadNats, type NatsServers } from './connect.js';
import { isForbidden } from './jetstream-errors.js';
import { KvLocks, type Locks } from './locks.js';
import { JetStreamStream, type StreamLimits } from './stream.js';
import { type Subjects, subjectsOf } from './subjects.js';
import { KvValues, type Values } from './values.js';

export interface WebhookBuckets {
  locks: Locks;
  positions: Values;
}

export interface NatsListener {
  /** The connection is lost, or back. */
  changed(isConnected: boolean): void;
  /** NATS does not allow this user something, in its words. Called once for each text, at most {@link REFUSALS} times. */
  refused(what: string): void;
  /** NATS refuses the connection itself, in its words: it is tried again. Called once until it is back. */
  rejected(why: string): void;
}

export interface OpenNats {
  subjects: Subjects;
  stream: JetStreamStream;
  bus: Bus;
  /** Opens the bucket of the locks. @param ttlMs milliseconds after which a lock that is not renewed ends, where the bucket is made now. */
  locks(ttlMs: number, replicas: number): Promise<Locks>;
  /** Opens the buckets of webhooks: which member posts each, and up to where it has. Its parameters are those of `locks`. */
  webhooks(ttlMs: number, replicas: number): Promise<WebhookBuckets>;
  /** Makes the stream where there is none. */
  ensure(epoch: string, limits: StreamLimits): Promise<void>;
  watch(listener: NatsListener): void;
  isConnected(): boolean;
  close(): Promise<void>;
}

/**
 * Milliseconds to an acknowledgement of JetStream. While a leader is elected nothing is acknowledged, and what was sent before is lost: the sooner it is
 * repeated, the sooner it is done.
 */
const ANSWER_MS = 1_000;
/** Milliseconds to an answer of JetStream that has been read. */
const READ_MS = 2_000;

/** @throws as {@link connectNats} does. */
export async function openNats(servers: NatsServers, cluster: string): Promise<OpenNats> {
  const connection = await connectNats(servers);
  const { jetstream, jetstreamManager } = await loadNats(() => import('@nats-io/jetstream'));
  // The servers' own account data is not needed, and a member's permissions need not allow it.
  const js = jetstream(connection, { checkAPI: false, timeout: ANSWER_MS });
  const jsm = await jetstreamManager(connection, { checkAPI: false, timeout: READ_MS });
  const subjects = subjectsOf(cluster);
  const stream = new JetStreamStream(connection, js, jsm, subjects);
  return {
    subjects,
    stream,
    bus: new NatsBus(connection, () => isConnected(connection)),
    locks: async (ttl, replicas) => {
      const { Kvm } = await loadNats(() => import('@nats-io/kv'));
      return new KvLocks(await new Kvm(js).create(subjects.owners, { ttl, replicas, history: 1 }));
    },
    webhooks: async (ttl, replicas) => {
      const { Kvm } = await loadNats(() => import('@nats-io/kv'));
      const kvm = new Kvm(js);
      // Read from the leader alone: a replica may lack the newest position.
      const options = { replicas, history: 1, allow_direct: false };
      return {
        locks: new KvLocks(await kvm.create(subjects.webhookLocks, { ...options, ttl })),
        positions: new KvValues(await kvm.create(subjects.webhooks, options)),
      };
    },
    ensure: (epoch, limits) => stream.ensure(epoch, limits),
    watch: (listener) => void watch(connection, listener),
    isConnected: () => isConnected(connection),
    close: () => connection.close(),
  };
}

const states = new WeakMap<NatsConnection, boolean>();

function isConnected(connection: NatsConnection): boolean {
  return !connection.isClosed() && states.get(connection) !== false;
}

/** A user who lacks a permission lacks it for every source, and each has its subject. */
const REFUSALS = 32;

async function watch(connection: NatsConnection, { changed, refused, rejected }: NatsListener): Promise<void> {
  const texts = new Set<string>();
  let isRejected = false;
  for await (const status of connection.status()) {
    const { type } = status;
    // What is published without an answer is refused in no other way.
    if (type === 'error' && isForbidden(status.error)) {
      const { message } = status.error;
      if (texts.size < REFUSALS && !texts.has(message)) {
        texts.add(message);
        refused(message);
      }
    }
    if (isRejection(status)) {
      if (!isRejected) rejected(status.error.message);
      isRejected = true;
    }
    if (type !== 'disconnect' && type !== 'reconnect') continue;
    const isBack = type === 'reconnect';
    if (isBack) isRejected = false;
    // Each connection that is refused is a loss too.
    if (states.get(connection) === isBack) continue;
    states.set(connection, isBack);
    changed(isBack);
  }
}
