// Who has the folder of a log, where its path is as long as it may be: every name of the socket must fit into an address, which has 107 bytes.
import { promises as fs, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { CLOCK } from '../../../src/clock.js';
import { checkLength, FolderInUse, isOwned, ownFolder } from '../../../src/log/segments/owner.js';
import { newFolder } from '../../support/folder.js';

const LONGEST = 87;

function longFolder(): string {
  const parent = `${newFolder()}/`;
  const path = parent.padEnd(LONGEST, 'x');
  mkdirSync(path);
  return path;
}

async function listen(path: string): Promise<void> {
  const server = createServer((socket) => socket.destroy());
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(path, resolve));
}

it('a path of 87 bytes is the longest', () => {
  expect(() => checkLength('x'.repeat(LONGEST))).not.toThrow();
  expect(() => checkLength('x'.repeat(LONGEST + 1))).toThrow('at most 87 bytes');
});

it('the name of a gateway that came after the stale one was seen is put back, in a folder of the longest path too', async () => {
  const folder = longFolder();
  const name = join(folder, 'owner.sock');
  writeFileSync(name, '');
  const rename = fs.rename.bind(fs);
  vi.spyOn(fs, 'rename').mockImplementation(async (from, to) => {
    await fs.rm(name);
    await listen(name);
    await rename(from, to);
  });
  onTestFinished(() => void vi.restoreAllMocks());
  await expect(ownFolder(folder, CLOCK)).rejects.toThrow(FolderInUse);
  expect(await isOwned(folder)).toBe(true);
  expect(await fs.readdir(folder)).toEqual(['owner.sock']);
});
