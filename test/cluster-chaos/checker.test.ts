// The checker finds every fault that is planted in the record of a run without any.
import { describe, expect, it } from 'vitest';
import { answered, command, cursor, settled, World } from './good-run.js';
import { pausesOf } from './pauses.js';
import type { ClientRecord, Op, StreamMessage } from './record.js';
import { PER_MESSAGE } from './stream-reader.js';

/** A good run, and what two clients and a caller had of it. */
function goodRun(): World {
  const world = new World();
  world.client('a', 4);
  world.client('b', 9);
  return world;
}

/** @param plant changes the world before its clients are there. */
function told(plant: (world: World) => void): string[] {
  const world = new World();
  plant(world);
  world.client('a', 4);
  return world.verdict().map(({ rule, what }) => `${rule}: ${what}`);
}

const events = ({ ops }: ClientRecord, nth: number): Extract<Op, { kind: 'events' }> =>
  ops.filter((op) => op.kind === 'events')[nth] as Extract<Op, { kind: 'events' }>;

describe('the checker of a cluster run', () => {
  it('has nothing to say of a good run', () => {
    expect(goodRun().verdict()).toEqual([]);
  });

  it('finds a skipped fence: entries of two owners interleaved', () => {
    expect(told((world) => world.raise('o1', { type: 'BLOCK_WRITE_THRESHOLD', data: { n: 4 } }))).toEqual([
      'owner: 1 entries of o1, while o2 is the owner',
    ]);
  });

  it('finds a message that the stream had taken and then has not', () => {
    const world = goodRun();
    const checkpoint = world.messages.findIndex(({ part }) => part?.of === 2);
    world.messages.splice(checkpoint - 1, 1);
    expect(world.verdict()).toMatchObject([
      { rule: 'stream', what: expect.stringMatching(/^follows #\d+, which is not there$/) },
    ]);
  });

  it('finds a message that the stream took although another had come between', () => {
    const world = goodRun();
    const message = world.messages.at(-2) as StreamMessage;
    message.after = message.seq - 2;
    expect(world.verdict()).toMatchObject([
      { rule: 'stream', what: `was taken to follow #${message.seq - 2}, after #${message.seq - 1}` },
    ]);
  });

  it('finds entries within the checkpoint of a takeover', () => {
    expect(
      told((world) => {
        world.checkpoint('o1', 2);
        world.messages.pop();
        world.raise('o1', { type: 'BLOCK_WRITE_THRESHOLD', data: { n: 4 } });
      }),
    ).toEqual(['owner: 1 entries within a checkpoint after its part 1 of 2']);
  });

  it('finds a dropped republish: a gap in what an edge sent', () => {
    const world = goodRun();
    const [client] = world.record.clients as [ClientRecord];
    const { offsets, digests } = events(client, 1);
    (offsets as number[]).splice(2, 1);
    (digests as number[]).splice(2, 1);
    client.given.events -= 1;
    expect(world.verdict()).toMatchObject([{ rule: 'client', what: expect.stringContaining('a gap: lacks 1') }]);
  });

  it('finds an entry that one edge sent twice', () => {
    const world = goodRun();
    const [client] = world.record.clients as [ClientRecord];
    const { offsets, digests } = events(client, 1);
    (offsets as number[]).splice(1, 0, offsets[1] ?? 0);
    (digests as number[]).splice(1, 0, digests[1] ?? 0);
    client.given.events += 1;
    expect(world.verdict()).toMatchObject([{ rule: 'client', what: expect.stringContaining('1 entries twice') }]);
  });

  it('finds an offset that is another entry on another edge', () => {
    const world = goodRun();
    const client = world.record.clients[1] as ClientRecord;
    (events(client, 0).digests as number[])[3] = 7;
    expect(world.verdict()).toMatchObject([{ rule: 'client', who: 'b', what: expect.stringContaining('others') }]);
  });

  it('finds a client that went on after a jump although the stream has what lies between', () => {
    const world = goodRun();
    const [client] = world.record.clients as [ClientRecord];
    const { offset = 0 } = world.visible[6] ?? {};
    client.ops[3] = {
      kind: 'subscribed',
      after: cursor(world.offsets[3] ?? 0),
      cursor: cursor(offset),
      resumed: false,
    };
    client.ops[3].shot = { jobs: [], settled: [] };
    expect(world.verdict().map(({ what }) => what)).toContainEqual(expect.stringContaining('3 entries are lost to it'));
  });

  it('expects one gap of a client whose snapshot was cut off before its last page, and asked for again', () => {
    const world = goodRun();
    const [client] = world.record.clients as [ClientRecord];
    const shot = { jobs: [], settled: [] };
    const lost: Op = { kind: 'subscribed', after: 'deadbeef:5', cursor: cursor(0), resumed: false, shot, pages: 1 };
    client.ops.splice(0, 1, lost, { kind: 'cut' }, lost, { kind: 'page', last: true, shot });
    client.given.gaps = 1;
    expect(world.verdict()).toEqual([]);
    client.given.gaps = 2;
    expect(world.verdict()).toMatchObject([{ rule: 'client', what: 'told its user of 2 gaps, not 1' }]);
  });

  it('finds a bookmark and an answer that overtake entries', () => {
    for (const op of [{ kind: 'bookmark' } as const, { kind: 'answer', late: false } as const]) {
      const world = goodRun();
      const [client] = world.record.clients as [ClientRecord];
      client.ops.splice(1, 0, { ...op, cursor: cursor(world.offsets[1] ?? 0) });
      expect(world.verdict()[0]?.what).toContain('overtakes 2 entries');
    }
  });

  it('finds a client that has not everything at the end', () => {
    const world = goodRun();
    world.raise('o2', { type: 'BLOCK_WRITE_THRESHOLD', data: { n: 4 } });
    expect(world.verdict().map(({ rule }) => rule)).toEqual(['end', 'end']);
  });

  it('finds an unsynced checkpoint: a run that the next owner does not know', () => {
    const world = new World();
    const index = world.messages.findIndex(({ entries }) => entries.some(({ type }) => type === 'BLOCK_JOB_COMPLETED'));
    for (const { entries } of world.messages.slice(index))
      for (const entry of entries) if (entry.job) entry.job = { ...entry.job, run: 'r3' };
    expect(world.verdict().map(({ rule, what }) => `${rule}: ${what}`)).toEqual([
      'runs: BLOCK_JOB_COMPLETED: begins r3 while r2 has not settled',
      'truth: one job has the runs r2,r3',
      'truth: r2 has not settled, but it was completed',
    ]);
  });

  it('finds a run that never settles', () => {
    const world = new World();
    for (const message of world.messages)
      message.entries = message.entries.filter(({ type, job }) => type !== 'GATEWAY_JOB_SETTLED' || job?.run !== 'r2');
    expect(world.verdict().map(({ what }) => what)).toEqual(['r2 has not settled, but it was completed']);
  });

  it('finds a doubled entry', () => {
    const doubled = told((world) => {
      const last = world.messages.at(-1) as StreamMessage;
      world.messages.push({ ...last, seq: 99, after: last.seq });
      for (const entry of (world.messages.at(-1) as StreamMessage).entries.slice()) {
        const message = world.messages.at(-1) as StreamMessage;
        message.entries = [{ ...entry, offset: 99 * PER_MESSAGE }];
      }
    });
    expect(doubled).toEqual(['monitor: BLOCK_WRITE_THRESHOLD is there twice, or out of order']);
  });

  it('finds an event that was read and is not in the stream', () => {
    const world = new World();
    (world.messages[2] as StreamMessage).entries.shift();
    world.monitor.raised.splice(2, 0, { token: 1, delivered: true });
    expect(world.verdict().map(({ what }) => what)).toEqual([
      'lacks 1 events that were raised before JOB_STATUS_CHANGE',
    ]);
  });

  it('finds a settlement twice', () => {
    const twice = told((world) => world.entries('o2', [settled('job2', 'r2', 'completed')]));
    expect(twice).toContain('runs: GATEWAY_JOB_SETTLED: r2 settles twice');
  });

  it('finds a success that was invented', () => {
    const world = new World();
    for (const { entries } of world.messages)
      for (const entry of entries)
        if (entry.type === 'GATEWAY_JOB_SETTLED' && entry.job?.run === 'r1')
          entry.data = { ...(entry.data as object), outcome: 'completed' };
    expect(world.verdict().map(({ what }) => what)).toContain(
      'r1 settled as completed (observed), but it was cancelled',
    );
  });

  it('finds a command that is executed twice, and one that reached the monitor without its entry', () => {
    const again = told((world) => world.entries('o2', [command('r1', 'c1')]));
    expect(again).toContain('command: c1 is written twice');
    const second = told((world) => {
      world.entries('o2', [command('r1', 'c2'), answered('r1', 'c2')]);
    });
    expect(second).toContain('command: a second abort of one run is accepted: vm1 r1 soft');
    const unlogged = told((world) =>
      world.monitor.written.push({ at: 1, execute: 'block-job-cancel', job: 'job1', connection: 1 }),
    );
    expect(unlogged).toEqual(['command: 2 cancels arrived at the monitor, and the stream has 1']);
  });

  it('finds a late answer, a missing one, and one that the stream contradicts', () => {
    const late = goodRun();
    late.call({ tookMs: 4_000 });
    expect(late.verdict()).toMatchObject([
      { rule: 'call', what: 'sync: answered after 4000 ms by a result, its bound was 1000' },
    ]);
    const none = goodRun();
    none.call({ answer: { kind: 'error', reason: 'NO_ANSWER', isServers: false } });
    expect(none.verdict()).toMatchObject([
      { rule: 'call', what: 'sync: the gateway did not answer, its bound was 1000' },
    ]);
    const other = goodRun();
    other.call({
      answer: {
        kind: 'result',
        result: { status: 'settled', outcome: 'completed', run: 'r1', cursor: cursor(PER_MESSAGE * 2) },
      },
    });
    expect(other.verdict()).toMatchObject([{ rule: 'call' }]);
  });

  it('finds a snapshot that lacks a live run, has one that is over, or lacks a settlement', () => {
    const world = goodRun();
    const at = cursor(world.last);
    const [client] = world.record.clients as [ClientRecord];
    const over = { source: 'vm1', job: 'job1', run: 'r1', isSettled: false };
    client.ops.push(
      { kind: 'cut' },
      { kind: 'subscribed', cursor: at, resumed: false, shot: { jobs: [over], settled: [] } },
    );
    expect(world.verdict().map(({ what }) => what)).toEqual([
      'has r1, which is over',
      expect.stringContaining('lacks 2 settlements'),
    ]);
  });
});

describe('the pauses', () => {
  it('are the longest of each client and source at a fault, and the time until another owner writes', () => {
    const world = goodRun();
    const takeover = world.messages.findIndex(({ owner }) => owner === 'o2');
    for (const [n, message] of world.messages.entries()) message.at = n * 10 + (n >= takeover ? 3_000 : 0);
    const from = (takeover - 1) * 10 + 1;
    world.record.faults.push({ kind: 'owner-kill', target: 'o1', from, to: from + 500 });
    (world.record.clients[0] as ClientRecord).silences.push({ from, to: from + 3_100 }, { from: 90_000, to: 99_000 });
    expect(pausesOf(world.record)).toEqual([
      {
        ...{ kind: 'owner-kill', faults: 1 },
        ...{ clients: { count: 1, p50: 3_100, max: 3_100 }, sources: { count: 1, p50: 3_010, max: 3_010 } },
        takeovers: { count: 1, p50: 3_009, max: 3_009 },
      },
    ]);
  });
});
