// A client on a far end and a clock, and an observer that records.
import { createClient } from '../../../src/client/client.js';
import type { Gap, Observer, Snapshot } from '../../../src/client/observer.js';
import type { ClientOptions } from '../../../src/client/options.js';
import type { Entry, Progress } from '../../../src/protocol/types.js';
import { Clock } from './clock.js';
import { farEnd } from './wire.js';

export function start(options: Partial<ClientOptions> = {}) {
  const clock = new Clock();
  const far = farEnd();
  const client = createClient({ url: 'ws://gateway.test/v1', WebSocket: far.Socket, runtime: clock, ...options });
  /** Lets the next socket be made and opens it. */
  const open = async (ms = 0) => {
    await clock.advance(ms);
    far.last().open();
    await clock.advance(0);
    return far.last();
  };
  return { client, clock, far, open };
}

/** Records what an observer hears, in one list. */
export function listen() {
  const heard: unknown[] = [];
  const positions: string[] = [];
  const offsets: number[] = [];
  const observer: Required<Observer> = {
    snapshot: (snapshot: Snapshot) => void heard.push(`snapshot ${snapshot.reason} ${snapshot.cursor}`),
    events: (events: readonly Entry[], cursor: string) => {
      offsets.push(...events.map(({ offset }) => offset));
      heard.push(`events ${events.map(({ offset }) => offset).join()} to ${cursor}`);
    },
    progress: (rows: readonly Progress[]) => void heard.push(`progress ${rows.length}`),
    gap: ({ reason, after, cursor }: Gap) => void heard.push(`gap ${reason} ${after} ${cursor}`),
    position: (cursor) => void positions.push(cursor),
    truncated: () => void heard.push('truncated'),
    error: (error) => void heard.push(`error ${error.reason}`),
    complete: () => void heard.push('complete'),
  };
  return { heard, offsets, positions, observer };
}
