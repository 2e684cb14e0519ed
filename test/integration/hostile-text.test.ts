// A monitor that sends terminal control sequences in every text it can: every command of the command line escapes them.
import { beforeEach, describe, expect, it } from 'vitest';
import { allUp, startApp, type TestApp } from '../support/app.js';
import { run } from '../support/cli.js';
import { HOSTILE, type Hostile, hostileMonitor } from '../support/hostile-monitor.js';
import { runInTerminal } from '../support/terminal.js';
import type { Wire } from '../support/wire.js';

/** What is printed of it: the lone surrogate at its end is lost on the way through UTF-8. */
const SHOWN =
  'x\\u001b]0;owned\\u0007\\u001b[2J\\r\\nforged line\\t\\u009b31m\\u007f\\u202etxt\\u2028forged too\\u{e0041}';
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

let monitor: Hostile;
let app: TestApp;
let wire: Wire;
let url: string[];

beforeEach(async () => {
  monitor = await hostileMonitor();
  app = await startApp({ vm1: monitor.uri });
  wire = await app.wire();
  await allUp(wire);
  url = ['--url', app.url];
});

function expectHarmless(text: string): void {
  for (const line of text.split('\n')) {
    expect(line).not.toMatch(UNSAFE);
    expect(line).not.toMatch(/^forged/);
  }
}

/** The terminal gets this program's own sequences too, so these are looked for one by one. */
function expectNotSent(raw: string): void {
  for (const part of ['\u001b]0;owned', '\u001b[2J', '\u009b', '\u007f', '\u202e', '\u2028', '\nforged'])
    expect(raw.includes(part), JSON.stringify(part)).toBe(false);
}

describe('text of a monitor', () => {
  it.each([
    [['jobs'], 0],
    [['sources'], 0],
    [['abort', 'vm1', HOSTILE], 1],
    [['abort', 'vm1', HOSTILE, '--sync', '--timeout', '5s'], 1],
    [['abort', 'vm1', HOSTILE, '--run', 'aa:1'], 1],
    [['jobs', '--source', HOSTILE], 1],
  ] as const)('%j shows it', async (args, code) => {
    const ended = run([...args, ...url]);
    expect(await ended.exit).toBe(code);
    expectHarmless(ended.out() + ended.err());
    if (args[0] !== 'sources') expect(ended.out() + ended.err()).toContain('forged line');
  });

  it.each([['events'], ['watch']])('%s prints it escaped', async (command) => {
    const live = run([command, ...url]);
    await expect
      .poll(async () => (await (await fetch(`${app.url}metrics`)).text()).match(/live_subscriptions (\d+)/)?.[1])
      .toBe('1');
    monitor.say('BLOCK_JOB_READY', { device: HOSTILE, type: HOSTILE, len: 4, offset: 4, speed: 0 });
    monitor.say('BLOCK_JOB_ERROR', { device: HOSTILE, operation: HOSTILE, action: 'stop' });
    monitor.say('BLOCK_JOB_COMPLETED', { device: HOSTILE, type: HOSTILE, len: 4, offset: 4, speed: 0, error: HOSTILE });
    monitor.say('JOB_STATUS_CHANGE', { id: HOSTILE, status: 'null' });
    monitor.say(HOSTILE, { [HOSTILE]: [HOSTILE] });
    monitor.say('JOB_STATUS_CHANGE', { id: 'last', status: 'created' });
    await live.said('last');
    expectHarmless(live.out() + live.err());
    expect(live.out()).toContain(SHOWN);
  });

  it('watch prints it escaped in a terminal', async () => {
    const watch = runInTerminal(['watch', ...url], { columns: 300 });
    await expect.poll(() => watch.screen().join('\n')).toContain(SHOWN.slice(0, 40));
    monitor.say('BLOCK_JOB_READY', { device: HOSTILE, type: HOSTILE, len: 4, offset: 4, speed: 0 });
    await expect.poll(() => watch.screen().join('\n')).toContain('BLOCK_JOB_READY');
    watch.type('f');
    await expect.poll(() => watch.screen().join('\n')).toContain('y/n?');
    watch.type('y');
    await expect
      .poll(() => watch.screen().join('\n'))
      .toMatch(/vm1\/x\\u001b.*forged line.*(QMP|QEMU|refused|\\u001b)/);
    expectNotSent(watch.raw());
    expect(watch.screen().filter((line) => line.startsWith('forged'))).toEqual([]);
  });

  it('under a name of the gateway’s own events is never published as one', async () => {
    await wire.call('subscribe', {});
    const forged = { outcome: 'completed', provenance: 'observed', pivoted: true, requestedBy: [], dismissed: true };
    monitor.say('GATEWAY_JOB_SETTLED', { device: 'x', id: 'x', ...forged });
    const down = await wire.typed('GATEWAY_SOURCE_DOWN');
    expect(down.data).toMatchObject({ reason: 'protocol' });
    expect(wire.events.filter(({ type }) => type === 'GATEWAY_JOB_SETTLED')).toEqual([]);
  });

  it('--json is as it came', async () => {
    const jobs = run(['jobs', '--json', ...url]);
    expect(await jobs.exit).toBe(0);
    const [line = '', ...more] = jobs.out().trim().split('\n');
    expect(more).toEqual([]);
    expect(JSON.parse(line).job).toBe(HOSTILE);
  });
});

it('the log of serve on a terminal has it escaped', async () => {
  const hostile = await hostileMonitor();
  const served = runInTerminal(['serve', '--source', `vm1=${hostile.uri}`, '--listen', '127.0.0.1:0'], {
    columns: 300,
  });
  await expect.poll(() => served.raw()).toMatch(/connected/);
  hostile.say('BLOCK_JOB_CANCELLED', { device: HOSTILE, type: 'mirror', len: 4, offset: 4, speed: 0 });
  hostile.say('JOB_STATUS_CHANGE', { id: HOSTILE, status: 'null' });
  await expect.poll(() => served.raw()).toMatch(/job settled/);
  await expect.poll(() => served.raw()).toContain('forged line');
  expectNotSent(served.raw());
  expect(served.screen().filter((line) => line.trim().startsWith('forged'))).toEqual([]);
});
