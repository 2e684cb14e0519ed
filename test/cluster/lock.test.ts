// The lock of one source: held, renewed, lost and released.
import { beforeEach, describe, expect, it } from 'vitest';
import { Lock } from '../../src/cluster/lock.js';
import type { Locks } from '../../src/nats/index.js';
import { FakeClock } from '../support/fake-clock.js';

/** The bucket in memory; a lock that is not renewed for 3 s ends. */
class Bucket implements Locks {
  readonly clock: FakeClock;
  held: { member: string; revision: number; at: number } | undefined;
  isAway = false;
  #revision = 0;

  constructor(clock: FakeClock) {
    this.clock = clock;
  }

  async take(_source: string, member: string): Promise<number | undefined> {
    this.#answer();
    if (this.held) return undefined;
    return this.#hold(member);
  }

  async renew(_source: string, member: string, revision: number): Promise<number | undefined> {
    this.#answer();
    return this.held?.revision === revision ? this.#hold(member) : undefined;
  }

  async release(_source: string, revision: number): Promise<void> {
    this.#answer();
    if (this.held?.revision === revision) this.held = undefined;
  }

  #hold(member: string): number {
    this.#revision += 1;
    this.held = { member, revision: this.#revision, at: this.clock.now() };
    return this.#revision;
  }

  #answer(): void {
    if (this.isAway) throw new Error('no answer');
    if (this.held && this.clock.now() - this.held.at > 3_000) this.held = undefined;
  }
}

let clock: FakeClock;
let bucket: Bucket;
let told: string[];

beforeEach(() => {
  clock = new FakeClock();
  bucket = new Bucket(clock);
  told = [];
});

const open = (member: string): Lock =>
  new Lock(
    bucket,
    's',
    member,
    { clock, ttlMs: 3_000, letGoMs: 8_000 },
    {
      held: () => told.push(`${member} held`),
      lost: (why) => told.push(`${member} lost ${why}`),
    },
  );

describe('a lock', () => {
  it('is held by one, and by the next as soon as that one releases it', async () => {
    const first = open('a');
    await clock.turn();
    const second = open('b');
    await clock.advance(10_000);
    expect(told).toEqual(['a held']);
    await first.end();
    second.try();
    await clock.turn();
    expect([told, bucket.held?.member]).toEqual([['a held', 'b held'], 'b']);
  });

  it('of a member that is gone is taken over after its time', async () => {
    const first = open('a');
    await clock.turn();
    first.drop();
    bucket.held = { member: 'a', revision: 99, at: clock.now() };
    open('b');
    await clock.advance(2_900);
    expect(told).toEqual(['a held']);
    await clock.advance(2_000);
    expect(told).toHaveLength(2);
  });

  it('is lost to who has taken it meanwhile', async () => {
    open('a');
    await clock.turn();
    bucket.held = { member: 'b', revision: 99, at: clock.now() };
    await clock.advance(1_000);
    expect(told).toEqual(['a held', 'a lost taken']);
  });

  it('outlasts an election of NATS, and its holder has it again', async () => {
    const first = open('a');
    await clock.turn();
    open('b');
    bucket.isAway = true;
    await clock.advance(6_000);
    expect(told).toEqual(['a held']);
    bucket.isAway = false;
    await clock.advance(5_000);
    expect([told, first.isHeld, bucket.held?.member]).toEqual([['a held'], true, 'a']);
  });

  it('counts as lost once it could not be renewed for longer, and once only', async () => {
    open('a');
    await clock.turn();
    bucket.isAway = true;
    await clock.advance(20_000);
    expect(told).toEqual(['a held', 'a lost expired']);
  });

  it('is released with the revision of a renewal that is under way', async () => {
    const lock = open('a');
    await clock.turn();
    const renewing = clock.advance(1_000);
    const ended = lock.end();
    await renewing;
    await ended;
    expect(bucket.held).toBeUndefined();
  });
});
