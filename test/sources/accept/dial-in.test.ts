// QEMUs that connect to a socket, as bare connections: which names they get, and what the socket bears.
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BehaviorSubject, type Subscription } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DialIn } from '../../../src/sources/accept/dial-in.js';
import type { AcceptOptions, AcceptSettings } from '../../../src/sources/accept/options.js';
import type { JobSource } from '../../../src/sources/index.js';
import type { TlsMaterial } from '../../../src/tls.js';
import { type DialledLine, dialAnswering, dialLine, GREETING } from '../../support/dial.js';
import { FakeClock } from '../../support/fake-clock.js';

interface Bench {
  path: string;
  clock: FakeClock;
  /** Sources that were added and removed, and the connections of each. */
  seen: string[];
  limits: string[];
  notes: { what: string; details: object }[];
  dialIn: DialIn;
  close(): void;
  line(): DialledLine;
  answering(): DialledLine;
  /** Resolves when that was seen. */
  until(what: string, times?: number): Promise<void>;
}

interface BenchOptions extends Partial<AcceptOptions> {
  /** The folder of the socket is made later. */
  isEarly?: boolean;
}

async function open(name: string, { isEarly = false, ...options }: BenchOptions = {}): Promise<Bench> {
  const root = mkdtempSync(join(tmpdir(), 'accept-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const path = join(root, 'run', 'q.sock');
  if (!isEarly) mkdirSync(join(root, 'run'));
  const clock = new FakeClock();
  const bench: Pick<Bench, 'seen' | 'limits' | 'notes'> = { seen: [], limits: [], notes: [] };
  const followed = new Map<string, Subscription>();
  const many = name.endsWith('-*');
  const settings: AcceptSettings = {
    name: many ? name.slice(0, -2) : name,
    many,
    address: { kind: 'unix', path, mode: 0o660, group: undefined },
  };
  const dialIn = new DialIn(
    settings,
    {
      open: (own, monitor$) => {
        followed.set(
          own,
          monitor$.subscribe((signal) => {
            if (signal.kind !== 'connecting')
              bench.seen.push(`${own} ${signal.kind}${signal.kind === 'up' ? '' : ` ${signal.reason}`}`);
          }),
        );
        return { name: own } as JobSource;
      },
      isTaken: (own) => own === 't-2',
      limited: (limit) => bench.limits.push(limit),
      note: (what, details) => bench.notes.push({ what, details }),
      qmp: {},
      tls$: new BehaviorSubject<TlsMaterial | undefined>(undefined),
    },
    { clock, greetingMs: 60_000, ...options },
  );
  const subscription = dialIn.sources$.subscribe((change) => {
    bench.seen.push(change.kind === 'added' ? `+${change.source.name}` : `-${change.name}`);
    if (change.kind === 'removed') followed.get(change.name)?.unsubscribe();
  });
  const close = (): void => {
    subscription.unsubscribe();
    for (const each of followed.values()) each.unsubscribe();
  };
  onTestFinished(close);
  if (!isEarly) expect(await dialIn.listening).toBeUndefined();
  return {
    ...bench,
    path,
    clock,
    dialIn,
    close,
    line: () => dialLine({ path }),
    answering: () => dialAnswering({ path }),
    until: (what, times = 1) =>
      expect.poll(() => bench.seen.filter((each) => each === what).length).toBeGreaterThanOrEqual(times),
  };
}

describe('a name', () => {
  it('is one source, there before anybody connects, and up with whoever does', async () => {
    const bench = await open('vm1');
    expect(bench.seen).toEqual(['+vm1']);
    const first = bench.answering();
    await bench.until('vm1 up');
    first.close();
    await bench.until('vm1 down closed');
    bench.answering();
    await bench.until('vm1 up', 2);
    expect(bench.limits).toEqual([]);
  });

  it('that has a connection can’t be taken: the second one is refused, and the first goes on', async () => {
    const bench = await open('vm1');
    const first = bench.answering();
    await bench.until('vm1 up');
    const second = bench.answering();
    await second.closed;
    expect(second.text).toBe('');
    expect(first.isOpen).toBe(true);
    expect(bench.seen).toEqual(['+vm1', 'vm1 up']);
    expect(bench.limits).toEqual(['accept_connected']);
    expect(bench.notes).toMatchObject([{ details: { accept: 'vm1', limit: 'accept_connected' } }]);
  });

  it('is of the one that negotiates first; another one that had connected before is closed', async () => {
    const bench = await open('vm1');
    const slow = bench.line();
    slow.say(GREETING);
    await expect.poll(() => slow.text).toContain('qmp_capabilities');
    bench.answering();
    await bench.until('vm1 up');
    const { id } = JSON.parse(slow.text) as { id: string };
    slow.say(`{"return": {}, "id": "${id}"}\r\n`);
    await slow.closed;
    expect(bench.limits).toEqual(['accept_connected']);
    expect(bench.seen).toEqual(['+vm1', 'vm1 up']);
  });
});

describe('a prefix', () => {
  it('names each connection by the lowest number that is free', async () => {
    const bench = await open('t-*');
    expect(bench.seen).toEqual([]);
    const first = bench.answering();
    await bench.until('t-1 up');
    bench.answering();
    // Another source is t-2.
    await bench.until('t-3 up');
    bench.answering();
    await bench.until('t-4 up');
    first.close();
    await bench.until('t-1 down closed');
    bench.answering();
    await bench.until('t-1 up', 2);
    expect(bench.seen.filter((each) => each.startsWith('+'))).toEqual(['+t-1', '+t-3', '+t-4']);
  });

  it('removes a name once nobody has been connected to it for so long, and gives it anew', async () => {
    const bench = await open('t-*', { goneMs: 60_000 });
    bench.answering();
    await bench.until('t-1 up');
    const line = bench.answering();
    await bench.until('t-3 up');
    line.close();
    await bench.until('t-3 down closed');
    await bench.clock.advance(59_000);
    expect(bench.seen).not.toContain('-t-3');
    await bench.clock.advance(20_000);
    expect(bench.seen).toContain('-t-3');
    expect(bench.seen).not.toContain('-t-1');
    bench.answering();
    await bench.until('+t-3', 2);
  });

  it('keeps its names while a connected QEMU has not answered: it may be that of any', async () => {
    const bench = await open('t-*', { goneMs: 60_000, negotiationMs: 1 });
    const line = bench.answering();
    await bench.until('t-1 up');
    line.close();
    await bench.until('t-1 down closed');
    const stalled = bench.line();
    stalled.say(GREETING);
    await expect.poll(() => stalled.text).toContain('qmp_capabilities');
    await bench.clock.advance(120_000);
    expect(bench.seen).toContain('t-1 waiting stalled');
    expect(bench.seen).not.toContain('-t-1');
    stalled.close();
    await expect.poll(() => bench.notes.at(-1)?.what).toContain('before it had negotiated');
    await bench.clock.advance(60_000);
    expect(bench.seen).toContain('-t-1');
  });

  it('takes so many connections at once, and closes the next', async () => {
    const bench = await open('t-*', { sources: 2 });
    const lines = [bench.answering(), bench.answering()];
    await bench.until('t-1 up');
    await bench.until('t-3 up');
    await bench.answering().closed;
    expect(bench.limits).toEqual(['accept_sources']);
    expect(lines.map(({ isOpen }) => isOpen)).toEqual([true, true]);
  });
});

describe('a connection', () => {
  it('that is refused is closed when it has greeted, or never will: a QEMU that starts may crash before', async () => {
    const bench = await open('vm1', { greetingMs: 60_000, refused: 2 });
    bench.answering();
    await bench.until('vm1 up');
    const [first, second] = [bench.line(), bench.line()];
    await expect.poll(() => bench.limits).toHaveLength(2);
    // More than so many are not waited for.
    await bench.line().closed;
    expect([first.isOpen, second.isOpen]).toEqual([true, true]);
    first.say('{');
    await first.closed;
    expect(second.isOpen).toBe(true);
    await bench.clock.advance(60_000);
    await second.closed;
    expect(first.text + second.text).toBe('');
  });

  it('that sends no greeting in time is closed; it never had a name', async () => {
    const bench = await open('t-*', { greetingMs: 10 });
    await bench.line().closed;
    expect(bench.limits).toEqual(['accept_greeting']);
    expect(bench.seen).toEqual([]);
  });

  it('beyond those that may wait for their negotiation is refused, until one of these has ended', async () => {
    const bench = await open('vm1', { pending: 2 });
    const silent = [bench.line(), bench.line()];
    await bench.answering().closed;
    expect(bench.limits).toEqual(['accept_pending']);
    silent[0]?.close();
    await expect.poll(() => bench.notes.length).toBe(2);
    bench.answering();
    await bench.until('vm1 up');
  });

  it('that comes too early after very many others is refused', async () => {
    const bench = await open('vm1', { burst: 3, perSecond: 1 });
    for (let n = 0; n < 3; n += 1) {
      const line = bench.line();
      line.say('no QMP\n');
      await line.closed;
    }
    await bench.answering().closed;
    expect(bench.limits).toEqual(['accept_rate']);
    await bench.clock.advance(1_000);
    bench.answering();
    await bench.until('vm1 up');
  });

  it.each([
    ['no QMP', 'GET / HTTP/1.1\r\n\r\n'],
    ['no greeting, but JSON', '[1]\r\n'],
    ['a version that is none', '{"QMP": {"version": 1, "capabilities": []}}\r\n'],
    ['nesting without an end', `${'['.repeat(100_000)}\n`],
    ['a greeting without an end', `{"QMP": "${'x'.repeat(1_100_000)}`],
    ['an event of the gateway’s own', `${GREETING}{"event": "GATEWAY_SOURCE_UP", "data": {}}\r\n`],
    ['a refused negotiation', `${GREETING}{"error": {"class": "CommandNotFound", "desc": "no"}}\r\n`],
  ])('that sends %s ends alone: no source sees it', async (_what, text) => {
    const bench = await open('t-*');
    const good = bench.answering();
    await bench.until('t-1 up');
    const bad = bench.line();
    bad.say(text);
    await bad.closed;
    expect(good.isOpen).toBe(true);
    expect(bench.seen.filter((each) => !each.startsWith('+'))).toEqual(['t-1 up']);
  });

  it('of a source that then sends no QMP takes that source down alone', async () => {
    const bench = await open('t-*');
    const bad = bench.answering();
    await bench.until('t-1 up');
    const good = bench.answering();
    await bench.until('t-3 up');
    bad.say('}\n');
    await bad.closed;
    await bench.until('t-1 down protocol');
    expect(good.isOpen).toBe(true);
  });
});

it('a flood of connections is one line of the log for each kind in so long, and leaves room for the next QEMU', async () => {
  const bench = await open('vm1', { burst: 100, perSecond: 100, pending: 8, noteMs: 10_000 });
  for (let round = 0; round < 10; round += 1) {
    const lines = Array.from({ length: 50 }, () => bench.line());
    for (const line of lines) line.say('GET / HTTP/1.1\r\n\r\n');
    await Promise.all(lines.map(({ closed }) => closed));
  }
  expect(bench.limits.length).toBeGreaterThan(300);
  expect(bench.notes.length).toBeLessThanOrEqual(3);
  await bench.clock.advance(10_000);
  bench.line().say('x\n');
  await expect.poll(() => bench.notes.some(({ details }) => 'more' in details)).toBe(true);
  bench.answering();
  await bench.until('vm1 up');
});

describe('the socket', () => {
  it('has its mode, and goes at the end with what is connected and has no name; no timer is left', async () => {
    const bench = await open('t-*');
    expect(statSync(bench.path).mode & 0o777).toBe(0o660);
    const line = bench.answering();
    await bench.until('t-1 up');
    const silent = bench.line();
    bench.line().say('x\n');
    await expect.poll(() => bench.notes.length).toBe(1);
    bench.close();
    expect(existsSync(bench.path)).toBe(false);
    await Promise.all([silent.closed, line.closed]);
    expect(bench.clock.pending).toBe(0);
  });

  it('that can’t listen is tried again', async () => {
    const bench = await open('vm1', { isEarly: true, retryMs: 5_000 });
    expect(await bench.dialIn.listening).toMatchObject({ code: 'EACCES' });
    expect(bench.notes).toHaveLength(1);
    mkdirSync(join(bench.path, '..'));
    await expect.poll(() => bench.clock.pending).toBe(2);
    await bench.clock.advance(5_000);
    await expect.poll(() => existsSync(bench.path)).toBe(true);
    bench.answering();
    await bench.until('vm1 up');
  });
});
