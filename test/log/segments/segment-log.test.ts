// The log in a folder: what a restart finds after a clean end and after a kill, what it makes of damage, and what happens while the disk takes nothing.
import {
  copyFileSync,
  promises as fs,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { CLOCK } from '../../../src/clock.js';
import { FolderInUse, inspectFolder } from '../../../src/log/index.js';
import {
  append,
  draftOf,
  edit,
  FaultyDisk,
  openTestDiskLog,
  segmentsIn,
  TimeInHand,
  typesOf,
} from '../../support/disk-log.js';
import { copyOf, newFolder } from '../../support/folder.js';

/** Small files, so that a few hundred entries fill several. */
const SMALL = { maxBytes: 524_288, tailBytes: 1_024 };
const BIG = 'x'.repeat(1_000);
const NAMES = Array.from({ length: 400 }, (_, index) => `E${index}`);

/** A log with several files, whose checkpoint says `saved`. */
async function openLong(path = newFolder(), names = NAMES) {
  const opened = await openTestDiskLog(path, { limits: SMALL });
  opened.checkpointFrom(() => ['"saved"']);
  for (const name of names)
    await new Promise<void>((resolve) => opened.log.append([draftOf(name, { data: BIG })], resolve));
  return { path, ...opened };
}

describe('a log on disk', () => {
  it('goes on after its end: the same epoch, the same entries, and what was saved', async () => {
    const path = newFolder();
    const first = await openTestDiskLog(path);
    expect(first.discontinuity).toBe('new');
    first.checkpointFrom(() => ['"saved"']);
    await append(first.log, 'A', 'B');
    const { cursor } = first.log;
    await first.log.close();

    const second = await openTestDiskLog(path);
    expect([second.discontinuity, second.log.cursor, second.lines, second.types]).toEqual([
      undefined,
      cursor,
      ['"saved"'],
      [],
    ]);
    await append(second.log, 'C');
    expect(await typesOf(second.log)).toEqual(['A', 'B', 'C']);
    expect(second.log.retainsAfter(1)).toBe(true);
  });

  it('goes on after a kill: everything that was shown is there, and is handed to who rebuilds the state', async () => {
    const path = newFolder();
    const { log } = await openTestDiskLog(path);
    await append(log, 'A', 'B');
    log.append([draftOf('HIDDEN', { internal: true })]);
    await append(log, 'C');
    const killed = await openTestDiskLog(copyOf(path));
    expect([killed.discontinuity, killed.log.cursor]).toEqual([undefined, log.cursor]);
    expect(killed.types).toEqual(['A', 'B', 'HIDDEN', 'C']);
    expect(await typesOf(killed.log)).toEqual(['A', 'B', 'C']);
    await append(killed.log, 'D');
    expect(killed.log.head).toBe(5);
  });

  it('shows nothing before it is written', async () => {
    const path = newFolder();
    const { log } = await openTestDiskLog(path);
    const seen: number[] = [];
    log.entries$.subscribe(() => seen.push(statSync(join(path, segmentsIn(path)[0] ?? '')).size));
    const before = statSync(join(path, segmentsIn(path)[0] ?? '')).size;
    const shown = append(log, 'A');
    expect([log.head, seen]).toEqual([0, []]);
    await shown;
    expect(seen[0]).toBeGreaterThan(before);
  });

  it('reads entries that memory no longer has from its files, in order and without a gap', async () => {
    const { log, path } = await openLong();
    expect(segmentsIn(path).length).toBeGreaterThan(3);
    expect(await typesOf(log)).toEqual(NAMES);
    expect(await typesOf(log, 390)).toEqual(NAMES.slice(390));
    await log.close();
    const again = await openTestDiskLog(path, { limits: SMALL });
    expect(await typesOf(again.log)).toEqual(NAMES);
    expect(again.lines).toEqual(['"saved"']);
  });

  it('removes its oldest file when it is over the quota, but none that no checkpoint covers', async () => {
    const path = newFolder();
    const names = Array.from({ length: 1_000 }, (_, index) => `E${index}`);
    const bare = await openTestDiskLog(path, { limits: SMALL });
    for (const name of names)
      await new Promise<void>((resolve) => bare.log.append([draftOf(name, { data: BIG })], resolve));
    expect(bare.log.retainsAfter(0)).toBe(true);
    expect(bare.log.status.bytes).toBeGreaterThan(SMALL.maxBytes);
    bare.checkpointFrom(() => ['"saved"']);
    await append(bare.log, 'LAST');
    await expect.poll(() => bare.log.status.bytes).toBeLessThanOrEqual(SMALL.maxBytes);
    expect(bare.log.retainsAfter(0)).toBe(false);
    expect(bare.log.status.evicted.bytes).toBeGreaterThan(0);
    const oldest = bare.log.evictedUpTo();
    expect(await typesOf(bare.log, oldest)).toEqual([...names, 'LAST'].slice(oldest));
  });

  it('removes files that are too old', async () => {
    const clock = new TimeInHand();
    const path = newFolder();
    const { log, checkpointFrom } = await openTestDiskLog(path, { clock, limits: { ageMs: 1_000, checkMs: 100 } });
    checkpointFrom(() => []);
    await append(log, 'OLD');
    await clock.advance(2_000);
    await append(log, 'NEW');
    await expect
      .poll(async () => {
        await clock.advance(100);
        return log.status.evicted.age;
      })
      .toBeGreaterThan(0);
    await expect.poll(() => segmentsIn(path)).not.toContain('0000000000000001.log');
  });

  it('finds the entries since a time', async () => {
    const clock = new TimeInHand();
    const { log } = await openTestDiskLog(newFolder(), { clock });
    for (const type of ['A', 'B', 'C']) {
      await append(log, type);
      await clock.advance(1_000);
    }
    const start = clock.date() - 3_000;
    expect([start, start + 1_500, start + 5_000].map((time) => log.offsetAt(time))).toEqual([0, 2, 3]);
  });

  it('keeps the order of its times where the clock is set back', async () => {
    const clock = new TimeInHand();
    const path = newFolder();
    const { log } = await openTestDiskLog(path, { clock });
    await append(log, 'A');
    clock.setDate(-3_600_000);
    await append(log, 'B');
    const again = await openTestDiskLog(copyOf(path));
    expect(await typesOf(again.log)).toEqual(['A', 'B']);
  });

  it('belongs to one gateway; what a killed one leaves is no hindrance', async () => {
    const path = newFolder();
    const { log } = await openTestDiskLog(path);
    await expect(openTestDiskLog(path)).rejects.toThrow(FolderInUse);
    await log.close();
    writeFileSync(join(path, 'owner.sock'), '');
    await openTestDiskLog(path);
  });

  it('has a mode that keeps others out', async () => {
    const path = join(newFolder(), 'made');
    const { log } = await openTestDiskLog(path);
    await append(log, 'A');
    expect(statSync(path).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(path).filter((each) => !each.endsWith('.sock')))
      expect([name, statSync(join(path, name)).mode & 0o777]).toEqual([name, 0o600]);
  });
});

describe('a start', () => {
  it('cuts an append that was not whole, at whatever byte it ends, and goes on', async () => {
    const path = newFolder();
    const { log } = await openTestDiskLog(path);
    await append(log, 'A');
    const [name = ''] = segmentsIn(path);
    const whole = statSync(join(path, name)).size;
    await append(log, 'B', 'C');
    const full = statSync(join(path, name)).size;
    for (let size = whole; size < full; size++) {
      const copy = copyOf(path);
      truncateSync(join(copy, name), size);
      const killed = await openTestDiskLog(copy);
      expect([size, killed.discontinuity, killed.types]).toEqual([size, undefined, ['A']]);
      await killed.log.close();
    }
  });

  it('begins another epoch where any byte of an entry or of a head was changed', { timeout: 120_000 }, async () => {
    const path = newFolder();
    const { log } = await openTestDiskLog(path);
    await append(log, 'A');
    await append(log, 'B');
    const [name = ''] = segmentsIn(path);
    const size = statSync(join(path, name)).size;
    for (let at = 0; at < size; at++) {
      const copy = copyOf(path);
      edit(copy, name, (bytes) => {
        bytes.writeUInt8(bytes.readUInt8(at) ^ 0x10, at);
        return bytes;
      });
      const damaged = await openTestDiskLog(copy);
      expect([at, damaged.log.epoch === log.epoch]).toEqual([at, false]);
      expect(['damaged', 'foreign', 'missing']).toContain(damaged.discontinuity);
      await append(damaged.log, 'C');
      expect(await typesOf(damaged.log, damaged.log.head - 1)).toEqual(['C']);
      await damaged.log.close();
      const after = await openTestDiskLog(copy);
      expect([at, after.discontinuity, after.log.epoch]).toEqual([at, undefined, damaged.log.epoch]);
      await after.log.close();
    }
  });

  const DAMAGE: Record<string, [reason: string, damage: (path: string, name: string) => void]> = {
    'a file in the middle is missing': ['missing', (path, name) => rmSync(join(path, name))],
    'the newest file is missing': ['missing', (path) => rmSync(join(path, segmentsIn(path).at(-1) ?? ''))],
    'a file in the middle is empty': ['missing', (path, name) => writeFileSync(join(path, name), '')],
    'a file in the middle ends early': ['damaged', (path, name) => edit(path, name, (bytes) => bytes.subarray(0, -10))],
    'a file is of another folder': [
      'foreign',
      (path, name) => {
        const other = segmentsIn(path)[0] ?? '';
        copyFileSync(join(path, other), join(path, name));
      },
    ],
    'state.json is missing': ['state', (path) => rmSync(join(path, 'state.json'))],
  };
  it.each(Object.entries(DAMAGE))('begins another epoch where %s', async (_what, [reason, damage]) => {
    const { path, log } = await openLong();
    const newest = `"newest":${Number(segmentsIn(path).at(-1)?.slice(0, 16))}`;
    await expect.poll(() => readFileSync(join(path, 'state.json'), 'utf8')).toContain(newest);
    const copy = copyOf(path);
    const [, middle = ''] = segmentsIn(copy);
    damage(copy, middle);
    const opened = await openTestDiskLog(copy, { limits: SMALL });
    expect(opened.discontinuity).toBe(reason);
    expect(opened.log.epoch).not.toBe(log.epoch);
    await append(opened.log, 'AFTER');
    expect(await typesOf(opened.log, opened.log.head - 1)).toEqual(['AFTER']);
    expect(opened.log.retainsAfter(10)).toBe(false);

    // The end of the machine is no excuse for it: runs may have settled in what is missing.
    const another = copyOf(path);
    damage(another, middle);
    expect((await openTestDiskLog(another, { limits: SMALL, bootId: 'next' })).discontinuity).toBe(reason);
  });

  const TORN: Record<string, (path: string, name: string) => void> = {
    'lacks a part of the last entry': (path, name) => edit(path, name, (bytes) => bytes.subarray(0, -10)),
    'has zeros in place of the last entries': (path, name) =>
      edit(path, name, (bytes) => bytes.fill(0, bytes.length - 2_000)),
    'has nothing but zeros': (path, name) => edit(path, name, (bytes) => bytes.fill(0)),
    'is empty': (path, name) => writeFileSync(join(path, name), ''),
  };
  it.each(Object.entries(TORN))(
    'after the end of the machine finds no damage where the newest file %s',
    async (_what, tear) => {
      const path = newFolder();
      // Without a checkpoint, which would say that entries of the newest file were on the disk.
      const { log } = await openTestDiskLog(path, { limits: SMALL });
      for (const name of NAMES)
        await new Promise<void>((resolve) => log.append([draftOf(name, { data: BIG })], resolve));
      const newest = `"newest":${Number(segmentsIn(path).at(-1)?.slice(0, 16))}`;
      await expect.poll(() => readFileSync(join(path, 'state.json'), 'utf8')).toContain(newest);
      const copy = copyOf(path);
      tear(copy, segmentsIn(copy).at(-1) ?? '');
      const opened = await openTestDiskLog(copy, { limits: SMALL, bootId: 'next' });
      expect(opened.discontinuity).toBe('machine');
    },
  );

  it('after the end of the machine finds the damage where the newest file lacks more than could be on its way', async () => {
    const path = newFolder();
    const { log } = await openTestDiskLog(path);
    for (let n = 0; n < 1_200; n++) log.append([draftOf('E', { data: BIG })]);
    await append(log, 'LAST');
    const copy = copyOf(path);
    edit(copy, segmentsIn(copy)[0] ?? '', (bytes) => bytes.fill(0, 2_000, 3_000));
    expect((await openTestDiskLog(copy, { bootId: 'next' })).discontinuity).toBe('damaged');
  });

  it('begins another epoch where the checkpoint that the oldest file needs is gone', async () => {
    const { path, log } = await openLong(
      newFolder(),
      Array.from({ length: 1_000 }, (_, at) => `E${at}`),
    );
    await log.close();
    rmSync(join(path, 'checkpoint.jsonl'));
    expect((await openTestDiskLog(path, { limits: SMALL })).discontinuity).toBe('checkpoint');
  });

  it('begins another epoch after the machine went down, but not where all was on the disk or the end was clean', async () => {
    const path = newFolder();
    const { log } = await openTestDiskLog(path);
    await append(log, 'A');
    expect((await openTestDiskLog(copyOf(path), { bootId: 'next' })).discontinuity).toBe('machine');
    expect((await openTestDiskLog(copyOf(path), { bootId: '' })).discontinuity).toBe('machine');
    await log.close();
    expect((await openTestDiskLog(copyOf(path), { bootId: 'next' })).discontinuity).toBe(undefined);

    const synced = newFolder();
    const other = await openTestDiskLog(synced, { limits: { syncMs: 0 } });
    await append(other.log, 'A');
    expect((await openTestDiskLog(copyOf(synced), { bootId: 'next' })).discontinuity).toBe(undefined);
  });

  it('does not read full files that the checkpoint covers; damage in one is found soon after, and ends what it retains', async () => {
    const { path, log } = await openLong();
    await log.close();
    const [first = '', second = ''] = segmentsIn(path);
    edit(path, first, (bytes) => bytes.fill(0xff, 2_000));
    const quiet = await openTestDiskLog(path, { limits: { ...SMALL, checkMs: 3_600_000 } });
    expect([quiet.discontinuity, quiet.log.retainsAfter(0)]).toEqual([undefined, true]);
    expect(await typesOf(quiet.log, Number(second.slice(0, 16)) - 1)).toEqual(
      NAMES.slice(Number(second.slice(0, 16)) - 1),
    );
    expect(await typesOf(quiet.log)).toEqual([]);
    expect(quiet.log.retainsAfter(0)).toBe(false);
    await quiet.log.close();

    const other = await openTestDiskLog(path, { limits: SMALL });
    await expect.poll(() => other.log.retainsAfter(0)).toBe(false);
    expect(other.reports).toEqual(['unreadable']);
    expect(other.log.retainsAfter(other.log.evictedUpTo())).toBe(true);
    expect(await typesOf(other.log, other.log.evictedUpTo())).toEqual(NAMES.slice(other.log.evictedUpTo()));
  });

  it('removes an empty file that a killed process had just made', async () => {
    const path = newFolder();
    const { log } = await openTestDiskLog(path);
    await append(log, 'A');
    const copy = copyOf(path);
    writeFileSync(join(copy, '0000000000000002.log'), '');
    const opened = await openTestDiskLog(copy);
    expect(opened.discontinuity).toBe(undefined);
    await append(opened.log, 'B');
    expect(await typesOf(opened.log)).toEqual(['A', 'B']);
  });
});

describe('a disk that takes nothing', () => {
  it.each([
    { call: 'write', code: 'ENOSPC' },
    { call: 'write', code: 'ENOSPC', short: true },
    { call: 'write', code: 'EIO' },
    { call: 'write', code: 'EROFS' },
    { call: 'sync', code: 'EIO' },
  ] as const)('($call $code) leaves the log in memory under another epoch, and gets it back', async (fault) => {
    const disk = new FaultyDisk();
    const path = newFolder();
    const opened = await openTestDiskLog(path, { disk });
    const { log, reports } = opened;
    opened.checkpointFrom(() => ['"saved"']);
    await append(log, 'A');
    const { epoch } = log;
    let replaced = 0;
    log.replaced$.subscribe(() => {
      replaced += 1;
    });
    disk.fault = { ...fault };
    await append(log, 'B');
    await expect.poll(() => log.status.disk?.problem).toContain(fault.code);
    expect([replaced, log.epoch === epoch, log.retainsAfter(0), reports]).toEqual([1, false, false, ['failing']]);
    await append(log, 'C');
    expect((await typesOf(log, log.head - 1)).at(-1)).toBe('C');

    disk.fault = undefined;
    await expect.poll(() => log.status.disk?.problem).toBe(undefined);
    await expect.poll(() => reports).toEqual(['failing', 'recovered']);
    await append(log, 'D');
    expect(replaced).toBe(1);
    const { cursor } = log;
    await log.close();
    const again = await openTestDiskLog(path);
    expect([again.discontinuity, again.log.cursor, again.lines]).toEqual([undefined, cursor, ['"saved"']]);
    expect(await typesOf(again.log, again.log.evictedUpTo())).toEqual(['D']);
  });

  it('that fails until the end: the next start begins another epoch, since entries were shown that are not in the folder', async () => {
    const disk = new FaultyDisk();
    const path = newFolder();
    const { log } = await openTestDiskLog(path, { disk });
    await append(log, 'A');
    disk.fault = { call: 'write', code: 'ENOSPC' };
    await append(log, 'B');
    await expect.poll(() => readFileSync(join(path, 'state.json'), 'utf8')).toContain('"isAbandoned":true');
    await log.close();
    expect((await openTestDiskLog(path)).discontinuity).toBe('abandoned');
  });

  it('that is full gets space from the oldest file, once, and nobody notices', async () => {
    const { path, log: before } = await openLong();
    await before.close();
    const disk = new FaultyDisk();
    const { log } = await openTestDiskLog(path, { disk, limits: SMALL });
    const { epoch } = log;
    disk.unlink = async (file) => {
      disk.unlinked.push(file);
      rmSync(file);
      disk.fault = undefined;
    };
    disk.fault = { call: 'write', code: 'ENOSPC' };
    await append(log, 'AFTER');
    expect([log.epoch === epoch, disk.unlinked.length, log.status.disk?.problem]).toEqual([true, 1, undefined]);
  });

  it('is left before it is full: so much of it stays free for others', async () => {
    const disk = new FaultyDisk();
    const { log } = await openTestDiskLog(newFolder(), { disk, limits: { reserveBytes: 1_000 } });
    await append(log, 'A');
    disk.freeBytes = 999;
    await expect.poll(() => log.status.disk?.problem).toBe('less than 1000 bytes of the disk are free');
    disk.freeBytes = 2_000;
    await expect.poll(() => log.status.disk?.problem).toBe(undefined);
  });

  it('at the start is the same: the log is in memory', async () => {
    const disk = new FaultyDisk();
    disk.fault = { call: 'write', code: 'ENOSPC' };
    const { log, reports } = await openTestDiskLog(newFolder(), { disk });
    await append(log, 'A');
    expect([log.head, reports]).toEqual([1, ['failing']]);
  });

  it('that has lost what it had: who needs it finds it gone, and the rest goes on', async () => {
    const { path, log, reports } = await openLong();
    const [first = ''] = segmentsIn(path);
    edit(path, first, (bytes) => bytes.fill(0xff, 2_000));
    expect(await typesOf(log)).toEqual([]);
    expect(reports).toContain('unreadable');
    expect(log.retainsAfter(0)).toBe(false);
    expect(await typesOf(log, log.evictedUpTo())).toEqual(NAMES.slice(log.evictedUpTo()));
  });

  it('that is back counts as whole only when a checkpoint stands for what was in memory: a kill before that is another epoch', async () => {
    const disk = new FaultyDisk();
    const path = newFolder();
    const { log, checkpointFrom } = await openTestDiskLog(path, { disk });
    await append(log, 'A');
    disk.fault = { call: 'write', code: 'ENOSPC' };
    await append(log, 'B');
    disk.fault = undefined;
    await expect.poll(() => log.status.disk?.problem).toBe(undefined);
    await append(log, 'C');
    const abandoned = await openTestDiskLog(copyOf(path));
    expect([abandoned.discontinuity, abandoned.log.begin]).toEqual(['abandoned', 3]);
    checkpointFrom(() => []);
    await expect.poll(() => readFileSync(join(path, 'state.json'), 'utf8')).toContain('"isAbandoned":false');
    const whole = await openTestDiskLog(copyOf(path));
    expect([whole.discontinuity, whole.log.epoch]).toEqual([undefined, log.epoch]);
    // B is of this epoch, and is not in the folder: its beginning is not retained.
    expect([log.begin, whole.log.begin, whole.log.retainsAfter(1), whole.log.retainsAfter(2)]).toEqual([
      1,
      1,
      false,
      true,
    ]);
  });

  it('that gives no new file removes nothing and ends nothing: the newest file goes on, for a while', async () => {
    const disk = new FaultyDisk();
    const { path, log: before } = await openLong();
    await before.close();
    const { log } = await openTestDiskLog(path, { disk, limits: { ...SMALL, checkMs: 60_000 } });
    const files = segmentsIn(path);
    disk.fault = { call: 'create', code: 'EMFILE' };
    for (const name of NAMES.slice(0, 150))
      await new Promise<void>((resolve) => log.append([draftOf(name, { data: BIG })], resolve));
    expect([segmentsIn(path), log.status.evicted.bytes, log.status.disk?.problem]).toEqual([files, 0, undefined]);
    for (const name of NAMES) await new Promise<void>((resolve) => log.append([draftOf(name, { data: BIG })], resolve));
    await expect
      .poll(() => append(log, 'MORE').then(() => log.status.disk?.problem ?? ''), { timeout: 5_000 })
      .toContain('EMFILE');
  });

  it('that does not answer takes nothing: with and without waiting for it', async () => {
    for (const syncMs of [0, 1]) {
      const disk = new FaultyDisk();
      const { log } = await openTestDiskLog(newFolder(), { disk, limits: { syncMs, syncLimitMs: 30 } });
      await append(log, 'A');
      disk.hangs = 'sync';
      await append(log, 'B');
      await expect.poll(() => log.status.disk?.problem).toBe('the disk did not answer for 30 ms');
      await log.close();
    }
  });

  it('that hangs in any call stops nobody: entries wait for it, then go on in memory; nothing more is asked of it; the end is bounded', async () => {
    const disk = new FaultyDisk();
    const path = newFolder();
    // Longer than a real disk takes beside other work.
    const { log, reports } = await openTestDiskLog(path, { disk, limits: { syncLimitMs: 400 } });
    await append(log, 'A');
    const { epoch } = log;
    disk.hangs = 'all';
    const shown = append(log, 'B');
    await new Promise((resolve) => setImmediate(resolve));
    // The loop goes on, and nothing is shown that the disk, which has not failed yet, has not taken.
    expect([log.head, log.epoch === epoch]).toEqual([1, true]);
    await shown;
    expect([log.head, log.epoch === epoch, log.status.disk?.problem]).toEqual([
      2,
      false,
      'the disk did not answer for 400 ms',
    ]);
    await append(log, 'C');
    const { hanging } = disk;
    // Of a log with the same interval: meanwhile this one has been due as often.
    let checks = 0;
    const beside = new FaultyDisk();
    beside.free = async () => {
      checks += 1;
      return Number.MAX_SAFE_INTEGER;
    };
    await openTestDiskLog(newFolder(), { disk: beside });
    await expect.poll(() => checks).toBeGreaterThan(5);
    expect([disk.hanging, hanging < 4]).toEqual([hanging, true]);

    disk.answer();
    await expect.poll(() => log.status.disk?.problem).toBe(undefined);
    expect(reports).toEqual(['failing']);
    await append(log, 'D');
    disk.hangs = 'all';
    await log.close();
    expect((await openTestDiskLog(copyOf(path))).discontinuity).toBe('abandoned');
  });

  it('that does not say whose the folder is is asked that once until it answers', async () => {
    const path = newFolder();
    const { log } = await openTestDiskLog(path, { limits: { syncLimitMs: 30 } });
    await append(log, 'A');
    let asked = 0;
    let answer: () => void = () => undefined;
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const stat = fs.stat.bind(fs);
    const spy = vi.spyOn(fs, 'stat').mockImplementation(async (file, options) => {
      if (String(file).startsWith(path)) {
        asked += 1;
        await answered;
      }
      return stat(file, options);
    });
    onTestFinished(() => spy.mockRestore());
    await expect.poll(() => log.status.disk?.problem).toBe('the disk did not answer for 30 ms');
    // Of a log with the same interval and a longer bound: meanwhile this one has been due as often.
    let looks = 0;
    const beside = new FaultyDisk();
    beside.free = async () => {
      looks += 1;
      return Number.MAX_SAFE_INTEGER;
    };
    await openTestDiskLog(newFolder(), { disk: beside });
    await expect.poll(() => looks).toBeGreaterThan(20);
    expect(asked).toBe(1);
    answer();
    await expect.poll(() => log.status.disk?.problem).toBe(undefined);
  });

  it('that does not answer who reads older entries takes nothing either: they are reset within the bound; damage is none', async () => {
    const { path, log: before } = await openLong();
    await before.close();
    const disk = new FaultyDisk();
    const { log, reports, checkpointFrom } = await openTestDiskLog(path, {
      disk,
      limits: { ...SMALL, syncLimitMs: 400 },
    });
    checkpointFrom(() => ['"saved"']);
    const { epoch } = log;
    disk.hangs = 'read';
    const { pending } = log.readAfter(0, 64);
    expect(pending).toBeDefined();
    await pending;
    expect([log.retainsAfter(0), log.epoch === epoch]).toEqual([false, false]);
    expect([reports, log.status.disk?.problem]).toEqual([['failing'], 'the disk did not answer for 400 ms']);
    // Nothing more is asked of it until it has answered; then the folder is whole, as it was.
    await append(log, 'MEANWHILE');
    disk.answer();
    await expect.poll(() => log.status.disk?.problem).toBe(undefined);
    await append(log, 'AFTER');
    expect(await typesOf(log, log.head - 1)).toEqual(['AFTER']);
    await log.close();
    expect((await inspectFolder(path)).problems).toEqual([]);
  });

  it('that is slow has the whole of its bound for each read of a file that a start has not read, and for the end none of them counts', async () => {
    const { path, log: before } = await openLong();
    const { epoch } = before;
    await before.close();
    const newestFull = segmentsIn(path).at(-2) ?? '';
    edit(path, newestFull, (bytes) => bytes.fill(0xff, 60_000));
    const clock = new TimeInHand();
    const disk = new FaultyDisk();
    const { log, reports } = await openTestDiskLog(path, { disk, clock, limits: { ...SMALL, checkMs: 60_000 } });
    disk.hangs = 'read';
    await clock.advance(60_000);
    for (let reads = 0; reads < 2; reads++) {
      await expect.poll(() => disk.hanging).toBe(1);
      await clock.advance(6_000);
      disk.answer();
      disk.hangs = 'read';
    }
    // Of the damage: it was read to there.
    await expect.poll(() => reports).toEqual(['unreadable']);
    expect([log.epoch, log.status.disk?.problem]).toEqual([epoch, undefined]);
    await clock.advance(48_000);
    await expect.poll(() => disk.hanging).toBe(1);
    await log.close();
    disk.answer();
    expect([reports, (await openTestDiskLog(path)).discontinuity]).toEqual([['unreadable'], undefined]);
  });

  it('of which a read finds no descriptor free is read again, and takes nothing from who is behind', async () => {
    const { path, log: before } = await openLong();
    const all = await typesOf(before);
    await before.close();
    const disk = new FaultyDisk();
    const { log, reports } = await openTestDiskLog(path, { disk, limits: SMALL });
    disk.fault = { call: 'read', code: 'EMFILE' };
    const { pending } = log.readAfter(0, 64);
    await pending;
    disk.fault = undefined;
    expect(await typesOf(log)).toEqual(all);
    expect([log.retainsAfter(0), reports]).toEqual([true, []]);
  });

  it('is brought up to date with what was written while it was being brought up to date', async () => {
    const disk = new FaultyDisk();
    const { log } = await openTestDiskLog(newFolder(), { disk, limits: { syncMs: 1 } });
    await append(log, 'A');
    disk.hangs = 'sync';
    await append(log, 'B');
    await expect.poll(() => disk.hanging).toBeGreaterThan(0);
    const { syncs } = disk;
    await append(log, 'C');
    // A timer of the same length that is set later fires later: its time has come. Nothing else is written any more.
    await new Promise<void>((later) => CLOCK.after(1, later));
    disk.answer();
    await expect.poll(() => disk.syncs).toBeGreaterThan(syncs);
  });

  it.each([
    { by: 'the next sync', syncMs: 0 },
    { by: 'a checkpoint', syncMs: 60_000 },
  ])(
    'but for the end of a full file takes nothing, as $by finds: what is lost is not covered as if it were there',
    async ({ syncMs }) => {
      const disk = new FaultyDisk();
      const path = newFolder();
      const opened = await openTestDiskLog(path, { disk, limits: { ...SMALL, syncMs, checkMs: 60_000 } });
      const { log, reports } = opened;
      opened.checkpointFrom(() => ['"saved"']);
      const { epoch } = log;
      const [create, sync] = [disk.create.bind(disk), disk.sync.bind(disk)];
      disk.create = async (file) => {
        // The full file is brought to the disk once, just after the next one was made. A second try would find nothing to do.
        if (file.endsWith('.log'))
          disk.sync = async () => {
            disk.sync = sync;
            throw Object.assign(new Error('EIO: no'), { code: 'EIO' });
          };
        return create(file);
      };
      for (const name of NAMES.slice(0, 70))
        await new Promise<void>((resolve) => log.append([draftOf(name, { data: BIG })], resolve));
      await expect.poll(() => log.status.disk?.problem).toBe('EIO: no');
      expect([log.epoch === epoch, reports]).toEqual([false, ['failing']]);
      await expect.poll(() => readFileSync(join(path, 'state.json'), 'utf8')).toContain('"isAbandoned":true');
      expect(readdirSync(path)).not.toContain('checkpoint.jsonl');
    },
  );

  it('but for what was being brought to it when the end began: the end is not a clean one', async () => {
    const disk = new FaultyDisk();
    const path = newFolder();
    const { log, reports } = await openTestDiskLog(path, { disk });
    const sync = disk.sync.bind(disk);
    let fail: ((error: Error) => void) | undefined;
    disk.sync = () =>
      new Promise((_, reject) => {
        disk.sync = sync;
        fail = reject;
      });
    await append(log, 'A');
    await expect.poll(() => fail).toBeDefined();
    const closed = log.close();
    fail?.(new Error('EIO: no'));
    await closed;
    expect([reports, (await openTestDiskLog(path)).discontinuity]).toEqual([['failing'], 'abandoned']);
  });

  it('but for a checkpoint is tried at the next look, not with each entry', async () => {
    const clock = new TimeInHand();
    const disk = new FaultyDisk();
    const path = newFolder();
    const { log, reports, checkpointFrom } = await openTestDiskLog(path, {
      disk,
      clock,
      limits: { ...SMALL, syncMs: 0, checkMs: 60_000 },
    });
    let captured = 0;
    checkpointFrom(() => {
      captured += 1;
      return ['"saved"'];
    });
    disk.fault = { call: 'checkpoint', code: 'EIO' };
    for (const name of NAMES.slice(0, 70))
      await new Promise<void>((resolve) => log.append([draftOf(name, { data: BIG })], resolve));
    await expect.poll(() => reports).toEqual(['checkpoint-failed']);
    for (const name of NAMES.slice(70, 90)) await append(log, name);
    expect([captured, reports]).toEqual([1, ['checkpoint-failed']]);
    disk.fault = undefined;
    // Nothing is being asked of the disk meanwhile, which would not answer before so much time has passed.
    await clock.advance(60_000);
    await expect.poll(() => readdirSync(path)).toContain('checkpoint.jsonl');
    expect(captured).toBe(2);
  });

  it('that refuses to close files, or is gone with its folder, ends nothing', async () => {
    const disk = new FaultyDisk();
    const { log, reports } = await openTestDiskLog(newFolder(), { disk, limits: SMALL });
    disk.fault = { call: 'close', code: 'EIO' };
    for (const name of NAMES.slice(0, 150))
      await new Promise<void>((resolve) => log.append([draftOf(name, { data: BIG })], resolve));
    disk.freeBytes = -1;
    await expect.poll(() => reports).toContain('failing');

    const path = newFolder();
    const other = await openTestDiskLog(path, { limits: SMALL });
    await append(other.log, 'A');
    rmSync(path, { recursive: true });
    await expect.poll(() => other.log.status.disk?.problem).toBe('the folder was removed, or another gateway took it');
    await append(other.log, 'B');
    expect(other.log.head).toBe(2);
  });

  it('that failed and is back leaves files of earlier epochs that nobody reads: their end is not taken for damage', async () => {
    const disk = new FaultyDisk();
    const path = newFolder();
    const { log, reports, checkpointFrom } = await openTestDiskLog(path, { disk });
    checkpointFrom(() => []);
    await append(log, 'A');
    disk.fault = { call: 'write', code: 'EIO' };
    await append(log, 'B');
    disk.fault = undefined;
    await expect.poll(() => reports).toEqual(['failing', 'recovered']);
    await append(log, 'C');
    await log.close();
    let checks = 0;
    const counted = new FaultyDisk();
    counted.free = async () => {
      checks += 1;
      return Number.MAX_SAFE_INTEGER;
    };
    const again = await openTestDiskLog(path, { disk: counted });
    await expect.poll(() => checks).toBeGreaterThan(3);
    expect([again.discontinuity, again.reports]).toEqual([undefined, []]);
  });

  it('whose folder is made anew, or put back, takes entries again; not where another gateway has it', async () => {
    const path = newFolder();
    const opened = await openTestDiskLog(path);
    const { log, reports } = opened;
    opened.checkpointFrom(() => ['"saved"']);
    await append(log, 'A');
    rmSync(path, { recursive: true });
    await expect.poll(() => log.status.disk?.problem).toBe('the folder was removed, or another gateway took it');
    await append(log, 'B');
    mkdirSync(path);
    await expect.poll(() => reports).toEqual(['failing', 'recovered']);
    await append(log, 'C');
    // Once its state and a checkpoint are in the folder too.
    await expect
      .poll(async () => {
        const copy = await openTestDiskLog(copyOf(path));
        return [copy.discontinuity, copy.log.epoch, copy.lines];
      })
      .toEqual([undefined, log.epoch, ['"saved"']]);

    renameSync(path, `${path}.away`);
    await expect.poll(() => log.status.disk?.problem).toBeDefined();
    renameSync(`${path}.away`, path);
    await expect.poll(() => log.status.disk?.problem).toBe(undefined);

    // At once: an empty folder is taken by whoever sees it first.
    const theirs = newFolder();
    const other = await openTestDiskLog(theirs, { limits: { checkMs: 60_000 } });
    renameSync(path, `${path}.away`);
    renameSync(theirs, path);
    await expect.poll(() => log.status.disk?.problem).toBeDefined();
    const state = readFileSync(join(path, 'state.json'), 'utf8');
    await log.close();
    expect(readFileSync(join(path, 'state.json'), 'utf8')).toBe(state);
    renameSync(path, theirs);
    await other.log.close();
    expect((await openTestDiskLog(theirs)).discontinuity).toBe(undefined);
    rmSync(`${path}.away`, { recursive: true });
  });

  it('whose folder was away says that entries are missing as soon as it is back, also where it has no room', async () => {
    const disk = new FaultyDisk();
    const path = newFolder();
    const { log } = await openTestDiskLog(path, { disk, limits: { reserveBytes: 1_000 } });
    await append(log, 'A');
    // More than the reserve, but too little to begin again.
    disk.freeBytes = 1_500;
    renameSync(path, `${path}.away`);
    await expect.poll(() => log.status.disk?.problem).toBeDefined();
    await append(log, 'B');
    expect(readFileSync(join(`${path}.away`, 'state.json'), 'utf8')).toContain('"isAbandoned":false');
    renameSync(`${path}.away`, path);
    await expect.poll(() => readFileSync(join(path, 'state.json'), 'utf8')).toContain('"isAbandoned":true');
    expect((await openTestDiskLog(copyOf(path))).discontinuity).toBe('abandoned');
    expect(log.status.disk?.problem).toBeDefined();
  });

  it('that takes no last checkpoint is a clean end all the same', async () => {
    const disk = new FaultyDisk();
    const path = newFolder();
    const { log, checkpointFrom, reports } = await openTestDiskLog(path, { disk });
    checkpointFrom(() => []);
    await append(log, 'A');
    const { cursor } = log;
    disk.fault = { call: 'checkpoint', code: 'ENOSPC' };
    await log.close();
    expect(reports).toEqual(['checkpoint-failed']);
    const again = await openTestDiskLog(path, { bootId: 'next' });
    expect([again.discontinuity, again.log.cursor]).toEqual([undefined, cursor]);
  });
});

it('a read from the newest entry that clients see ends, whatever follows that they do not see', async () => {
  const path = newFolder();
  const { log } = await openTestDiskLog(path, { limits: SMALL });
  await append(log, 'A');
  const hidden = Array.from({ length: 80 }, () => draftOf('HIDDEN', { internal: true, data: BIG }));
  await new Promise<void>((resolve) => log.append(hidden, resolve));
  await new Promise<void>((resolve) => log.append([draftOf('HIDDEN', { internal: true })], resolve));
  const again = await openTestDiskLog(copyOf(path), { limits: SMALL });
  for (let times = 0; times < 2; times++) expect(again.log.readAfter(1, 64)).toEqual({ entries: [], examined: 1 });
  expect(await typesOf(again.log)).toEqual(['A']);
});
