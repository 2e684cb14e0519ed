// Commands where another gateway may write for the source: none is written to QEMU before the log has its entry.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CallContext } from '../../src/access/index.js';
import { JobCommands } from '../../src/jobs/commands/job-commands.js';
import { SourceRegistry } from '../../src/jobs/tracking/source-registry.js';
import type { Answer } from '../../src/protocol/answer.js';
import type { EntryDraft } from '../../src/protocol/draft.js';
import { me } from '../support/access.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakeQemu, settle } from '../support/fake-qemu.js';
import { TestJournal } from '../support/journal.js';
import { openTracked, type Tracked } from '../support/tracked.js';

/** A log that takes entries when the test says so. */
class HeldJournal extends TestJournal {
  readonly isFenced = true;
  isHeld = false;
  readonly #held: [readonly EntryDraft[], (() => void) | undefined][] = [];

  override append(drafts: readonly EntryDraft[], shown?: () => void): void {
    if (this.isHeld) this.#held.push([drafts, shown]);
    else super.append(drafts, shown);
  }

  async take(): Promise<void> {
    this.isHeld = false;
    for (const each of this.#held.splice(0)) super.append(...each);
    await new Promise<void>((resolve) => super.append([], resolve));
    await settle();
  }
}

let clock: FakeClock;
let journal: HeldJournal;
let tracked: Tracked;
let qemu: FakeQemu;
let commands: JobCommands;

beforeEach(async () => {
  clock = new FakeClock();
  journal = new HeldJournal();
  const registry = new SourceRegistry(clock);
  commands = new JobCommands(registry, clock, () => undefined);
  tracked = openTracked({
    ...{ clock, journal },
    listener: { signal: (source, signal) => commands.take(source, signal), measured: () => undefined },
    source: { socketBirth: () => 'birth' },
  });
  registry.add(tracked.tracker);
  qemu = new FakeQemu(tracked);
  await qemu.connect();
  qemu.start('j', 'mirror');
  await settle();
});

afterEach(() => {
  commands.close();
  tracked.close();
});

const target = { source: 'vm1', job: 'j' };

function context(ms = 1_000, signal = new AbortController().signal): CallContext {
  const receivedAt = clock.now();
  return { principal: me, address: undefined, receivedAt, deadline: receivedAt + ms, signal, request: 'r1' };
}

const reasonOf = (answer: Answer<object>): unknown =>
  answer.ok ? answer.result : [answer.error.reason, answer.error.data?.accepted];

const names = (): string[] => qemu.written.map(({ name }) => name);
const entries = (): unknown[] =>
  journal.drafts.filter(({ type }) => type.startsWith('GATEWAY_COMMAND')).map(({ type, data }) => [type, data]);

describe('a fenced command', () => {
  it('is written once the log has its entry, which names the call', async () => {
    journal.isHeld = true;
    const abort = commands.abort(context(), target);
    await settle();
    expect(names()).toEqual([]);
    await journal.take();
    expect(names()).toEqual(['block-job-cancel']);
    expect(entries()).toEqual([['GATEWAY_COMMAND', expect.objectContaining({ verb: 'abort', request: 'r1' })]]);
    qemu.reply();
    expect(await abort).toMatchObject({ ok: true, result: { status: 'requested' } });
  });

  it('is never written where its bound has passed before: the caller is told so, and the log says so too', async () => {
    journal.isHeld = true;
    const answers = [commands.abort(context(), target), commands.pause(context(), target)];
    await settle();
    await clock.advance(1_000);
    expect((await Promise.all(answers)).map(reasonOf)).toEqual([
      ['TIMEOUT', false],
      ['TIMEOUT', false],
    ]);
    await journal.take();
    expect(names()).toEqual([]);
    const answered = journal.drafts.filter(({ type }) => type === 'GATEWAY_COMMAND_ANSWERED');
    expect(answered.map(({ data }) => data)).toEqual([
      expect.objectContaining({ result: 'refused', error: expect.stringContaining('not sent') }),
      expect.objectContaining({ result: 'refused', error: expect.stringContaining('not sent') }),
    ]);
  });

  it('is not written to a job that has ended meanwhile', async () => {
    journal.isHeld = true;
    const pause = commands.pause(context(), target);
    await settle();
    qemu.end('j', 'completed');
    await settle();
    await journal.take();
    expect(names()).toEqual([]);
    expect((await pause).ok).toBe(false);
  });

  it('is answered where the source is given up before the log has it', async () => {
    journal.isHeld = true;
    const pause = commands.pause(context(), target);
    await settle();
    tracked.tracker.close();
    await journal.take();
    expect(reasonOf(await pause)).toEqual(['SOURCE_DOWN', undefined]);
    expect(names()).toEqual([]);
  });
});
