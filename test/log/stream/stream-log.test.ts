// The log of all owners as each edge has it.
import { beforeEach, describe, expect, it } from 'vitest';
import { SourceWriter, type StreamFold, StreamLog, type StreamLogListener } from '../../../src/log/index.js';
import { FakeClock } from '../../support/fake-clock.js';
import { MemoryStream } from '../../support/memory-stream.js';

let clock: FakeClock;
let stream: MemoryStream;

beforeEach(() => {
  clock = new FakeClock();
  stream = new MemoryStream();
});

interface Opened {
  log: StreamLog;
  /** What its fold was told. */
  folded: string[];
  /** What its readers were shown. */
  shown: string[];
}

async function edge(
  more: { windowMessages?: number } = {},
  listener: Partial<StreamLogListener> = {},
): Promise<Opened> {
  const folded: string[] = [];
  const shown: string[] = [];
  const fold: StreamFold = {
    clear: (epoch) => folded.push(`clear ${epoch}`),
    restore: (source, lines) => folded.push(`${source} ${lines.join()}`),
    entry: ({ source, data }) => {
      const { n } = data as { n: number | null };
      if (n === null) throw new Error('no number');
      folded.push(`${source} ${n}`);
    },
  };
  const options = { clock, silenceMs: 1_000, awaitMs: 5_000, retryMs: 100, ...more };
  const ignored = { failing: () => undefined, malformed: () => undefined };
  const log = new StreamLog(stream, fold, options, { ...ignored, ...listener });
  log.entries$.subscribe(({ offset, source, json }) => shown.push(`${offset} ${source} ${JSON.parse(json).data?.n}`));
  await log.open();
  return { log, folded, shown };
}

function writerOf(source: string): SourceWriter {
  const nothing = (): undefined => undefined;
  const ignored = {
    fenced: nothing,
    acknowledged: nothing,
    gap: nothing,
    renewed: nothing,
    reused: nothing,
    failing: nothing,
  };
  return new SourceWriter({
    ...{ stream, source, owner: 'o1', epoch: stream.epoch, last: 0, save: () => [`state of ${source}`] },
    listener: ignored,
    options: { clock, retryMs: 100, maxWaitingBytes: 1_000_000, checkpointEntries: 1_000, checkpointMs: 60_000 },
  });
}

async function write(writer: SourceWriter, source: string, ...numbers: number[]): Promise<void> {
  writer.append(numbers.map((n) => ({ source, type: 'STOP', time: n, data: { n } })));
  await writer.drained();
}

describe('a log of a stream', () => {
  it('has each entry once, in order, with the same cursor on every edge, whenever it began', async () => {
    const early = await edge();
    const [a, b] = [writerOf('a'), writerOf('b')];
    await write(a, 'a', 1, 2);
    await write(b, 'b', 3);
    const late = await edge();
    await write(a, 'a', 4);
    const all = early.log.readAfter(0, 100).entries.map(({ offset, source }) => `${offset} ${source}`);
    expect(late.log.readAfter(0, 100).entries.map(({ offset, source }) => `${offset} ${source}`)).toEqual(all);
    expect(all).toHaveLength(4);
    expect([late.log.cursor, late.shown.length]).toEqual([early.log.cursor, 1]);
  });

  it('reads many messages that the live path lost together', async () => {
    const writer = writerOf('a');
    await writer.drained();
    const { shown } = await edge();
    stream.delivers = () => false;
    for (let n = 1; n <= 600; n += 1) await write(writer, 'a', n);
    const spans: number[] = [];
    const replay = stream.replay.bind(stream);
    stream.replay = (from, to, take) => {
      spans.push(to - from + 1);
      return replay(from, to, take);
    };
    await clock.advance(1_000);
    expect(shown).toHaveLength(600);
    expect(spans).toEqual([256, 256, 88]);
  });

  it('reads what the live path lost when something later comes', async () => {
    const writer = writerOf('a');
    await writer.drained();
    const { log, shown } = await edge();
    stream.delivers = ({ seq }) => seq > 3;
    await write(writer, 'a', 1);
    await write(writer, 'a', 2);
    expect(shown).toEqual([]);
    await write(writer, 'a', 3);
    await clock.turn();
    expect(shown.map((each) => each.split(' ')[2])).toEqual(['1', '2', '3']);
    expect(log.filled).toBe(2);
  });

  it('finds within a second that the live path is silent', async () => {
    const writer = writerOf('a');
    const { log, shown } = await edge();
    stream.delivers = () => false;
    await write(writer, 'a', 1);
    await clock.advance(1_000);
    expect(shown).toHaveLength(1);
    expect(log.lagMs).toBeLessThanOrEqual(1_000);
  });

  it('lags where the stream can not be read, and goes on when it can', async () => {
    const writer = writerOf('a');
    const { log, shown } = await edge();
    stream.isAway = true;
    await clock.advance(3_000);
    expect(log.lagMs).toBeGreaterThanOrEqual(3_000);
    expect(log.status.isRetrying).toBe(true);
    stream.isAway = false;
    await write(writer, 'a', 1);
    await clock.advance(1_000);
    expect([shown.length, log.status.isRetrying]).toEqual([1, false]);
  });

  it('says once that the stream can not be read, and once that it can', async () => {
    const told: string[] = [];
    await edge({}, { failing: (error) => told.push(String(error)) });
    stream.isAway = true;
    await clock.advance(10_000);
    stream.isAway = false;
    await clock.advance(10_000);
    expect(told).toEqual([expect.stringMatching(/^Error/), 'undefined']);
  });

  it('begins another epoch where the stream was made anew', async () => {
    const { log, folded } = await edge();
    const writer = writerOf('a');
    await write(writer, 'a', 1);
    let replaced = 0;
    log.replaced$.subscribe(() => {
      replaced += 1;
    });
    stream.remake('11223344');
    await clock.advance(1_000);
    expect([replaced, log.epoch]).toEqual([1, '11223344']);
    await write(writer, 'a', 2);
    expect(log.readAfter(0, 10).entries).toHaveLength(1);
    expect(folded.slice(folded.indexOf('clear 11223344'))).toEqual(['clear 11223344', 'a state of a', 'a 2']);
  });

  it('shows the former state whole until the next is', async () => {
    const { log, folded } = await edge();
    await write(writerOf('a'), 'a', 1);
    stream.remake('11223344');
    let answer = (): void => undefined;
    const asked = new Promise<void>((resolve) => {
      answer = resolve;
    });
    stream.sources = () => asked.then(() => ['b']);
    await write(writerOf('b'), 'b', 2);
    await clock.advance(3_000);
    expect([log.epoch, folded.filter((each) => each.startsWith('clear'))]).toEqual(['aabbccdd', ['clear aabbccdd']]);
    answer();
    await expect.poll(() => log.epoch).toBe('11223344');
    expect(folded.slice(-3)).toEqual(['clear 11223344', 'b state of b', 'b 2']);
  });

  it('reads anew where a message is left out of the newest, or a name of the sources', async () => {
    const writer = writerOf('a');
    for (const n of [1, 2, 3]) await write(writer, 'a', n);
    const [, , second] = stream.messages;
    const replay = stream.replay.bind(stream);
    let count = 0;
    stream.replay = (from, to, take) => {
      count += 1;
      const isWhole = count > 1;
      return replay(from, to, (each) => (each === second && !isWhole ? undefined : take(each)));
    };
    stream.sources = async () => [];
    const opening = edge();
    await expect.poll(() => count).toBe(1);
    await clock.advance(1_000);
    const { folded, log } = await opening;
    expect(log.readAfter(0, 10).entries).toHaveLength(3);
    expect(folded).toEqual(['clear aabbccdd', 'a state of a', 'a 1', 'a 2', 'a 3']);
  });

  it('takes no message of a stream that was made anew for one of the stream before', async () => {
    const { log, shown } = await edge();
    await write(writerOf('a'), 'a', 1);
    stream.remake('11223344');
    await write(writerOf('b'), 'b', 2, 3);
    await write(writerOf('c'), 'c', 4);
    expect([log.epoch, shown]).toEqual(['aabbccdd', ['8192 a 1']]);
    await clock.advance(1_000);
    expect(log.readAfter(0, 10).entries.map(({ source }) => source)).toEqual(['b', 'b', 'c']);
  });

  it('shows no message of a stream that is made anew while older ones are read', async () => {
    const writer = writerOf('a');
    for (let n = 1; n <= 3; n += 1) await write(writer, 'a', n);
    const { log, shown } = await edge({ windowMessages: 2 });
    const replay = stream.replay.bind(stream);
    stream.replay = async (from, to, take) => {
      stream.replay = replay;
      stream.remake('11223344');
      await write(writerOf('b'), 'b', 4);
      await replay(from, to, take);
    };
    // Older ones for a client, and the newest, which the live path lost.
    const { pending } = log.readAfter(0, 10);
    await clock.advance(100);
    await pending;
    expect(log.readAfter(0, 10).entries.map(({ source }) => source)).not.toContain('b');
    await clock.advance(1_000);
    expect([log.epoch, shown]).toEqual(['11223344', []]);
    expect(log.readAfter(0, 10).entries.map(({ source }) => source)).toEqual(['b']);
  });

  it('shows no message of a stream that is made anew while what the live path lost is read', async () => {
    const writer = writerOf('a');
    await writer.drained();
    const { log, shown } = await edge();
    stream.delivers = () => false;
    for (let n = 1; n <= 3; n += 1) await write(writer, 'a', n);
    const replay = stream.replay.bind(stream);
    stream.replay = async (from, to, take) => {
      stream.replay = replay;
      stream.remake('11223344');
      for (let n = 4; n <= 9; n += 1) await write(writerOf(`b${n}`), `b${n}`, n);
      await replay(from, to, take);
    };
    await clock.advance(1_000);
    expect(shown).toEqual([]);
    await clock.advance(1_000);
    expect([log.epoch, log.readAfter(0, 10).entries.length]).toEqual(['11223344', 6]);
  });

  it('has reached what a hand-over wrote, which has no entry', async () => {
    const { log } = await edge();
    const writer = writerOf('a');
    await write(writer, 'a', 1);
    writer.checkpoint();
    await writer.drained();
    await log.reached(stream.lastSeq * 4_096);
  });

  describe('where an owner writes what no gateway writes', () => {
    const forge = (source: string, entries: readonly unknown[]): Promise<unknown> =>
      stream.write({
        ...{ source, after: 0, id: `${source} forged` },
        body: JSON.stringify({ v: 1, owner: 'taken', checkpoint: 0, entries }),
      });
    const entry = { type: 'STOP', time: 1, data: { n: 7 } };

    it.each([
      ['an entry that is none', null],
      ['a type that is no text', { ...entry, type: 5 }],
      ['a time that is no time', { ...entry, time: 'noon' }],
      ['a time beyond every calendar', { ...entry, time: 1e300 }],
      ['a job whose id is no text', { ...entry, job: { id: 5, run: 'a:1' } }],
      ['a number of repetitions that is none', { ...entry, repeated: {} }],
      ['data that is none', { ...entry, data: null }],
      ['a settlement that is none', { ...entry, type: 'GATEWAY_JOB_SETTLED' }],
      ['an event of a job without its figures', { ...entry, type: 'BLOCK_JOB_READY', job: { id: 'j', run: 'a:1' } }],
    ])('leaves out a message with %s', async (_what, forged) => {
      const told: string[] = [];
      const { shown, folded } = await edge({}, { malformed: (source) => told.push(source) });
      await forge('forged', [entry, forged]);
      await write(writerOf('a'), 'a', 1);
      expect(told).toEqual(['forged']);
      expect(shown).toEqual(['12288 a 1']);
      expect(folded).not.toContain('forged 7');
    });

    it('goes on with other sources where one can not be folded, and says so once', async () => {
      const told: string[] = [];
      const malformed = (source: string): void => void told.push(source);
      const { shown, log } = await edge({}, { malformed });
      stream.delivers = ({ source }) => source !== 'late';
      for (const source of ['forged', 'late']) await forge(source, [{ ...entry, data: { n: null } }, entry]);
      await write(writerOf('a'), 'a', 1);
      expect(shown.at(-1)).toBe('16384 a 1');
      const late = await edge({}, { malformed });
      expect([told, late.log.cursor]).toEqual([['forged', 'late', 'forged', 'late'], log.cursor]);
    });
  });

  it('is not taken in by a server that knows of fewer messages for a moment', async () => {
    const { log } = await edge();
    await write(writerOf('a'), 'a', 1);
    const { epoch } = log;
    stream.lastSeq -= 1;
    await clock.advance(2_000);
    stream.lastSeq += 1;
    await clock.advance(2_000);
    expect([log.epoch, log.readAfter(0, 10).entries.length]).toEqual([epoch, 1]);
  });

  it('folds each source from its newest checkpoint, also where that lies before what it retains', async () => {
    const [quiet, busy] = [writerOf('quiet'), writerOf('busy')];
    await write(quiet, 'quiet', 1);
    for (let n = 2; n < 20; n++) await write(busy, 'busy', n);
    const { folded } = await edge({ windowMessages: 5 });
    expect(folded).toContain('quiet state of quiet');
    expect(folded).toContain('quiet 1');
  });

  it('reads from the stream what has left its memory, in slices, and says what has left the stream too', async () => {
    const writer = writerOf('a');
    for (let n = 1; n <= 600; n++) await write(writer, 'a', n);
    const { log } = await edge({ windowMessages: 5 });
    const read = async (after: number): Promise<number[]> => {
      const numbers: number[] = [];
      for (let at = after; at < log.head; ) {
        const { entries, examined, pending } = log.readAfter(at, 50);
        await pending;
        numbers.push(...entries.map(({ json }) => JSON.parse(json).data.n as number));
        expect(examined).toBeGreaterThanOrEqual(at);
        at = examined;
      }
      return numbers;
    };
    expect(log.retainsAfter(0, () => true)).toBe(true);
    // A memory that is full is as it should be.
    expect(log.status).toMatchObject({ maxEntries: Number.POSITIVE_INFINITY, evicted: { entries: 0, bytes: 0 } });
    expect(await read(0)).toEqual(Array.from({ length: 600 }, (_, n) => n + 1));
    stream.evict(100);
    expect(await read(101 * 4_096)).toEqual(Array.from({ length: 600 - 100 }, (_, n) => n + 101));
    const late = await edge({ windowMessages: 5 });
    expect(late.log.retainsAfter(99 * 4_096, () => true)).toBe(false);
    expect(late.log.retainsAfter(101 * 4_096 - 1, () => true)).toBe(true);
  });

  it('begins with the same state from the messages that it reads for who resumes as from the sources one by one', async () => {
    const [a, b] = [writerOf('a'), writerOf('b')];
    for (let n = 1; n < 6; n++) {
      await write(a, 'a', n);
      if (n === 3) a.checkpoint();
      await write(b, 'b', n);
    }
    await a.drained();
    const whole = await edge();
    const reads = new Set<string>();
    const { next } = stream;
    for (const windowMessages of [3, 6, 9]) {
      stream.next = (source, ...rest) => {
        reads.add(`${windowMessages} ${source}`);
        return next.call(stream, source, ...rest);
      };
      const { folded } = await edge({ windowMessages });
      for (const source of ['a', 'b'])
        expect(folded.filter((each) => each.startsWith(source))).toEqual(
          whole.folded.filter((each) => each.startsWith(source)),
        );
    }
    expect(reads.size).toBeGreaterThan(0);
    expect(reads.size).toBeLessThan(6);
  });

  it.each([1, 3, 50])(
    'has the state of a source that writes while it is loaded, from the newest %d messages',
    async (windowMessages) => {
      const [a, b] = [writerOf('a'), writerOf('b')];
      await write(a, 'a', 1);
      await write(b, 'b', 2);
      await write(a, 'a', 3);
      await write(b, 'b', 4);
      const { replay } = stream;
      stream.replay = async (...call) => {
        stream.replay = replay;
        a.checkpoint();
        await a.drained();
        await write(a, 'a', 5);
        return replay.apply(stream, call);
      };
      const failures: unknown[] = [];
      const { folded } = await edge({ windowMessages }, { failing: (error) => error && failures.push(error) });
      expect(failures).toEqual([]);
      const ofA = ['a state of a', 'a 1', 'a 3', 'a state of a', 'a 5'];
      await expect.poll(() => folded.filter((each) => each.startsWith('a'))).toEqual(ofA);
    },
  );

  it.each([2, 50])(
    'has the checkpoint of which only a part was there when it began, from the newest %d messages',
    async (windowMessages) => {
      const put = async (body: object): Promise<void> => {
        const after = (await stream.last('a'))?.seq ?? 0;
        const id = `${stream.epoch}.w.${stream.lastSeq}`;
        await stream.write({ source: 'a', body: JSON.stringify({ v: 1, owner: 'o1', ...body }), id, after });
      };
      const entry = (n: number): object => ({ entries: [{ type: 'STOP', time: n, data: { n } }] });
      await put({ checkpoint: 0, part: 1, of: 1, lines: ['old'] });
      await put({ checkpoint: 1, ...entry(1) });
      await put({ checkpoint: 1, part: 1, of: 3, lines: ['new'] });
      await put({ checkpoint: 1, part: 2, of: 3, lines: ['state'] });
      const { folded } = await edge({ windowMessages });
      expect(folded.slice(1)).toEqual(['a old', 'a 1']);
      await put({ checkpoint: 3, part: 3, of: 3, lines: ['of a'] });
      await put({ checkpoint: 3, ...entry(2) });
      await expect.poll(() => folded.slice(3)).toEqual(['a new,state,of a', 'a 2']);
      // One that lacks a part counts for nothing.
      await put({ checkpoint: 3, part: 1, of: 3, lines: ['false'] });
      await put({ checkpoint: 7, part: 3, of: 3, lines: ['state'] });
      await put({ checkpoint: 7, ...entry(3) });
      await expect.poll(() => folded.slice(5)).toEqual(['a 3']);
      const { folded: late } = await edge({ windowMessages });
      expect(late.slice(1)).toEqual(['a new,state,of a', 'a 2', 'a 3']);
    },
  );

  it('has nothing of a message that lies before its memory', async () => {
    const writer = writerOf('a');
    await write(writer, 'a', 1, 2, 3);
    await write(writer, 'a', 4);
    const { log } = await edge({ windowMessages: 1 });
    // The message with 1, 2 and 3 is the second of the stream.
    const { pending } = log.readAfter(2 * 4_096 + 1, 10);
    await pending;
    const { entries } = log.readAfter(2 * 4_096 + 1, 10);
    expect(entries.map(({ json }) => JSON.parse(json).data.n)).toEqual([3]);
  });

  it('awaits a position that another edge has reached, for a while', async () => {
    const writer = writerOf('a');
    await writer.drained();
    const { log } = await edge();
    const ahead = 2 * 4_096;
    expect(log.retainsAfter(ahead, () => true)).toBe(true);
    const { pending, entries } = log.readAfter(ahead, 10);
    expect(entries).toEqual([]);
    await write(writer, 'a', 1);
    await pending;
    expect(log.head).toBe(ahead);
    const never = 10 * 4_096;
    expect(log.retainsAfter(never, () => true)).toBe(true);
    await clock.advance(5_000);
    expect(log.retainsAfter(never, () => true)).toBe(false);
  });

  it('awaits such a position for longer where messages come late, as to a process that has no time', async () => {
    const writer = writerOf('a');
    await writer.drained();
    const { log } = await edge();
    const never = 100 * 4_096;
    expect(log.retainsAfter(never, () => true)).toBe(true);
    const { state } = stream;
    stream.state = () => new Promise(() => undefined);
    for (let n = 0; n < 10; n += 1) {
      await write(writer, 'a', n);
      await clock.advance(1_000);
    }
    expect(log.retainsAfter(never, () => true)).toBe(true);
    expect(log.lagMs).toBeGreaterThanOrEqual(10_000);
    stream.state = state;
  });

  it('ignores messages of a form that it does not know', async () => {
    const { shown } = await edge();
    await stream.write({ source: 'a', body: '{"v":2,"entries":[{"type":"STOP"}]}', id: 'x', after: 0 });
    await stream.write({ source: 'b', body: 'no json', id: 'y', after: 0 });
    await stream.write({ source: 'c', body: 'null', id: 'z', after: 0 });
    await write(writerOf('d'), 'd', 1);
    expect(shown.map((each) => each.split(' ').slice(1).join(' '))).toEqual(['d 1']);
  });
});
