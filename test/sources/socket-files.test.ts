// Monitors found by the files of their sockets, in real folders that the kernel watches.

import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { nameOfPath, parsePattern } from '../../src/sources/files/pattern.js';
import { type FoundSource, SocketFiles, type SocketFilesOptions } from '../../src/sources/files/socket-files.js';

describe('a pattern', () => {
  it.each([
    ['run/*.qmp', 'must begin with /'],
    ['/run//*.qmp', 'an empty part'],
    ['/run/../*.qmp', 'an empty part'],
    ['/run/**/x.qmp', 'not understood'],
    ['/run/x.qmp', 'no star'],
  ])('%s is none', (path, why) => {
    expect(parsePattern(path)).toContain(why);
  });

  it.each([
    [['vm1'], 'vm1'],
    [['tenant', 'vm1'], 'tenant-vm1'],
    [['', 'vm1'], 'vm1'],
  ])('stars that stand for %j name the source %s', (stars, name) => {
    expect(nameOfPath('/x', stars, () => false)).toBe(name);
  });

  it('a name that a source can’t have, or that is taken, gets eight digits of the path’s digest', () => {
    expect(nameOfPath('/run/my vm.qmp', ['my vm'], () => false)).toMatch(/^my-vm-[0-9a-f]{8}$/);
    expect(nameOfPath('/a/vm1.qmp', ['vm1'], () => true)).toMatch(/^vm1-[0-9a-f]{8}$/);
    expect(nameOfPath('/run/.qmp', [''], () => false)).toMatch(/^-[0-9a-f]{8}$/);
  });
});

function open(pattern: string, options: Partial<SocketFilesOptions> = {}) {
  const root = mkdtempSync(join(tmpdir(), 'found-'));
  const seen: string[] = [];
  const connected = new Set<string>();
  const notes: string[] = [];
  const parsed = parsePattern(join(root, pattern));
  if (typeof parsed === 'string') throw new Error(parsed);
  const files = new SocketFiles(
    parsed,
    {
      isTaken: (name) => name === 'taken',
      note: (what) => notes.push(what),
      open: (name, path) =>
        ({
          name,
          get isConnected() {
            return connected.has(path);
          },
        }) as FoundSource,
    },
    { settleMs: 1, goneMs: 5, ...options },
  );
  const subscription = files.sources$.subscribe((change) =>
    seen.push(change.kind === 'added' ? `+${change.source.name}` : `-${change.name}`),
  );
  onTestFinished(() => {
    subscription.unsubscribe();
    rmSync(root, { recursive: true, force: true });
  });
  const listen = async (path: string): Promise<Server> => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    const server = createServer().listen(join(root, path));
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    return server;
  };
  const until = (...expected: string[]): Promise<void> => vi.waitFor(() => expect(seen).toEqual(expected), 5_000);
  return { root, seen, connected, notes, listen, until };
}

describe('sockets that match', () => {
  it('are sources as they come and go; other files are none', async () => {
    const { root, listen, until, seen } = open('*.qmp');
    writeFileSync(join(root, 'file.qmp'), '');
    mkdirSync(join(root, 'folder.qmp'));
    await listen('other.sock');
    await listen('.hidden.qmp');
    const server = await listen('vm1.qmp');
    await until('+vm1');
    symlinkSync(join(root, 'vm1.qmp'), join(root, 'link.qmp'));
    await until('+vm1', '+link');
    server.close();
    await vi.waitFor(() => expect(seen.slice(2).sort()).toEqual(['-link', '-vm1']), 5_000);
  });

  it('are found in folders that come later, and in those that come again', async () => {
    const { root, listen, until, seen } = open('a/*/qmp-*.sock');
    await listen('a/vm1/qmp-x.sock');
    await until('+vm1-x');
    rmSync(join(root, 'a'), { recursive: true });
    await until('+vm1-x', '-vm1-x');
    await listen('a/vm1/qmp-x.sock');
    await vi.waitFor(() => expect(seen).toHaveLength(3), 5_000);
    renameSync(join(root, 'a/vm1'), join(root, 'a/vm2'));
    await vi.waitFor(() => expect(seen.slice(3).sort()).toEqual(['+vm2-x', '-vm1-x']), 5_000);
  });

  it('stay while they are connected, whatever becomes of the file', async () => {
    const { root, listen, until, connected, seen } = open('*.qmp');
    const path = join(root, 'vm1.qmp');
    await listen('vm1.qmp');
    await until('+vm1');
    connected.add(path);
    rmSync(path);
    await listen('marker.qmp');
    await until('+vm1', '+marker');
    rmSync(join(root, 'marker.qmp'));
    await until('+vm1', '+marker', '-marker');
    connected.delete(path);
    await vi.waitFor(() => expect(seen).toContain('-vm1'), 5_000);
  });

  it('beyond the bound are left out, and that is said once', async () => {
    const { listen, notes, seen } = open('*.qmp', { max: 2 });
    for (const name of ['a', 'b', 'c', 'd']) await listen(`${name}.qmp`);
    await vi.waitFor(() => expect(notes).toHaveLength(1), 5_000);
    expect(seen).toHaveLength(2);
  });

  it('of a name that is taken get another', async () => {
    const { listen, seen } = open('*.qmp');
    await listen('taken.qmp');
    await vi.waitFor(() => expect(seen[0]).toMatch(/^\+taken-[0-9a-f]{8}$/), 5_000);
  });
});
