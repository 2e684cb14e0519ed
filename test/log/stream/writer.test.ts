// The entries of one source on their way into the stream.
import { beforeEach, describe, expect, it } from 'vitest';
import { SourceWriter } from '../../../src/log/index.js';
import { readBody } from '../../../src/log/stream/message.js';
import type { EntryDraft, LogPosition } from '../../../src/protocol/draft.js';
import { FakeClock } from '../../support/fake-clock.js';
import { MemoryStream } from '../../support/memory-stream.js';

const entry = (n: number, more: Partial<EntryDraft> = {}): EntryDraft => ({
  ...{ source: 's', type: 'JOB_STATUS_CHANGE', time: n, data: { n } },
  ...more,
});

const SETTLED = {
  ...{ outcome: 'lost', provenance: 'unknown', pivoted: 'unknown', pivotProof: null, forced: false, escalated: false },
  ...{ requestedBy: [], dismissed: true, type: null, len: null, offset: null },
};

let clock: FakeClock;
let stream: MemoryStream;
let told: string[];
/** The state of the source in a checkpoint. */
let saved: () => string;
/** Milliseconds of each message. */
let acknowledged: number[];

beforeEach(() => {
  clock = new FakeClock();
  stream = new MemoryStream();
  told = [];
  saved = () => '{"state":1}';
  acknowledged = [];
});

function open(last = 0, more: { maxWaitingBytes?: number; checkpointEntries?: number } = {}): SourceWriter {
  return new SourceWriter({
    ...{ stream, source: 's', owner: 'o1', epoch: stream.epoch, last, save: () => [saved()] },
    listener: {
      fenced: () => told.push('fenced'),
      acknowledged: (ms) => acknowledged.push(ms),
      gap: (dropped) => told.push(`gap ${dropped}`),
      reused: () => told.push('reused'),
      renewed: (epoch) => told.push(`renewed ${epoch}`),
      failing: (_error, isFirst) => told.push(isFirst ? 'failing' : 'failing still'),
    },
    options: {
      ...{ clock, retryMs: 100, maxWaitingBytes: 1_000_000, checkpointEntries: 1_000, checkpointMs: 60_000 },
      ...more,
    },
  });
}

/** What each message of the stream has, in order. */
const contents = (): string[] =>
  stream.messages.map(({ body }) => {
    const read = readBody(body);
    if (read?.kind === 'part') return `checkpoint ${read.part}/${read.of}`;
    return (
      read?.entries
        .map(({ type, data }) => (type.startsWith('GATEWAY') ? type : (data as { n: number }).n))
        .join(' ') ?? '?'
    );
  });

describe('a writer', () => {
  it('begins with a checkpoint, and writes what one turn appends as one message', async () => {
    const writer = open();
    writer.append([entry(1)]);
    writer.append([entry(2), entry(3)]);
    await writer.drained();
    expect(contents()).toEqual(['checkpoint 1/1', '1 2 3']);
    expect(readBody(stream.written[1] ?? '')).toMatchObject({ owner: 'o1', checkpoint: 1 });
  });

  it('shows entries once the stream has them, in order, with places that depend on the stream alone', async () => {
    const writer = open();
    const positions: LogPosition[] = [{ cursor: undefined }, { cursor: undefined }];
    const shown: string[] = [];
    writer.append([entry(1, { position: positions[0], internal: true })], () => shown.push('first'));
    writer.append([entry(2, { position: positions[1] })], () => shown.push('second'));
    expect(shown).toEqual([]);
    await writer.drained();
    expect(shown).toEqual(['first', 'second']);
    expect(positions.map(({ cursor }) => cursor)).toEqual([`aabbccdd:${2 * 4_096}`, `aabbccdd:${2 * 4_096 + 1}`]);
    expect(writer.cursor).toBe(positions[1]?.cursor);
  });

  it('writes a message again under its id until it is acknowledged: the stream has it once', async () => {
    const writer = open();
    await writer.drained();
    stream.losesAcks = 2;
    writer.append([entry(1)]);
    await clock.advance(1_000);
    await writer.drained();
    expect(contents()).toEqual(['checkpoint 1/1', '1']);
    expect(told).toEqual(['failing']);
    expect(acknowledged).toEqual([0, 100]);
  });

  it('knows its own message where the stream has forgotten the id', async () => {
    const writer = open();
    await writer.drained();
    stream.losesAcks = 1;
    writer.append([entry(1)]);
    await clock.turn();
    const { write } = stream;
    stream.write = async () => ({ kind: 'fenced' });
    await clock.advance(100);
    stream.write = write.bind(stream);
    writer.append([entry(2)]);
    await writer.drained();
    expect(contents()).toEqual(['checkpoint 1/1', '1', '2']);
    expect(told).toEqual(['failing']);
  });

  it('says of each try whether it is the first that fails', async () => {
    const writer = open();
    await writer.drained();
    stream.isAway = true;
    writer.append([entry(1)]);
    await clock.advance(100);
    stream.isAway = false;
    await clock.advance(100);
    await writer.drained();
    expect(told).toEqual(['failing', 'failing still']);
  });

  it('is refused once another owner has written, and writes nothing more', async () => {
    const first = open();
    await first.drained();
    const second = open(stream.lastSeq);
    await second.drained();
    let isShown = false;
    first.append([entry(1)], () => {
      isShown = true;
    });
    await first.drained();
    second.append([entry(2)]);
    await second.drained();
    first.append([entry(3)]);
    await first.drained();
    expect(contents()).toEqual(['checkpoint 1/1', 'checkpoint 1/1', '2']);
    expect([told, isShown]).toEqual([['fenced'], false]);
  });

  it('goes on where all messages of its source have left the retention', async () => {
    const writer = open();
    await writer.drained();
    stream.evict(stream.lastSeq);
    writer.append([entry(1)]);
    await writer.drained();
    expect(contents()).toEqual(['1']);
  });

  it('writes its state first where the stream was made anew, then what it had not written', async () => {
    const writer = open();
    await writer.drained();
    stream.remake('11223344');
    const position: LogPosition = { cursor: undefined };
    saved = () => `${position.cursor}`;
    writer.append([entry(1, { position })]);
    await writer.drained();
    expect(stream.written.at(-2)).toContain('"undefined"');
    expect(position.cursor).toBe(`11223344:${2 * 4_096}`);
    expect(contents()).toEqual(['checkpoint 1/1', '1']);
    expect(told).toEqual(['renewed 11223344']);
    expect(writer.cursor).toBe(`11223344:${2 * 4_096}`);
  });

  describe('the stream has lost messages that it had acknowledged', () => {
    /** Four messages, of which the stream has the first alone. */
    async function loses(): Promise<SourceWriter> {
      const writer = open();
      for (let n = 1; n <= 3; n++) {
        writer.append([entry(n)]);
        await writer.drained();
      }
      stream.lose(2);
      return writer;
    }

    it('gives it another epoch, and writes its state first', async () => {
      const writer = await loses();
      const before = stream.epoch;
      writer.append([entry(4)]);
      // A server that has just come to lead may lack messages for a moment.
      await clock.advance(300);
      expect(stream.epoch).toBe(before);
      await clock.advance(200);
      await writer.drained();
      expect(stream.epoch).not.toBe(before);
      expect(contents()).toEqual(['checkpoint 1/1', 'checkpoint 1/1', '4']);
      expect(told).toEqual(['failing', 'failing still', 'failing still', 'failing still', `renewed ${stream.epoch}`]);
      expect(writer.cursor).toBe(`${stream.epoch}:${3 * 4_096}`);
    });

    it('ends where it may not do so, and says what that means', async () => {
      const writer = await loses();
      stream.allowsRenewal = false;
      writer.append([entry(4)]);
      await clock.advance(500);
      await writer.drained();
      expect(told.slice(-2)).toEqual(['reused', 'fenced']);
    });

    it('finds it without an entry of its own, and where the stream has nothing of its source any more', async () => {
      const writer = await loses();
      const before = stream.epoch;
      stream.lose(1);
      writer.seen(await stream.state());
      await clock.advance(500);
      await writer.drained();
      expect(stream.epoch).not.toBe(before);
      expect(contents()).toEqual(['checkpoint 1/1']);
    });

    it('another writer, of whose messages none is lost, goes on in the new epoch once it has seen that, and writes nothing twice', async () => {
      const writer = open();
      await writer.drained();
      stream.losesAcks = 1;
      writer.append([entry(1)]);
      await clock.turn();
      await stream.renew(stream.epoch);
      writer.seen(await stream.state());
      await clock.advance(100);
      await writer.drained();
      expect(contents()).toEqual(['checkpoint 1/1', '1', 'checkpoint 1/1']);
      expect(writer.cursor).toBe(`${stream.epoch}:${2 * 4_096}`);
      expect(told).toEqual(['failing', `renewed ${stream.epoch}`]);
    });
  });

  it('writes a checkpoint after so many entries', async () => {
    const writer = open(0, { checkpointEntries: 2 });
    for (let n = 1; n <= 3; n++) {
      writer.append([entry(n)]);
      await writer.drained();
    }
    expect(contents()).toEqual(['checkpoint 1/1', '1', '2', 'checkpoint 1/1', '3']);
  });

  it('cut off for too long: drops entries but no settlement, says so, and reconciles', async () => {
    const writer = open(0, { maxWaitingBytes: 1_000 });
    await writer.drained();
    stream.isAway = true;
    const shown: number[] = [];
    const position: LogPosition = { cursor: undefined };
    let place: unknown = 'not shown';
    writer.append([entry(0, { position })], () => {
      // Who would send a command sees that nothing proves it to be in the stream.
      place = position.cursor;
      shown.push(0);
    });
    await clock.turn();
    const since = new Date(clock.date()).toISOString().slice(0, 23);
    writer.append([entry(1)], () => shown.push(1));
    await clock.advance(50);
    for (let n = 2; n <= 40; n++) writer.append([entry(n)], () => shown.push(n));
    writer.append([entry(41, { type: 'GATEWAY_JOB_SETTLED', data: SETTLED })], () => shown.push(41));
    expect(writer.status.waitingBytes).toBeLessThan(1_000);
    stream.isAway = false;
    await clock.advance(100);
    await writer.drained();
    expect(contents()).toEqual(['checkpoint 1/1', '0', 'checkpoint 1/1', 'GATEWAY_JOB_SETTLED GATEWAY_SOURCE_GAP']);
    expect(told).toEqual(['failing', 'gap 40']);
    expect(place).toBeUndefined();
    expect(shown).toEqual(Array.from({ length: 42 }, (_, n) => n));
    expect(readBody(stream.written.at(-1) ?? '')).toMatchObject({
      entries: [{}, { data: { dropped: 40, since: expect.stringContaining(since) } }],
    });
  });
});
