// The runs that have ended, in files and in memory: what a start finds, what is damaged, what goes, and what a disk that takes nothing costs.
import { appendFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HistoryFolder } from '../../src/history/index.js';
import { encodeLine, recordOf } from '../../src/history/record.js';
import { newFolder } from '../support/folder.js';
import { DAY, endedRun, namesOf, openTestHistory, readRuns } from '../support/run-history.js';

const filesIn = (path: string): string[] => readdirSync(path).sort();
const names = (count: number, from = 0): string[] => Array.from({ length: count }, (_, n) => `r:${from + n}`);

describe('the history of runs', () => {
  it('gives back what a run was, after a restart too', async () => {
    const path = newFolder();
    const settled = {
      outcome: 'failed',
      error: 'No space left: "\n',
      requestedBy: ['ci', 'ann'],
      escalated: true,
    } as const;
    const ended = endedRun('r:1', 20, {
      job: 'drive",0',
      settled: { ...settled, requestedBy: [...settled.requestedBy] },
    });
    const first = await openTestHistory(path);
    first.history.add(ended, [[1_000, 5, 100]]);
    const expected = {
      ...{ source: 'vm1', job: 'drive",0', run: 'r:1', type: 'backup', provenance: 'observed', pivoted: false },
      ...{ pivotProof: 'type', forced: false, len: 100, offset: 100, began: 'e:1', ended: 'e:9' },
      ...{ start: '2026-11-25T00:00:10.000000Z', end: '2026-11-25T00:00:20.000000Z', durationMs: 10_000 },
      ...{ ...settled, progress: [[1_000, 5, 100]] },
    };
    expect(await readRuns(first.history)).toEqual([{ crc: undefined, ...expected }]);
    await first.history.close();
    const second = await openTestHistory(path);
    expect(await readRuns(second.history)).toEqual([expected]);
    expect(second.reports).toEqual([]);
    expect(JSON.parse(readFileSync(join(path, filesIn(path)[0] ?? ''), 'utf8'))).toMatchObject({ run: 'r:1' });
  });

  it('has each run once, over a restart too', async () => {
    const path = newFolder();
    const first = await openTestHistory(path);
    first.history.add(endedRun('r:1', 1));
    first.history.add(endedRun('r:1', 2));
    await first.history.close();
    const { history } = await openTestHistory(path);
    expect(history.has({ source: 'vm1', run: 'r:1' })).toBe(true);
    history.add(endedRun('r:1', 3));
    history.add(endedRun('r:2', 4));
    expect(await namesOf(history)).toEqual(['r:2', 'r:1']);
  });

  it('writes at the end of the turn what was added in it', async () => {
    const path = newFolder();
    const { history, clock } = await openTestHistory(path);
    for (const name of names(3)) history.add(endedRun(name, 1));
    expect(filesIn(path)).toEqual([]);
    await clock.turn();
    await expect.poll(() => filesIn(path).length).toBe(1);
    await expect.poll(() => readFileSync(join(path, filesIn(path)[0] ?? ''), 'utf8').split('\n')).toHaveLength(4);
  });

  it('cuts the beginning of a line off that a killed process left, and goes on in its place', async () => {
    const path = newFolder();
    const first = await openTestHistory(path);
    first.history.add(endedRun('r:1', 1));
    await first.history.close();
    const file = join(path, filesIn(path)[0] ?? '');
    const size = statSync(file).size;
    appendFileSync(file, '{"crc":"00000000","source":"vm');
    const second = await openTestHistory(path);
    expect(second.reports).toEqual([{ kind: 'damage', file: filesIn(path)[0], position: size, damage: 'cut' }]);
    second.history.add(endedRun('r:2', 2));
    await second.history.close();
    const { history, reports } = await openTestHistory(path);
    expect([await namesOf(history), reports]).toEqual([['r:2', 'r:1'], []]);
  });

  it('skips a line whose bytes were changed, and says which', async () => {
    const path = newFolder();
    const first = await openTestHistory(path);
    for (const name of names(3)) first.history.add(endedRun(name, 1));
    await first.history.close();
    const file = join(path, filesIn(path)[0] ?? '');
    const lines = readFileSync(file, 'utf8').split('\n');
    writeFileSync(file, [lines[0], lines[1]?.replace('backup', 'mirror'), lines[2], ''].join('\n'));
    const { history, reports } = await openTestHistory(path);
    expect(await namesOf(history)).toEqual(['r:2', 'r:0']);
    const position = (lines[0]?.length ?? 0) + 1;
    expect(reports).toEqual([{ kind: 'damage', file: filesIn(path)[0], position, damage: 'damaged' }]);
  });

  it('removes its oldest file when all are over the bytes, or when its newest run is too old', async () => {
    const path = newFolder();
    const { history, clock } = await openTestHistory(path, { bytes: 32 * 1024, ageMs: 1_000_000 });
    for (const [index, name] of names(200).entries()) {
      history.add(endedRun(name, index));
      await clock.turn();
    }
    const left = await namesOf(history);
    expect(left[0]).toBe('r:199');
    expect(left.length).toBeLessThan(100);
    expect(left).toEqual(names(left.length, 200 - left.length).reverse());
    expect(history.status.bytes).toBeLessThan(34 * 1024);
    expect(history.has({ source: 'vm1', run: 'r:0' })).toBe(false);
    await clock.advance(2_000_000);
    history.add(endedRun('late', 2_000));
    await clock.turn();
    expect(await namesOf(history)).toContain('late');
    await expect.poll(() => filesIn(path).length).toBeLessThan(3);
  });

  it('begins a file with the month', async () => {
    const path = newFolder();
    const { history } = await openTestHistory(path);
    history.add(endedRun('r:1', 0));
    history.add(endedRun('r:2', 8 * 24 * 3_600));
    // A clock that was set back.
    history.add(endedRun('r:3', 0));
    await history.close();
    expect(filesIn(path)).toEqual(['00000001-2026-11.jsonl', '00000002-2026-12.jsonl']);
    expect(await namesOf((await openTestHistory(path)).history)).toEqual(['r:3', 'r:2', 'r:1']);
  });

  it('without a folder has the newest runs, within a number and bytes', async () => {
    const { history } = await openTestHistory(undefined, { memoryRuns: 160 });
    for (const name of names(1_000)) history.add(endedRun(name, 1));
    const left = await namesOf(history);
    expect(left[0]).toBe('r:999');
    expect(left.length).toBeGreaterThanOrEqual(150);
    expect(left.length).toBeLessThanOrEqual(160);
  });

  it('keeps what a disk does not take in memory, within a bound, and writes it later', async () => {
    const path = newFolder();
    const { history, clock, reports } = await openTestHistory(path, { memoryBytes: 4_096 });
    history.add(endedRun('r:0', 1));
    await clock.turn();
    const write = HistoryFolder.prototype.write;
    HistoryFolder.prototype.write = async () => {
      throw new Error('ENOSPC');
    };
    try {
      for (const name of names(50, 1)) history.add(endedRun(name, 1));
      await clock.turn();
      await expect.poll(() => reports.map(({ kind }) => kind)).toEqual(['failing']);
      const { refused, runs } = history.status;
      expect(refused).toBeGreaterThan(30);
      expect(refused + runs).toBe(51);
      expect((await namesOf(history)).at(-1)).toBe('r:0');
      expect(await namesOf(history)).toHaveLength(runs);
    } finally {
      HistoryFolder.prototype.write = write;
    }
    await clock.advance(10_000);
    await expect.poll(() => reports.map(({ kind }) => kind)).toEqual(['failing', 'recovered']);
    const { history: again } = await openTestHistory(path);
    expect(await namesOf(again)).toEqual(await namesOf(history));
  });

  it('answers in steps: of many rows that nobody wants, and where its time is up', async () => {
    const { history } = await openTestHistory();
    for (const name of names(9_000)) history.add(endedRun(name, 1));
    let looks = 0;
    const first = await history.older(
      undefined,
      () => ++looks < 0,
      () => false,
    );
    expect([first.found, looks]).toEqual([[], 4_096]);
    const second = await history.older(
      first.next,
      () => ++looks < 0,
      () => true,
    );
    expect(looks).toBeLessThan(4_200);
    const third = await history.older(
      second.next,
      () => true,
      () => false,
    );
    expect(third.found).toHaveLength(256);
  });

  it('with 100,000 runs opens in seconds of CPU and costs less than 50 MiB', async () => {
    const path = newFolder();
    const progress = Array.from({ length: 30 }, (_, n) => [n * 60_000, n * 4_194_304, 1e9] as const);
    for (let part = 0; part < 10; part++) {
      const lines = names(10_000, part * 10_000).map((name) =>
        encodeLine(recordOf(endedRun(name, 1, { source: `vm${Number(name.slice(2)) % 500}` }), DAY), progress),
      );
      writeFileSync(join(path, `0000000${part}-2026-11.jsonl`), lines.join(''));
    }
    const before = process.memoryUsage();
    // Of this process: what else the machine does adds nothing.
    const begun = process.cpuUsage();
    const { history } = await openTestHistory(path);
    const { user, system } = process.cpuUsage(begun);
    const took = (user + system) / 1_000;
    const after = process.memoryUsage();
    const cost = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
    console.log(
      `100,000 runs: opened in ${took.toFixed(0)} ms of CPU, ${(cost / 1_048_576).toFixed(1)} MiB before a collection`,
    );
    expect(history.status.runs).toBe(100_000);
    expect(took).toBeLessThan(3_000);
    const { found } = await history.older(
      undefined,
      ({ source }) => source === 'vm7',
      () => false,
    );
    expect(found[0]?.read()).toMatchObject({ source: 'vm7', run: 'r:99507' });
  });
});
