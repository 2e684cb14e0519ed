// The command line as people and programs use it: real processes, exit codes, one clear line; a real QEMU where there is one.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startApp } from '../support/app.js';
import { MAIN, run } from '../support/cli.js';
import { haveQemu } from '../support/qemu.js';
import { connectRaw } from '../support/qmp-raw.js';
import { openRig, slowMirror } from '../support/rig.js';

/** A gateway with demo jobs on a free port. */
async function demo(): Promise<string> {
  const gateway = run(['serve', '--demo', '--listen', '127.0.0.1:0', '--log-level', 'warn']);
  const said = await gateway.said(/listens at .*\n/);
  return /listens at (\S+)/.exec(said)?.[1] ?? '';
}

describe('wrong usage is one clear line and exit 2', () => {
  it.each([
    [['serve', '--source', 'x'], /source "x": expected NAME=unix/],
    [['serve', '--source', 'a b=unix:/x'], /a name is/],
    [['serve', '--source', 'a=unix:/x', '--source', 'a=unix:/y'], /given twice/],
    [['serve', '--listen', 'nowhere'], /--listen nowhere/],
    [['serve', '--listen', '0.0.0.0:0', '--demo'], /--insecure-no-auth/],
    [['serve'], /nothing to serve/],
    [['serve', '--frobnicate'], /unknown option/],
    [['simulate', 'unix:/tmp/x', '--lacks', 'time'], /--lacks time: expected one of query-jobs/],
    [['abort', 'vm1'], /missing required argument/],
    [['abort', 'vm1', 'j', '--timeout', 'soon'], /--timeout.*duration/],
    [['abort', 'vm1', 'j', '--timeout', '30'], /--timeout.*give a unit, as 30s/],
    [['abort', 'vm1', 'j', '--timeout', '2h'], /--timeout.*expected 100 ms to 1 h/],
    [['events', '--after', 'x'], /--after.*expected a cursor/],
    [['events', '--tail', '10001'], /--tail.*1 to 10000/],
    [['events', '--tail', '1', '--since', '1h'], /--tail.*cannot be used with.*--since/],
    [['events', '--timeout', '1s'], /--timeout goes with --until or --count/],
    [['jobs', '--source', ''], /--source.*empty/],
    [['jobs', '--sort', 'x'], /--sort.*name, type, status/],
    [['jobs', '--url', 'gopher://x'], /--url/],
  ])('%j', async (args, expected) => {
    const ended = run(args);
    expect(await ended.exit).toBe(2);
    expect(ended.err()).toMatch(expected);
    expect(ended.err()).not.toMatch(/^\s+at /m);
    expect(ended.out()).toBe('');
  });

  it('simulate --lacks is an older QEMU', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'simulate-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const path = join(folder, 'qmp');
    await run(['simulate', `unix:${path}`, '--idle', '--lacks', 'query-jobs', 'status-events']).said(
      'simulated QEMU at',
    );
    const client = await (await connectRaw({ path })).negotiate();
    onTestFinished(() => client.close());
    expect(await client.execute('query-jobs')).toMatchObject({ error: { class: 'CommandNotFound' } });
    expect(await client.execute('query-events')).not.toMatchObject({
      return: expect.arrayContaining([{ name: 'JOB_STATUS_CHANGE' }]),
    });
  });

  it('lists every problem at once', async () => {
    const ended = run(['serve', '--source', 'x', '--listen', 'y', '--allow-origin', 'z']);
    expect(await ended.exit).toBe(2);
    expect(ended.err().trim().split('\n')).toHaveLength(3);
  });

  it('a port in use', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    const ended = run(['serve', '--source', 'a=unix:/none', '--listen', `127.0.0.1:${port}`]);
    expect(await ended.exit).toBe(2);
    expect(ended.err()).toMatch(/is in use/);
  });

  it('a flag before its command is said to belong behind it', async () => {
    const ended = run(['--url', 'http://127.0.0.1:1', 'jobs']);
    expect(await ended.exit).toBe(2);
    expect(ended.err()).toContain('flags stand after the command: qmp-gateway COMMAND --url');
    const unknown = run(['--nope', 'jobs']);
    expect(await unknown.exit).toBe(2);
    expect(unknown.err()).not.toContain('flags stand');
  });

  it('no gateway: exit 4', async () => {
    const ended = run(['jobs', '--url', 'http://127.0.0.1:1']);
    expect(await ended.exit).toBe(4);
    expect(ended.err()).toMatch(/no gateway at/);
  });
});

it('a variable that nothing reads is named: on stderr, and by the gateway in its log', async () => {
  const env = { QMP_GATEWAY_ALOW_HOST: 'x' };
  const jobs = run(['jobs', '--url', 'http://127.0.0.1:1'], undefined, env);
  expect(await jobs.exit).toBe(4);
  expect(jobs.err()).toMatch(/^qmp-gateway: QMP_GATEWAY_ALOW_HOST is set.*QMP_GATEWAY_ALLOW_HOST is one\n/);
  const serve = run(['serve', '--source', 'a=unix:/none', '--listen', '127.0.0.1:0'], undefined, env);
  await serve.said(/listens at/);
  for (const line of serve.err().trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('level');
  expect(serve.err()).toContain('"variable":"QMP_GATEWAY_ALOW_HOST"');
  expect(serve.out()).not.toContain('try:');
});

it('`sources` says why one is not up, and what would help', async () => {
  const app = await startApp({ gone: 'unix:/nowhere/qmp.sock' });
  const wire = await app.wire();
  await expect.poll(async () => (await wire.call('source.list', {})).sources[0]?.reason).toBe('absent');
  const sources = run(['sources', '--url', app.url]);
  expect(await sources.exit).toBe(0);
  expect(sources.out()).toMatch(/\ngone +qmp +(down|connecting) +absent/);
  expect(sources.err()).toBe('gone: No such socket or host, or QEMU has not connected. Is the VM running?\n');
});

it('of a domain `sources` says what libvirtd is to it', async () => {
  const app = await startApp({}, {}, { source: ['vm1=libvirt:vm1?socket=/nowhere/libvirt-sock'] });
  const wire = await app.wire();
  await expect.poll(async () => (await wire.call('source.list', {})).sources[0]?.reason).toBe('unreachable');
  const sources = run(['sources', '--url', app.url]);
  expect(await sources.exit).toBe(0);
  expect(sources.err()).toBe('vm1: libvirtd is not there. The domain and its jobs may go on.\n');
});

it('a fault of the gateway’s own is logged, and ends it with exit 1', async () => {
  // A timer of a module that is loaded before all others throws once the gateway listens.
  const fault = `process.stdout.write = ((write) => (...args) => {
      if (String(args[0]).includes('listens at')) setTimeout(() => { throw new Error('planted'); }, 1);
      return write(...args);
    })(process.stdout.write.bind(process.stdout));`;
  const planted = ['--import', `data:text/javascript,${encodeURIComponent(fault)}`];
  const serve = ['serve', '--source', 'a=unix:/none', '--listen', '127.0.0.1:0'];
  const ended = run(serve, [process.execPath, ...planted, MAIN]);
  expect(await ended.exit).toBe(1);
  const line = ended
    .err()
    .split('\n')
    .find((each) => each.includes('internal error'));
  expect(JSON.parse(line ?? '{}')).toMatchObject({ level: 60, err: { message: 'planted', stack: expect.any(String) } });
});

it('a reader that has what it wanted ends the command without a word, and not as a success', async () => {
  const child = spawn(process.execPath, [MAIN, 'abort', '--help']);
  child.stdout.destroy();
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(1);
  expect(said).toBe('');
});

describe('tokens', () => {
  it('token new prints a token and its entry, with which serve lets in whoever has it; SIGHUP reads the file again', async () => {
    const made = run(['token', 'new', 'ops', '--control', '*', '--json']);
    expect(await made.exit).toBe(0);
    const { token, entry } = JSON.parse(made.out());
    const folder = await mkdtemp(join(tmpdir(), 'tokens-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const [tokens, own] = [join(folder, 'tokens.yml'), join(folder, 'token')];
    await writeFile(tokens, JSON.stringify([entry]));
    await writeFile(own, `${token}\n`);
    const source = 'vm1=unix:/nowhere';
    const serve = run(['serve', '--listen', '127.0.0.1:0', '--source', source, '--tokens', tokens]);
    const [url = ''] = /http:\S+/.exec(await serve.said(/listens at http:\S+\//)) ?? [];
    const sources = async (...more: string[]) => {
      const asked = run(['sources', '--url', url, '--json', ...more]);
      return { code: await asked.exit, text: asked.out() + asked.err() };
    };
    expect(await sources('--token-file', own)).toMatchObject({ code: 0, text: expect.stringContaining('vm1') });
    expect(await sources()).toMatchObject({ code: 1, text: expect.stringContaining('--token-file FILE') });
    await writeFile(tokens, '- {name: ops}');
    serve.child.kill('SIGHUP');
    await serve.said('nothing was changed');
    const ready = async (): Promise<unknown> => (await fetch(`${url}readyz`)).json();
    expect(await ready()).toEqual({ status: 'ready', degraded: ['credentials'] });
    await writeFile(tokens, '[]');
    serve.child.kill('SIGHUP');
    await serve.said('the configuration was read again');
    expect(await ready()).toEqual({ status: 'ready' });
    expect(await sources('--token-file', own)).toMatchObject({
      code: 1,
      text: expect.stringContaining('no such token'),
    });
    expect(serve.out() + serve.err()).not.toContain(token);
  });

  it.each([
    [['ops'], 'it would grant nothing'],
    [['two words', '--read', '*'], 'a name is 1 to 128'],
    [['ops', '--read', '*', '--expires', 'soon'], 'a date as'],
  ])('token new %j is refused', async (args, why) => {
    const made = run(['token', 'new', ...args]);
    expect(await made.exit).toBe(2);
    expect(made.err()).toContain(why);
  });
});

describe('a gateway with the demo', () => {
  it('prints sources and jobs as tables and as JSON, and ends cleanly on SIGTERM', async () => {
    const gateway = run(['serve', '--demo', '--listen', '127.0.0.1:0']);
    const url = /listens at (\S+)/.exec(await gateway.said(/listens at .*\n/))?.[1] ?? '';
    const events = run(['events', '--json', '--url', url]);
    await events.said('JOB_STATUS_CHANGE');
    for (const line of events.out().trim().split('\n').slice(0, -1)) expect(JSON.parse(line)).toHaveProperty('offset');
    const sources = run(['sources', '--url', url]);
    expect(await sources.exit).toBe(0);
    expect(sources.out()).toMatch(/^SOURCE +FROM +STATE[\s\S]*\ndemo +qmp +up/);
    const jobs = run(['jobs', '--json', '--url', url]);
    expect(await jobs.exit).toBe(0);
    expect(JSON.parse(jobs.out().split('\n')[0] ?? '')).toMatchObject({
      source: 'demo',
      run: expect.stringContaining(':'),
    });
    for (const line of gateway.err().trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('level');
    gateway.child.kill('SIGTERM');
    expect(await gateway.exit).toBe(0);
    expect(gateway.err()).toMatch(/closing/);
  });

  it('prints plain lines where stdout is no terminal', async () => {
    const url = await demo();
    const watch = run(['watch', '--url', url]);
    const said = await watch.said('JOB_STATUS_CHANGE');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: no escape sequence may be there.
    expect(said).not.toMatch(/\u001b/);
  });
});

describe.skipIf(!haveQemu)('beside a real QEMU', () => {
  it('events has printed BLOCK_JOB_CANCELLED before abort --sync says cancelled', async () => {
    const rig = await openRig();
    await slowMirror(rig, 'drive0');
    const events = run(['events', '--type', 'BLOCK_JOB_*', '--json', '--url', rig.app.url]);
    // A first event of ours shows that the subscription stands.
    await rig.wire.call('subscribe', { types: ['X'] });
    await expect
      .poll(async () => (await (await fetch(`${rig.app.url}metrics`)).text()).match(/live_subscriptions (\d+)/)?.[1])
      .toBe('3');
    const abort = run(['abort', 'vm1', 'drive0', '--sync', '--url', rig.app.url]);
    expect(await abort.exit).toBe(0);
    expect(abort.out()).toMatch(/^cancelled: vm1 drive0/);
    expect(events.out()).toContain('BLOCK_JOB_CANCELLED');
  });

  it('abort has exit codes for another run, a passed bound and a refusal', async () => {
    const rig = await openRig();
    await slowMirror(rig, 'j');
    const url = ['--url', rig.app.url];
    const stale = run(['abort', 'vm1', 'j', '--run', 'aa:1', ...url]);
    expect(await stale.exit).toBe(1);
    expect(stale.err()).toMatch(/STALE_RUN/);
    rig.qemu.stop();
    const bound = run([
      'abort',
      'vm1',
      'j',
      '--sync',
      '--timeout',
      '300ms',
      '--run',
      (await rig.wire.status('j', 'running')).job?.run ?? '',
      ...url,
    ]);
    expect(await bound.exit).toBe(3);
    rig.qemu.cont();
    const asynchronous = run(['abort', 'vm1', 'j', '--json', ...url]);
    expect([0, 1]).toContain(await asynchronous.exit);
  });
});
