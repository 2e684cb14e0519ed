// QEMUs that connect to the gateway by themselves: real ones, whose jobs are followed and aborted as any.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Tuning } from '../../src/app.js';
import { type ConfigInput, readConfig } from '../../src/config/index.js';
import type { Entry, SourceInfo } from '../../src/protocol/index.js';
import { startSimulator } from '../../src/simulator/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { dialAnswering, dialLine, dialSimulator, startDialling } from '../support/dial.js';
import { haveQemu } from '../support/qemu.js';
import { connectRaw } from '../support/qmp-raw.js';
import { have } from '../support/required.js';
import type { Wire } from '../support/wire.js';
import { metric } from './stream/support.js';

const SYSTEM = process.env.QEMU_SYSTEM ?? 'qemu-system-x86_64';
const haveSystem = have(SYSTEM, 'REQUIRE_QEMU', haveQemu);

const folderOf = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'dial-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

interface Bench {
  app: TestApp;
  wire: Wire;
  /** Of the socket at which QEMUs connect. */
  path: string;
}

async function open(
  name: string,
  tuning: Partial<Tuning> = {},
  path = join(folderOf(), 'q.sock'),
  flags: ConfigInput = {},
): Promise<Bench> {
  const app = await startApp({}, tuning, { accept: [`${name}=unix:${path}`], ...flags });
  const wire = await app.wire();
  await wire.call('subscribe', {});
  return { app, wire, path };
}

const sourcesOf = async (wire: Wire): Promise<SourceInfo[]> => (await wire.call('source.list', {})).sources;
const nth = (wire: Wire, type: string, count: number): Promise<Entry> =>
  wire.until(() => wire.events.filter((entry) => entry.type === type)[count - 1]);
const abort = (wire: Wire, job: string, source = 'vm1'): Promise<unknown> =>
  wire.call('job.abort', { source, job, sync: true, timeoutMs: 10_000 });
const hits = (app: TestApp, limit: string): Promise<number> =>
  metric(app.url, `qmp_gateway_limit_hits_total{limit="${limit}"}`);

describe.skipIf(!haveQemu)('a storage daemon that connects', () => {
  it('is a source as any: its mirror is followed, and aborted through the gateway', async () => {
    const { wire, path } = await open('vm1');
    expect(await sourcesOf(wire)).toMatchObject([{ name: 'vm1', state: 'connecting' }]);
    const { mirror } = await startDialling(`path=${path}`);
    await wire.typed('GATEWAY_SOURCE_SYNCED');
    await mirror('j');
    await wire.status('j', 'running');
    expect(await abort(wire, 'j')).toMatchObject({ status: 'settled', outcome: 'cancelled' });
    // A storage daemon has no name, and `provider` says nothing new.
    expect((await wire.typed('GATEWAY_SOURCE_UP')).data).toEqual({ qemu: expect.any(String), same: 'unknown' });
  });

  it('connects again by itself when the gateway has restarted, and its job is found', async () => {
    const before = await open('vm1');
    const { mirror } = await startDialling(`path=${before.path}`);
    await before.wire.typed('GATEWAY_SOURCE_SYNCED');
    await mirror('j');
    await before.wire.status('j', 'running');
    await before.app.close();
    expect(existsSync(before.path)).toBe(false);
    const { wire } = await open('vm1', {}, before.path);
    expect((await wire.typed('GATEWAY_JOB_FOUND')).data).toMatchObject({ type: 'mirror', continuity: 'new' });
    expect(await abort(wire, 'j')).toMatchObject({ outcome: 'cancelled' });
  });

  it('that is killed loses its run when it does not come back, not before', async () => {
    const { wire, path } = await open('vm1', { accept: { absentMs: 200 }, track: { lostAfterMs: 100 } });
    const { qemu, mirror } = await startDialling(`path=${path}`);
    await wire.typed('GATEWAY_SOURCE_SYNCED');
    await mirror('j');
    await wire.status('j', 'running');
    await qemu.kill();
    const settled = await wire.typed('GATEWAY_JOB_SETTLED');
    expect(settled.data).toMatchObject({ outcome: 'lost', provenance: 'unknown' });
    const downs = wire.events.filter(({ type }) => type === 'GATEWAY_SOURCE_DOWN').map(({ data }) => data);
    expect(downs).toEqual([{ reason: 'closed' }, { reason: 'absent' }]);
  });

  it('that is another one after a restart loses the run of the former: the job is not there', async () => {
    const { wire, path } = await open('vm1');
    const { qemu, mirror } = await startDialling(`path=${path}`);
    await wire.typed('GATEWAY_SOURCE_SYNCED');
    await mirror('j');
    await wire.status('j', 'running');
    await qemu.kill();
    await startDialling(`path=${path}`);
    expect((await wire.typed('GATEWAY_JOB_SETTLED')).data).toMatchObject({ outcome: 'lost', provenance: 'unknown' });
    expect((await nth(wire, 'GATEWAY_SOURCE_UP', 2)).data).toMatchObject({ same: 'unknown' });
  });

  it('keeps its name: others that connect to it are refused, again and again, and live on', async () => {
    const { app, wire, path } = await open('vm1');
    const first = await startDialling(`path=${path}`);
    await wire.typed('GATEWAY_SOURCE_SYNCED');
    const others = await Promise.all(Array.from({ length: 10 }, () => startDialling(`path=${path}`)));
    await expect.poll(() => hits(app, 'accept_connected')).toBeGreaterThan(others.length);
    for (const { raw } of others) expect(await raw.execute('query-jobs')).toHaveProperty('return');
    await first.mirror('j');
    expect(await wire.status('j', 'running')).toMatchObject({ source: 'vm1' });
    expect(wire.events.filter(({ type }) => type === 'GATEWAY_SOURCE_DOWN')).toEqual([]);
  });

  it('of a prefix has a number, which the next one has after its end', async () => {
    const { wire, path } = await open('t-*');
    expect(await sourcesOf(wire)).toEqual([]);
    const first = await startDialling(`path=${path}`);
    await wire.event(({ type, source }) => type === 'GATEWAY_SOURCE_SYNCED' && source === 't-1');
    const second = await startDialling(`path=${path}`);
    await wire.event(({ type, source }) => type === 'GATEWAY_SOURCE_SYNCED' && source === 't-2');
    await second.mirror('j');
    expect(await wire.status('j', 'running')).toMatchObject({ source: 't-2' });
    await first.qemu.kill();
    await wire.typed('GATEWAY_SOURCE_DOWN');
    await startDialling(`path=${path}`);
    await nth(wire, 'GATEWAY_SOURCE_SYNCED', 3);
    expect((await sourcesOf(wire)).map(({ name, state }) => [name, state])).toEqual([
      ['t-1', 'up'],
      ['t-2', 'up'],
    ]);
    expect(await abort(wire, 'j', 't-2')).toMatchObject({ status: 'settled' });
  });

  it('is shared with other tools under its name', async () => {
    const share = join(folderOf(), 'share.sock');
    const { wire, path } = await open('vm1', {}, undefined, { share: [`vm1=unix:${share}`] });
    await startDialling(`path=${path}`);
    await wire.typed('GATEWAY_SOURCE_SYNCED');
    const tool = await connectRaw({ path: share });
    onTestFinished(() => tool.close());
    await tool.negotiate();
    expect(await tool.execute('query-jobs')).toMatchObject({ return: [] });
  });
});

describe.skipIf(!haveSystem)('a QEMU with a name that connects', () => {
  async function start(path: string, ...name: string[]): Promise<() => Promise<void>> {
    const monitor = ['-chardev', `socket,id=q,path=${path},server=off,reconnect=1`, '-mon', 'chardev=q,mode=control'];
    const args = ['-machine', 'none', '-nodefaults', '-display', 'none', ...name, ...monitor];
    const qemu = spawn(SYSTEM, args, { stdio: 'ignore' });
    const gone = once(qemu, 'exit');
    const kill = async (): Promise<void> => {
      qemu.kill('SIGKILL');
      await gone;
    };
    onTestFinished(kill);
    return kill;
  }

  it('has it as a label, cleaned; the name of the source is that of the socket', async () => {
    const { wire, path } = await open('vm1');
    const kill = await start(path, '-name', 'guest=web 1\u001b[2J\nvm2');
    await wire.typed('GATEWAY_SOURCE_SYNCED');
    expect((await wire.typed('GATEWAY_SOURCE_UP')).data).toMatchObject({ label: 'web 1 [2J vm2' });
    expect(await sourcesOf(wire)).toMatchObject([
      { name: 'vm1', provider: 'qmp', label: 'web 1 [2J vm2', state: 'up' },
    ]);
    await kill();
    await start(path);
    await nth(wire, 'GATEWAY_SOURCE_SYNCED', 2);
    expect((await sourcesOf(wire))[0]).not.toHaveProperty('label');
  });
});

describe('the socket for QEMUs', () => {
  it('takes a simulated QEMU whose jobs are as on any source, and a flood beside it disturbs nobody', async () => {
    const { app, wire, path } = await open('t-*', { accept: { burst: 100, perSecond: 1_000, pending: 16 } });
    const far = join(folderOf(), 'sim');
    const sim = await startSimulator({ listen: { path: far } });
    onTestFinished(() => sim.close());
    dialSimulator({ path }, { path: far });
    await wire.typed('GATEWAY_SOURCE_SYNCED');
    sim.jobs.start({ id: 'j', type: 'mirror', bytesPerSecond: 1 });
    await wire.status('j', 'running');
    for (let n = 0; n < 200; n += 1) {
      const line = dialLine({ path });
      line.say(n % 2 === 0 ? 'GET / HTTP/1.1\r\n\r\n' : '{"QMP": 1}\r\n');
      if (n % 20 === 19) await line.closed;
    }
    expect(await abort(wire, 'j', 't-1')).toMatchObject({ outcome: 'cancelled' });
    expect((await sourcesOf(wire)).map(({ name }) => name)).toEqual(['t-1']);
    expect(await hits(app, 'accept_sources')).toBe(0);
  });

  it('that is in use is an error at start, and nothing is left listening', async () => {
    const { path } = await open('vm1');
    const folder = folderOf();
    const accept = [`a=unix:${join(folder, 'a')}`, `b=unix:${path}`];
    await expect(startApp({}, {}, { accept })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(existsSync(join(folder, 'a'))).toBe(false);
  });

  it('comes, goes and moves at a reload; what stays is not touched', async () => {
    const folder = folderOf();
    const at = (name: string): string => join(folder, name);
    const configOf = (...accept: string[]) => {
      const read = readConfig({ listen: '127.0.0.1:0', accept }, {});
      if (!read.ok) throw new Error(read.problems.join());
      return read.config;
    };
    const app = await startApp(
      {},
      {},
      { accept: [`stays=unix:${at('s')}`, `goes=unix:${at('g')}`, `moves=unix:${at('m')}`] },
    );
    const wire = await app.wire();
    await wire.call('subscribe', {});
    const stays = dialAnswering({ path: at('s') });
    const goes = dialAnswering({ path: at('g') });
    const moves = dialAnswering({ path: at('m') });
    await nth(wire, 'GATEWAY_SOURCE_SYNCED', 3);
    app.reload(configOf(`stays=unix:${at('s')}`, `moves=unix:${at('m2')}`, `comes=unix:${at('c')}`));
    await Promise.all([goes.closed, moves.closed]);
    expect([existsSync(at('g')), existsSync(at('m'))]).toEqual([false, false]);
    await expect.poll(() => existsSync(at('m2')) && existsSync(at('c'))).toBe(true);
    dialAnswering({ path: at('m2') });
    dialAnswering({ path: at('c') });
    await nth(wire, 'GATEWAY_SOURCE_SYNCED', 5);
    expect((await sourcesOf(wire)).map(({ name }) => name).sort()).toEqual(['comes', 'moves', 'stays']);
    expect(stays.isOpen).toBe(true);
    expect(wire.events.filter(({ source }) => source === 'stays').map(({ type }) => type)).toEqual([
      'GATEWAY_SOURCE_UP',
      'GATEWAY_SOURCE_SYNCED',
    ]);
  });
});
