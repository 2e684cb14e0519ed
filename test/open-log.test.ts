// What the gateway's own log says of the log of events at a start.
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { Config } from '../src/config/index.js';
import { openLog } from '../src/open-log.js';
import { FaultyDisk } from './support/disk-log.js';
import { newFolder } from './support/folder.js';

async function startOn(folder: string, disk: FaultyDisk, said: string[] = [], sayMs = 10_000): Promise<string[]> {
  const write = (line: string, _encoding: unknown, done: () => void): void => {
    said.push((JSON.parse(line) as { msg: string }).msg);
    done();
  };
  const logger = pino(new Writable({ decodeStrings: false, write }));
  const config = { data: { folder, syncMs: 50 }, limits: { log: {}, disk: {} } } as Config;
  const { log } = await openLog(config, logger, { disk: { disk, reserveBytes: 0, sayMs } });
  await log.close();
  return said;
}

it('a log goes on where its disk takes entries, and begins another epoch where it takes none', async () => {
  const [folder, disk] = [newFolder(), new FaultyDisk()];
  expect(await startOn(folder, disk)).toEqual(['the log begins']);
  expect(await startOn(folder, disk)).toEqual(['the log goes on']);
  disk.fault = { call: 'write', code: 'ENOSPC' };
  expect(await startOn(folder, disk)).toEqual([
    'the log cannot be written: events are kept in memory alone',
    'the log begins another epoch, in memory alone',
  ]);
});

it('a start that waits for its disk says so', async () => {
  const [said, disk]: [string[], FaultyDisk] = [[], new FaultyDisk()];
  disk.hangs = 'all';
  const started = startOn(newFolder(), disk, said, 5);
  await expect.poll(() => said[0]).toBe('the start waits for the disk of the log, which has not answered');
  disk.answer();
  expect((await started).at(-1)).toBe('the log begins');
});
