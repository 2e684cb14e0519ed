// A QMP monitor as a source of jobs, without a socket: what is asked of it, and what is signalled when.
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { QmpReply } from '../../src/qmp/index.js';
import { type CommandReply, type GraphReply, QmpJobSource, type SourceSignal } from '../../src/sources/index.js';
import { FakeClock } from '../support/fake-clock.js';
import { settle } from '../support/fake-qemu.js';
import { type Feed, fedMonitor } from '../support/fed-monitor.js';
import { ManualSession } from '../support/manual-session.js';

const GRAPH = 'x-debug-query-block-graph';
const COMMANDS = ['query-jobs', 'job-pause', GRAPH];
const JOB = { id: 'j', type: 'backup', status: 'running', 'current-progress': 1, 'total-progress': 2 };

let clock: FakeClock;
let source: QmpJobSource;
let signals: SourceSignal[];
let feed: Feed;
let hangUp: () => void;
let qemu: ManualSession;

beforeEach(() => {
  clock = new FakeClock();
  signals = [];
  qemu = new ManualSession();
  const monitor = fedMonitor();
  feed = monitor.feed;
  const address = { kind: 'unix', path: '/nowhere' } as const;
  source = new QmpJobSource(
    { name: 'vm1', address },
    { clock, socketBirth: () => 'A', monitor$: () => monitor.monitor$ },
  );
  const subscription = source.signals$.subscribe((signal) => signals.push(signal));
  hangUp = () => subscription.unsubscribe();
  onTestFinished(hangUp);
});

const kinds = (): string[] => signals.map(({ kind }) => kind);

function raise(type: string): void {
  feed({ kind: 'event', event: { type, time: null, data: {}, bytes: 100 } });
}

function lose(): void {
  feed({ kind: 'down', reason: 'closed', detail: 'd', attempt: 1, retryInMs: 5 });
}

function connect(): void {
  feed({ kind: 'connecting', attempt: 1 });
  feed({ kind: 'up', session: qemu.session });
}

async function answerQueries(jobs: unknown[] = []): Promise<void> {
  qemu.value('query-block-jobs', []);
  qemu.value('query-jobs', jobs);
  await settle();
}

/** Identified, asked for its jobs, and up. */
async function comeUp(commands: readonly string[] = COMMANDS, jobs: unknown[] = [JOB]): Promise<void> {
  connect();
  qemu.value('query-cpus-fast', [{ 'thread-id': 1 }]);
  qemu.value(
    'query-commands',
    commands.map((name) => ({ name })),
  );
  await settle();
  if (commands.includes('query-jobs')) await answerQueries(jobs);
}

describe('a connection', () => {
  it('is identified, asked for what it knows, then for its jobs', async () => {
    connect();
    expect(qemu.names).toEqual(['query-cpus-fast']);
    qemu.value('query-cpus-fast', []);
    expect(qemu.names).toEqual(['query-commands']);
    qemu.value('query-commands', [{ name: 'query-jobs' }]);
    await settle();
    expect(qemu.names).toEqual(['query-block-jobs', 'query-jobs']);
    await answerQueries([JOB]);
    expect(kinds()).toEqual(['connecting', 'negotiated', 'up', 'querying', 'jobs']);
    expect(signals.slice(1, 3)).toEqual([
      { kind: 'negotiated', qemu: '9.0.0' },
      { kind: 'up', qemu: '9.0.0', same: 'unknown', identity: expect.objectContaining({ socket: 'A' }) },
    ]);
    expect(signals.at(-1)).toMatchObject({ jobs: [{ id: 'j', type: 'backup' }], legacy: false });
  });

  it('is of the QEMU from before where the socket is the same, of another where all its threads are others', async () => {
    await comeUp();
    lose();
    qemu = new ManualSession();
    await comeUp();
    lose();
    qemu = new ManualSession();
    connect();
    qemu.value('query-cpus-fast', [{ 'thread-id': 2 }]);
    const same = signals.flatMap((signal) => (signal.kind === 'up' ? [signal.same] : []));
    expect(same).toEqual(['unknown', true, false]);
  });

  it('that QEMU has made has its own name as a label, which is gone with it', () => {
    const monitor = fedMonitor();
    const address = { kind: 'accepted', monitor$: monitor.monitor$ } as const;
    const own = new QmpJobSource({ name: 'vm1', address }, { clock, socketBirth: () => 'A' });
    const subscription = own.signals$.subscribe((signal) => signals.push(signal));
    onTestFinished(() => subscription.unsubscribe());
    for (const name of ['web 1', undefined, 'vm1']) {
      qemu = new ManualSession();
      monitor.feed({ kind: 'connecting', attempt: 1 });
      monitor.feed({ kind: 'up', session: qemu.session });
      if (name === undefined) qemu.refuse('query-name');
      else qemu.value('query-name', { name });
      qemu.value('query-cpus-fast', []);
      monitor.feed({ kind: 'down', reason: 'closed', detail: 'd', attempt: 1, retryInMs: 5 });
    }
    // There is no socket's file that says that it is the same QEMU.
    const up = { kind: 'up', qemu: '9.0.0', same: 'unknown', identity: expect.anything() };
    expect(signals.filter(({ kind }) => kind === 'up')).toEqual([{ ...up, label: 'web 1' }, up, up]);
  });

  it('takes no events of a session after its end', async () => {
    await comeUp();
    raise('STOP');
    lose();
    raise('RESUME');
    const types = signals.flatMap((signal) => (signal.kind === 'event' ? [signal.event.type] : []));
    expect(types).toEqual(['STOP']);
  });

  it('holds events until it is identified, then signals them in their order', () => {
    connect();
    raise('STOP');
    raise('RESUME');
    expect(kinds()).toEqual(['connecting', 'negotiated']);
    qemu.refuse('query-cpus-fast');
    raise('SHUTDOWN');
    expect(kinds()).toEqual(['connecting', 'negotiated', 'up', 'event', 'event', 'event']);
    const types = signals.flatMap((signal) => (signal.kind === 'event' ? [signal.event.type] : []));
    expect(types).toEqual(['STOP', 'RESUME', 'SHUTDOWN']);
  });

  it('signals what it held before it says that the connection is lost; a late identification counts no more', () => {
    connect();
    raise('STOP');
    lose();
    qemu.value('query-cpus-fast', []);
    expect(kinds()).toEqual(['connecting', 'negotiated', 'event', 'down']);
  });

  it('passes on what the monitor waits for', () => {
    feed({ kind: 'waiting', reason: 'silent', detail: 'd' });
    expect(signals).toEqual([{ kind: 'waiting', reason: 'silent', detail: 'd' }]);
  });

  it('that is hung up leaves no timer', async () => {
    await comeUp();
    expect(clock.pending).toBe(1);
    hangUp();
    expect(clock.pending).toBe(0);
    await expect(source.refresh()).resolves.toBe(false);
  });
});

describe('the jobs', () => {
  it('are asked for again where they are refused, at growing intervals, until they are told', async () => {
    connect();
    qemu.value('query-cpus-fast', []);
    const refused = (): number => kinds().filter((kind) => kind === 'refused').length;
    // As with -preconfig.
    for (const waitMs of [200, 400, 800]) {
      qemu.refuse('query-commands');
      await settle();
      const before = refused();
      await clock.advance(waitMs - 1);
      expect(qemu.names).toEqual([]);
      await clock.advance(1);
      expect([qemu.names, before]).toEqual([['query-commands'], refused()]);
    }
    expect(refused()).toBe(3);
    qemu.value('query-commands', [{ name: 'query-jobs' }]);
    await settle();
    await answerQueries();
    expect(kinds().at(-1)).toBe('jobs');
  });

  it('are not told by one half of the queries', async () => {
    await comeUp();
    const refreshed = source.refresh();
    qemu.refuse('query-block-jobs');
    qemu.value('query-jobs', [JOB]);
    await expect(refreshed).resolves.toBe(false);
    const again = source.refresh();
    qemu.value('query-block-jobs', []);
    qemu.refuse('query-jobs');
    await expect(again).resolves.toBe(false);
    expect(kinds().filter((kind) => kind === 'jobs')).toHaveLength(1);
  });

  it('of a QEMU before 3.0 are told by query-block-jobs alone', async () => {
    await comeUp(['query-block-jobs']);
    expect(qemu.names).toEqual(['query-block-jobs']);
    qemu.value('query-block-jobs', []);
    expect(signals.at(-1)).toEqual({ kind: 'jobs', jobs: [], legacy: true, quietCancel: false });
  });

  it('are asked for after the call where a query is under way, once for all who call; a poll shares that query', async () => {
    await comeUp();
    const [first, second, third, poll] = [source.refresh(), source.refresh(), source.refresh(), source.poll()];
    expect(qemu.names).toEqual(['query-block-jobs', 'query-jobs']);
    await answerQueries();
    await expect(Promise.all([first, poll])).resolves.toEqual([true, true]);
    expect(qemu.names).toEqual(['query-block-jobs', 'query-jobs']);
    await answerQueries();
    await expect(Promise.all([second, third])).resolves.toEqual([true, true]);
    expect(qemu.names).toEqual([]);
  });

  it('are signalled at the reply’s place between the events', async () => {
    await comeUp();
    signals = [];
    void source.refresh();
    raise('STOP');
    qemu.value('query-block-jobs', []);
    raise('RESUME');
    qemu.value('query-jobs', []);
    raise('SHUTDOWN');
    expect(kinds()).toEqual(['querying', 'event', 'event', 'jobs', 'event']);
  });

  it('are not signalled by a reply that comes after the end of its connection', async () => {
    await comeUp();
    const refreshed = source.refresh();
    lose();
    await answerQueries([JOB]);
    await refreshed;
    expect(kinds().at(-1)).toBe('down');
    expect(await source.poll()).toBe(false);
  });
});

describe('a main loop that does not answer', () => {
  it('is stalled, said once, and asked again until it answers', async () => {
    await comeUp();
    signals = [];
    const refreshed = source.refresh();
    expect(qemu.asked.map(({ options }) => options.timeoutMs)).toEqual([30_000, 30_000]);
    for (let n = 0; n < 3; n += 1) {
      qemu.late('query-block-jobs');
      qemu.late('query-jobs');
      await settle();
    }
    expect(signals.filter(({ kind }) => kind !== 'querying')).toEqual([{ kind: 'stalled', waitedMs: 30_000 }]);
    await answerQueries();
    await expect(refreshed).resolves.toBe(true);
    expect(kinds().slice(-2)).toEqual(['jobs', 'responsive']);
  });

  it('before it has said which commands it has is asked again too', async () => {
    connect();
    qemu.late('query-cpus-fast');
    qemu.late('query-commands');
    await settle();
    expect(qemu.names).toEqual(['query-commands']);
    expect(kinds().at(-1)).toBe('stalled');
    lose();
    qemu.late('query-commands');
    await settle();
    expect(qemu.names).toEqual([]);
  });
});

describe('a monitor that says nothing', () => {
  it('is asked after half a minute of silence, and not while it says something', async () => {
    await comeUp(COMMANDS, []);
    for (let n = 0; n < 4; n += 1) {
      await clock.advance(10_000);
      raise('STOP');
      await clock.advance(5_000);
    }
    expect(qemu.names).toEqual([]);
    await clock.advance(30_000);
    expect(qemu.names).toEqual(['query-jobs']);
    const before = kinds().length;
    qemu.value('query-jobs', []);
    await settle();
    expect(kinds().slice(before), 'an empty list is the whole answer').toEqual(['jobs']);
    await clock.advance(29_999);
    expect(qemu.names).toEqual([]);
    await clock.advance(15_000);
    expect(qemu.names).toEqual(['query-jobs']);
  });

  it('and had jobs is asked for both lists at once, until it has none', async () => {
    await comeUp();
    await clock.advance(30_000);
    expect(qemu.names).toEqual(['query-block-jobs', 'query-jobs']);
    await answerQueries();
    await clock.advance(45_000);
    expect(qemu.names).toEqual(['query-jobs']);
  });

  it('and has jobs of which nothing was heard, or refuses the list of all of them, is asked as ever', async () => {
    for (const answer of [() => qemu.value('query-jobs', [JOB]), () => qemu.refuse('query-jobs')]) {
      qemu = new ManualSession();
      await comeUp(COMMANDS, []);
      await clock.advance(45_000);
      answer();
      await settle();
      expect(qemu.names).toEqual(['query-block-jobs', 'query-jobs']);
      await answerQueries([JOB]);
      expect(kinds().at(-1)).toBe('jobs');
      lose();
    }
  });

  it('and does not answer is stalled as soon as any query is', async () => {
    await comeUp(COMMANDS, []);
    await clock.advance(45_000);
    qemu.late('query-jobs');
    await settle();
    expect(kinds().slice(-2)).toEqual(['stalled', 'querying']);
    expect(qemu.names).toEqual(['query-block-jobs', 'query-jobs']);
    await answerQueries();
    expect(kinds().slice(-2)).toEqual(['jobs', 'responsive']);
  });
});

describe('a command', () => {
  const send = (replies: CommandReply[], written: () => void = () => undefined): (() => boolean) =>
    source.send(
      { verb: 'pause', id: 'j' },
      { timeoutMs: 500, lane: 'verb', written, replied: (reply) => replies.push(reply) },
    );

  it.each<[string, QmpReply, CommandReply]>([
    ['accepted', { kind: 'return', value: {} }, { kind: 'accepted' }],
    ['refused', { kind: 'error', class: 'X', desc: 'no' }, { kind: 'refused', class: 'X', desc: 'no' }],
    ['late', { kind: 'timeout', sent: true }, { kind: 'timeout', sent: true }],
    ['cut off', { kind: 'closed', sent: true }, { kind: 'closed', sent: true }],
    ['one too many', { kind: 'busy' }, { kind: 'busy' }],
  ])('that is %s is answered so', async (_, reply, expected) => {
    await comeUp();
    const replies: CommandReply[] = [];
    let isWritten = false;
    send(replies, () => {
      isWritten = true;
    });
    expect(isWritten).toBe(true);
    expect(qemu.asked).toMatchObject([
      { name: 'job-pause', args: { id: 'j' }, options: { timeoutMs: 500, lane: 'verb' } },
    ]);
    qemu.reply('job-pause', reply);
    expect(replies).toEqual([expected]);
  });

  it('is not sent before the jobs are known, nor after the connection is lost', async () => {
    const replies: CommandReply[] = [];
    connect();
    qemu.value('query-cpus-fast', []);
    expect(send(replies)()).toBe(false);
    await comeUp();
    lose();
    send(replies);
    expect(replies).toEqual([
      { kind: 'closed', sent: false },
      { kind: 'closed', sent: false },
    ]);
    expect(qemu.names).not.toContain('job-pause');
  });
});

describe('the block graph', () => {
  const graph = { nodes: [], edges: [] };

  it.each<[string, QmpReply, GraphReply]>([
    ['told', { kind: 'return', value: graph }, { kind: 'graph', graph }],
    ['unknown to QEMU', { kind: 'error', class: 'CommandNotFound', desc: '' }, { kind: 'unsupported' }],
    ['refused', { kind: 'error', class: 'GenericError', desc: '' }, { kind: 'none' }],
    ['late', { kind: 'timeout', sent: true }, { kind: 'none' }],
  ])('that is %s is answered so', async (_, reply, expected) => {
    await comeUp();
    const replies: GraphReply[] = [];
    source.readGraph('verb', (each) => replies.push(each));
    expect(qemu.asked).toMatchObject([{ name: GRAPH, options: { lane: 'verb' } }]);
    qemu.reply(GRAPH, reply);
    expect(replies).toEqual([expected]);
  });

  it('is none without a connection', () => {
    const replies: GraphReply[] = [];
    source.readGraph('query', (each) => replies.push(each));
    expect(replies).toEqual([{ kind: 'none' }]);
  });

  it('can be asked for where QEMU has the query; a verb always can be', async () => {
    expect([source.can('graph'), source.can('abort')]).toEqual([false, true]);
    await comeUp();
    expect(source.can('graph')).toBe(true);
    lose();
    qemu = new ManualSession();
    await comeUp(['query-jobs']);
    expect(source.can('graph')).toBe(false);
  });
});
