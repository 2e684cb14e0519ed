// Looking into a folder without a gateway: what is whole, cut, damaged or missing, and its entries; nothing in it changes.
import { readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cloudEvent } from '../../../src/cli/log.js';
import { type ExportedEntry, exportEntries, FolderInUse, inspectFolder } from '../../../src/log/index.js';
import { append, draftOf, edit, openTestDiskLog, segmentsIn } from '../../support/disk-log.js';
import { copyOf, newFolder } from '../../support/folder.js';

const SMALL = { maxBytes: 524_288, tailBytes: 1_024 };
const TYPES = Array.from({ length: 200 }, (_, n) => `E${n}`);

/** The folder of a log with several files, after its end. */
async function openLong(): Promise<string> {
  const path = newFolder();
  const { log, checkpointFrom } = await openTestDiskLog(path, { limits: SMALL });
  checkpointFrom(() => ['"saved"']);
  for (const type of TYPES)
    await new Promise<void>((resolve) => log.append([draftOf(type, { data: 'x'.repeat(1_000) })], resolve));
  await log.close();
  return path;
}

const bytesOf = (path: string): string[] =>
  readdirSync(path).map((name) => `${name} ${readFileSync(join(path, name)).toString('latin1')}`);

async function exported(path: string, since = 0) {
  const entries: ExportedEntry[] = [];
  const damages: string[] = [];
  for await (const each of exportEntries(path, since, (file, state) => damages.push(`${file} ${state}`)))
    entries.push(each);
  return { entries, damages, types: entries.map(({ entry }) => entry.type) };
}

describe('a folder', () => {
  it('that is whole is said to be: its files, offsets and checkpoint; nothing in it changes', async () => {
    const path = await openLong();
    const before = bytesOf(path);
    const { state, checkpoint, files, problems } = await inspectFolder(path);
    expect(problems).toEqual([]);
    expect(state?.isClean).toBe(true);
    expect(checkpoint).toEqual({ kind: 'read', offset: 200 });
    expect(files.map(({ name, state: each }) => [name, each])).toEqual(segmentsIn(path).map((name) => [name, 'whole']));
    expect(files.length).toBeGreaterThan(2);
    expect([files[0]?.firstOffset, files.at(-1)?.lastOffset]).toEqual([1, 200]);
    expect(files.reduce((sum, { entries }) => sum + entries, 0)).toBe(200);
    await exported(path);
    expect(bytesOf(path)).toEqual(before);
  });

  it('that a gateway uses is not checked, and its entries are read', async () => {
    const path = newFolder();
    const { log } = await openTestDiskLog(path);
    await append(log, 'A', 'B');
    await expect(inspectFolder(path)).rejects.toThrow(FolderInUse);
    expect((await exported(path)).types).toEqual(['A', 'B']);
  });

  it('of a killed gateway may end within an append: that is no damage', async () => {
    const living = newFolder();
    const { log } = await openTestDiskLog(living);
    await append(log, 'A', 'B');
    await append(log, 'C');
    const path = copyOf(living);
    const newest = join(path, segmentsIn(path).at(-1) ?? '');
    truncateSync(newest, readFileSync(newest).length - 5);
    const { files, problems } = await inspectFolder(path);
    expect([files.at(-1)?.state, problems]).toEqual(['cut', []]);
    expect((await exported(path)).types).toEqual(['A', 'B']);
  });

  it.each([
    ['is empty', (newest: string) => truncateSync(newest), /^\d+\.log is empty$/],
    [
      'ends before the checkpoint does',
      (newest: string) => truncateSync(newest, readFileSync(newest).length - 5),
      /^entries 200 to 200 are missing, which the checkpoint covers$/,
    ],
  ] as const)('whose newest file %s is damaged, for a start too', async (_what, damage, problem) => {
    const path = await openLong();
    damage(join(path, segmentsIn(path).at(-1) ?? ''));
    expect((await inspectFolder(path)).problems).toContainEqual(expect.stringMatching(problem));
    expect((await openTestDiskLog(path, { limits: SMALL })).discontinuity).toBe('missing');
  });

  it('that lacks its newest file alone is a backup: no damage, and a start will begin another epoch', async () => {
    const path = await openLong();
    rmSync(join(path, segmentsIn(path).at(-1) ?? ''));
    const { problems, notes } = await inspectFolder(path);
    expect([problems, notes]).toEqual([
      [],
      [expect.stringMatching(/^the newest file, .* a start begins another epoch$/)],
    ]);
    expect((await openTestDiskLog(path, { limits: SMALL })).discontinuity).toBe('missing');
  });

  it('without a log is neither whole nor damaged', async () => {
    const path = newFolder();
    await expect(inspectFolder(path)).rejects.toThrow('there is no log');
    await expect(exported(path)).rejects.toThrow('there is no log');
  });

  it('with a changed byte, a missing file or a damaged checkpoint has these problems', async () => {
    const path = await openLong();
    const [first = '', second = ''] = segmentsIn(path);
    const damaged = copyOf(path);
    edit(damaged, first, (bytes) => {
      bytes[5_000] = (bytes[5_000] ?? 0) ^ 1;
      return bytes;
    });
    const { problems, files } = await inspectFolder(damaged);
    expect(files[0]).toMatchObject({ state: 'damaged', problem: expect.stringMatching(/^at byte \d+$/) });
    expect(problems).toContainEqual(expect.stringContaining(`${first} is damaged`));
    const { types, damages } = await exported(damaged);
    expect(damages).toEqual([`${first} damaged`]);
    expect(types).toContain('E199');
    expect(types).not.toContain('E5');
    const lacking = copyOf(path);
    rmSync(join(lacking, second));
    expect((await inspectFolder(lacking)).problems).toEqual([
      expect.stringMatching(/^entries \d+ to \d+ are missing$/),
    ]);
    const unsaved = copyOf(path);
    edit(unsaved, 'checkpoint.jsonl', (bytes) => bytes.subarray(1));
    expect((await inspectFolder(unsaved)).problems).toEqual(['checkpoint.jsonl is damaged, or of another folder']);
  });
});

it('an entry as a CloudEvent has its cursor as the id, and its source, time and job', async () => {
  const path = newFolder();
  const { log } = await openTestDiskLog(path);
  await new Promise<void>((resolve) =>
    log.append(
      [draftOf('BLOCK_JOB_READY', { job: { id: 'j', run: 'r:1' }, data: { a: 1 } }), draftOf('X', { time: null })],
      resolve,
    ),
  );
  const { entries } = await exported(path);
  expect(entries.map(cloudEvent)).toEqual([
    {
      ...{ specversion: '1.0', id: `${log.epoch}:1`, source: 'qmp-gateway/vm1', type: 'BLOCK_JOB_READY' },
      ...{ time: '2023-11-14T22:13:20.000001Z', subject: 'j', run: 'r:1' },
      ...{ datacontenttype: 'application/json', data: { a: 1 } },
    },
    expect.not.objectContaining({ time: expect.anything() }),
  ]);
});
