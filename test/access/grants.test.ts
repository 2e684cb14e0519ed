// A client whose grants show it one of two sources: nothing that it gets names the other, and what it may not do is refused.
import { describe, expect, it } from 'vitest';
import type { JobVerb } from '../../src/protocol/types.js';
import { grantsOf, TestPolicy } from '../support/access.js';
import type { Message } from '../support/far-end.js';
import { type Client, jobOf, progressOf, runOf, Sessions, settledOf, sourceOf } from '../support/sessions.js';

const PAUSE: readonly JobVerb[] = ['pause'];

function open(log = {}): { bench: Sessions; policy: TestPolicy; ann: Client } {
  const policy = new TestPolicy({
    ann: grantsOf('a', PAUSE),
    bob: grantsOf('b', PAUSE),
    eve: grantsOf('a', PAUSE, 'j1'),
  });
  const bench = new Sessions({ access: policy, log });
  for (const source of ['a', 'b']) {
    bench.sources.push(sourceOf(source));
    bench.settled.push(settledOf(source, 'old'));
    for (const job of ['j1', 'j2']) bench.jobs.push(jobOf(source, job));
  }
  return { bench, policy, ann: bench.client('ann') };
}

/** Every source that a message names, wherever in it. */
function sourcesIn(value: Message): Set<string> {
  const found = new Set<string>();
  JSON.stringify(value, (key, each) => {
    if (typeof each === 'string' && ['source', 'name', 'run'].includes(key)) found.add(each[0] ?? '');
    return each;
  });
  return found;
}

const refusal = ({ error }: Message): unknown => ({ code: error.code, message: error.message, data: error.data });

describe('what a client may not see is absent', () => {
  it('from the lists of sources and jobs', async () => {
    const { ann } = open();
    expect((await ann.call('source.list', {})).result.sources.map(({ name }: Message) => name)).toEqual(['a']);
    const { jobs } = (await ann.call('job.list', {})).result;
    expect(jobs.map(({ source, job }: Message) => `${source} ${job}`)).toEqual(['a j1', 'a j2']);
    expect((await ann.call('job.list', { sources: ['b'] })).result.jobs).toEqual([]);
  });

  it('from what is queried for a list', async () => {
    const { bench, ann } = open();
    const asked: boolean[][] = [];
    bench.freshen = (wants) => {
      asked.push(['a', 'b'].map(wants));
      return Promise.resolve();
    };
    await ann.call('job.list', {});
    expect(asked).toEqual([[true, false]]);
  });

  it('from snapshots, settlements, events and progress', async () => {
    const { bench, ann } = open();
    const { result } = await ann.call('subscribe', { progress: 100 });
    expect(result.jobs).toHaveLength(2);
    expect(result.settled).toHaveLength(1);
    expect(result.sources).toHaveLength(1);
    for (const source of ['b', 'a', 'b']) {
      bench.append(source, 'BLOCK_JOB_READY', 'j1');
      bench.append(source, 'GATEWAY_SOURCE_STALLED');
    }
    bench.progress(progressOf('a', 'j1', 5), progressOf('b', 'j1', 6));
    await bench.clock.advance(100);
    expect(ann.end.of('progress')).toHaveLength(1);
    expect(ann.end.of('events').flatMap(({ events }) => events)).toHaveLength(2);
    expect([...sourcesIn(ann.end.messages)]).toEqual(['a']);
    expect([...bench.demands.values()].map((demand) => demand?.wants('b'))).toEqual([false]);
  });

  it('from what is read on from the log', async () => {
    const { bench, ann } = open();
    for (const source of ['b', 'a', 'b', 'a']) bench.append(source, 'BLOCK_JOB_READY', 'j1');
    await ann.call('subscribe', { after: 'e:0' });
    await ann.call('subscribe', { last: 2, tag: 1 });
    await bench.turn(3);
    expect(ann.end.of('events').flatMap(({ events }) => events.map(({ offset }: Message) => offset))).toEqual([
      2, 4, 2, 4,
    ]);
    expect([...sourcesIn(ann.end.messages)]).toEqual(['a']);
  });

  it('from a reset that the retention makes', async () => {
    const { bench, ann } = open({ perSource: 4 });
    await ann.call('subscribe', {});
    ann.end.stop();
    const large = { pad: 'x'.repeat(100_000) };
    for (let n = 0; n < 12; n += 1) {
      for (const source of ['a', 'b']) bench.append(source, 'BLOCK_JOB_READY', 'j1', large);
      await bench.turn();
    }
    ann.end.take();
    await bench.turn(3);
    expect(ann.end.of('reset')).toHaveLength(1);
    expect(ann.end.of('reset')[0].jobs).toHaveLength(2);
    expect([...sourcesIn(ann.end.messages)]).toEqual(['a']);
  });

  it('job by job, where one job of a source is granted', async () => {
    const { bench } = open();
    const eve = bench.client('eve');
    const { result } = await eve.call('subscribe', {});
    expect(result.jobs.map(({ job }: Message) => job)).toEqual(['j1']);
    expect(result.settled).toEqual([]);
    for (const job of ['j1', 'j2']) bench.append('a', 'BLOCK_JOB_READY', job);
    await bench.turn(2);
    expect(eve.end.of('events').flatMap(({ events }) => events.map(({ job }: Message) => job.id))).toEqual(['j1']);
    expect((await eve.call('job.list', {})).result.jobs.map(({ job }: Message) => job)).toEqual(['j1']);
    expect((await eve.call('job.pause', { source: 'a', job: 'j2' })).error.data.reason).toBe('SOURCE_NOT_FOUND');
  });
});

describe('what a client may not do', () => {
  it('is FORBIDDEN on a job that it sees, with the verb, and no source hears of it', async () => {
    const { bench, ann } = open();
    expect(refusal(await ann.call('job.abort', { source: 'a', job: 'j1' }))).toEqual({
      code: -32003,
      message: 'abort is not granted on j1 of a',
      data: { reason: 'FORBIDDEN', verb: 'abort' },
    });
    expect(bench.calls).toEqual([]);
  });

  it.each(['job.abort', 'job.pause', 'job.get', 'job.wait'] as const)(
    'is, for %s of a job that it does not see, word for word what is said of an unknown source',
    async (method) => {
      const { bench, ann } = open();
      const hidden = refusal(await ann.call(method, { source: 'b', job: 'j1' }));
      const unknown = refusal(await ann.call(method, { source: 'c', job: 'j1' }));
      expect(JSON.stringify(hidden).replaceAll('source b', 'source c')).toBe(JSON.stringify(unknown));
      expect(hidden).toEqual({ code: -32004, message: 'no source b', data: { reason: 'SOURCE_NOT_FOUND' } });
      expect(bench.calls).toEqual([]);
    },
  );

  it('does not keep it from what it may: a verb, a look, a wait', async () => {
    const { bench, ann } = open();
    for (const method of ['job.pause', 'job.get', 'job.wait'] as const) {
      const answered = ann.call(method, { source: 'a', job: 'j1' });
      await bench.turn();
      const { name, context, answer } = bench.calls.at(-1) ?? expect.fail('no call');
      expect([name, context.principal.name]).toEqual([method, 'ann']);
      answer({ ok: true, result: { source: 'a', job: 'j1' } });
      expect(await answered).toHaveProperty('result.job', 'j1');
    }
  });

  it('does not find a run of another source by the run’s name', async () => {
    const { bench, ann } = open();
    const answered = ann.call('job.get', { source: 'a', job: 'j1', run: runOf('b', 'j1') });
    await bench.turn();
    bench.calls[0]?.answer({ ok: true, result: jobOf('b', 'j1') });
    expect((await answered).error.data).toEqual({ reason: 'JOB_NOT_FOUND' });
  });
});

describe('frames', () => {
  it('are shared by equal grants, and never by different ones with an equal filter', async () => {
    const policy = new TestPolicy({
      ann: grantsOf('a', PAUSE),
      amy: grantsOf('a', PAUSE),
      bob: grantsOf('b', PAUSE),
    });
    const bench = new Sessions({ access: policy });
    const [ann, amy, bob] = ['ann', 'amy', 'bob'].map((name) => bench.client(name)) as [Client, Client, Client];
    const ids = [];
    for (const client of [ann, amy, bob]) ids.push((await client.call('subscribe', {})).result.subscription);
    expect(ids[0]).toBe(ids[1]);
    expect(ids[0]).not.toBe(ids[2]);
    for (const source of ['a', 'b']) bench.append(source, 'BLOCK_JOB_READY', 'j1');
    await bench.turn(2);
    expect(ann.end.of('events')).toEqual(amy.end.of('events'));
    expect([...sourcesIn(ann.end.messages)]).toEqual(['a']);
    expect([...sourcesIn(bob.end.messages)]).toEqual(['b']);
  });
});

describe('a change of grants', () => {
  it('moves a subscription to another id with the present, and sends nothing under the old one', async () => {
    const { bench, policy, ann } = open();
    const { subscription } = (await ann.call('subscribe', { progress: 100 })).result;
    bench.append('a', 'BLOCK_JOB_READY', 'j1');
    policy.grant('ann', grantsOf('b', PAUSE));
    await bench.turn(3);
    const [reset] = ann.end.of('reset');
    expect(reset).toMatchObject({ subscription, reason: 'grants', cursor: 'e:1' });
    expect(reset.next).not.toBe(subscription);
    for (const part of ['jobs', 'settled', 'sources']) expect([...sourcesIn(reset[part])], part).toEqual(['b']);
    const before = ann.end.messages.length;
    for (const source of ['a', 'b']) bench.append(source, 'BLOCK_JOB_READY', 'j2');
    bench.progress(progressOf('a', 'j1', 5), progressOf('b', 'j1', 6));
    await bench.clock.advance(100);
    expect(ann.end.of('progress')).toHaveLength(1);
    const after = ann.end.messages.slice(before);
    expect(after.map(({ params }) => params.subscription)).toEqual([reset.next, reset.next]);
    expect([...sourcesIn(after)]).toEqual(['b']);
  });

  it('to equal ones sends nothing and keeps the id', async () => {
    const { bench, policy, ann } = open();
    const { subscription } = (await ann.call('subscribe', {})).result;
    policy.grant('ann', grantsOf('a', PAUSE));
    bench.append('a', 'BLOCK_JOB_READY', 'j1');
    await bench.turn(2);
    expect(ann.end.of('reset')).toEqual([]);
    expect(ann.end.of('events').map((each) => each.subscription)).toEqual([subscription]);
  });

  it('reaches every session of that principal, and of no other', async () => {
    const { bench, policy, ann } = open();
    const [again, bob] = [bench.client('ann'), bench.client('bob')];
    for (const client of [ann, again, bob]) await client.call('subscribe', {});
    policy.grant('ann', grantsOf('b', PAUSE));
    await bench.turn(3);
    expect([ann, again, bob].map(({ end }) => end.of('reset').length)).toEqual([1, 1, 0]);
    policy.revoke('ann');
    expect([ann, again, bob].map(({ asked }) => asked)).toEqual([['revoked'], ['revoked'], []]);
  });

  it('waits for a client that does not read, which gets the last grants alone', async () => {
    const { bench, policy, ann } = open();
    const { subscription } = (await ann.call('subscribe', {})).result;
    ann.end.stop();
    for (let n = 0; n < 3; n += 1) {
      bench.append('a', 'BLOCK_JOB_READY', 'j1', { pad: 'x'.repeat(100_000) });
      await bench.turn();
    }
    const sent = 2;
    policy.grant('ann', grantsOf('b', PAUSE));
    policy.grant('ann', grantsOf('a', [], 'j2'));
    ann.end.take();
    await bench.turn(3);
    expect(ann.end.of('reset')).toHaveLength(1);
    expect(ann.end.of('events')).toHaveLength(sent);
    expect(ann.end.of('reset')[0]).toMatchObject({ subscription, reason: 'grants' });
    expect(ann.end.of('reset')[0].jobs.map(({ job }: Message) => job)).toEqual(['j2']);
  });

  it('lets a client end its subscription by the id that it still knows', async () => {
    const { bench, policy, ann } = open();
    const { subscription } = (await ann.call('subscribe', {})).result;
    policy.grant('ann', grantsOf('b', PAUSE));
    await bench.turn(3);
    expect((await ann.call('unsubscribe', { subscription })).result).toEqual({});
    const before = ann.end.messages.length;
    bench.append('b', 'BLOCK_JOB_READY', 'j1');
    await bench.turn(2);
    expect(ann.end.messages).toHaveLength(before);
  });

  it('ends a call under way before it reveals the job', async () => {
    const { bench, policy, ann } = open();
    const waiting = ann.call('job.wait', { source: 'a', job: 'j1' });
    const pausing = ann.call('job.pause', { source: 'a', job: 'j1' });
    await bench.turn();
    policy.grant('ann', grantsOf('b', PAUSE));
    for (const call of bench.calls) call.answer({ ok: true, result: { source: 'a', job: 'j1' } });
    expect(refusal(await waiting)).toMatchObject({ message: 'no source a', data: { reason: 'SOURCE_NOT_FOUND' } });
    expect((await pausing).error.data.reason).toBe('OUTCOME_UNKNOWN');
  });
});

describe('a session that has ended', () => {
  it('hears of no change any more', async () => {
    const { policy, ann } = open();
    ann.session.close();
    policy.grant('ann', grantsOf('b', PAUSE));
    policy.revoke('ann');
    expect(ann.asked).toEqual([]);
  });
});

describe('authenticate', () => {
  it('gives a connection another principal, and its subscriptions the grants of that one', async () => {
    const { bench, policy, ann } = open();
    const { subscription } = (await ann.call('subscribe', {})).result;
    const { result } = await ann.call('authenticate', { token: 'bob' });
    expect(result).toEqual({ principal: 'bob', scopes: ['b'], expiresAt: null });
    await bench.turn(3);
    expect(ann.end.of('reset')).toMatchObject([{ subscription, reason: 'grants' }]);
    const answered = ann.call('job.pause', { source: 'b', job: 'j1' });
    await bench.turn();
    expect(bench.calls[0]?.context.principal.name).toBe('bob');
    bench.calls[0]?.answer({ ok: true, result: { source: 'b', job: 'j1' } });
    await answered;
    policy.revoke('ann');
    expect(ann.asked, 'it is no session of the principal before').toEqual([]);
    policy.revoke('bob');
    expect(ann.asked).toEqual(['revoked']);
  });

  it('is refused with UNAUTHENTICATED, and the connection stays what it was', async () => {
    const { ann } = open();
    expect((await ann.call('authenticate', { token: 'nobody' })).error.data).toEqual({ reason: 'UNAUTHENTICATED' });
    expect((await ann.call('source.list', {})).result.sources).toHaveLength(1);
  });
});
