// How a command ends whose reader has gone, which is interrupted, or which gets no answer: never as if all were as asked.
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startApp } from '../../support/app.js';
import { run } from '../../support/cli.js';
import { type Message, startFaultProxy } from '../../support/fault-proxy.js';
import { startGuarded, temporaryFolder } from '../../support/tokens.js';
import { flood, openBench, openSims } from '../stream/support.js';

describe('events', () => {
  const EVENT = 'BLOCK_WRITE_THRESHOLD';

  /** `events` that has printed one. */
  async function following(...args: string[]) {
    const { app, sim } = await openBench();
    flood(sim('vm1'), 1);
    const events = run(['events', '--since', '1h', '--type', EVENT, '--url', app.url, ...args]);
    await events.said(EVENT);
    return { events, sim: sim('vm1') };
  }

  it.each([
    [['--until', 'BLOCK_JOB_READY'], 'SIGINT'],
    [['--count', '5'], 'SIGTERM'],
  ] as const)(
    'with %j end by %s as a process that the signal has ended: nothing goes on after it',
    async (args, signal) => {
      const { events } = await following(...args);
      events.child.kill(signal);
      expect(await events.exit).toBe(null);
      expect(events.child.signalCode).toBe(signal);
    },
  );

  it('without an end of their own end by a signal as asked', async () => {
    const { events } = await following();
    events.child.kill('SIGTERM');
    expect(await events.exit).toBe(0);
  });

  it.each([
    [[], 0],
    [['--until', 'BLOCK_JOB_READY'], 1],
  ] as const)('with %j whose reader has gone end with %d', async (args, code) => {
    const { events, sim } = await following(...args);
    events.child.stdout.destroy();
    await once(events.child.stdout, 'close');
    flood(sim, 1, 0, 1);
    expect(await events.exit).toBe(code);
    expect(events.err()).toBe('');
  });
});

it('a verb whose stderr is not read any more prints every answer', async () => {
  const { app, sim, wire } = await openBench();
  sim('vm1').jobs.start({ id: 'big', type: 'backup', len: 2 ** 30, bytesPerSecond: 1 });
  await expect
    .poll(async () => (await wire.call('job.list', {})).jobs.map(({ status }) => status))
    .toEqual(['running']);
  const abort = run(['abort', 'vm1', 'nope1', 'nope2', 'big', '--sync', '--url', app.url]);
  abort.child.stderr.destroy();
  expect(await abort.exit).toBe(1);
  expect(abort.out()).toBe('cancelled: vm1 big\n');
});

describe('an audit', () => {
  /** @param passes of the messages to the client. */
  async function audited(passes: (message: Message, subscribed: number) => boolean) {
    const { app, sim, wire } = await openBench();
    sim('vm1').jobs.start({ id: 'j', type: 'backup', bytesPerSecond: 1 });
    await expect
      .poll(async () => (await wire.call('job.list', {})).jobs.map(({ status }) => status))
      .toEqual(['running']);
    await wire.call('job.pause', { source: 'vm1', job: 'j' });
    let subscribed = 0;
    const { url } = await startFaultProxy(app, () => ({
      toServer(message) {
        if (message.method === 'subscribe') subscribed += 1;
        return [message];
      },
      toClient(message) {
        if (message.result?.bookmarkMs) message.result.bookmarkMs = 200;
        return passes(message, subscribed) ? [message] : [];
      },
    }));
    const audit = run(['audit', '--url', url]);
    return { code: await audit.exit, out: audit.out(), err: audit.err() };
  }

  it('of a gateway that answers has the command', async () => {
    expect(await audited(() => true)).toMatchObject({ code: 0, out: expect.stringMatching(/anonymous +pause +vm1/) });
  });

  it.each([
    ['the events', (message: Message) => message.method === undefined],
    ['the answer to a subscription', (message: Message) => message.result?.subscription === undefined],
    ['the events of the audit itself', (message: Message, subscribed: number) => !message.method || subscribed < 2],
  ])('that does not get %s is no audit', async (_, passes) => {
    expect(await audited(passes)).toEqual({
      code: 3,
      out: '',
      err: 'qmp-gateway: the gateway did not answer: what its log has is not known\n',
    });
  });

  it('of a client that may see nothing ends with a bookmark', async () => {
    const { paths, sims } = await openSims('vm1');
    const { app, tokens } = await startGuarded(
      paths,
      { bob: { read: ['vm9'] }, ann: { control: ['*'] } },
      { bookmarkMs: 300 },
    );
    const wire = await app.wire({ authorization: `Bearer ${tokens.ann}` });
    await wire.call('subscribe', {});
    sims.vm1?.jobs.start({ id: 'j', type: 'backup', bytesPerSecond: 1 });
    await wire.status('j', 'running');
    const audit = run(['audit', '--url', app.url], undefined, { QMP_GATEWAY_TOKEN: tokens.bob ?? '' });
    expect(await audit.exit).toBe(0);
    expect(audit.out()).toBe('no commands\n');
  });
});

describe('a token', () => {
  async function jobs(args: readonly string[], env: Record<string, string> = {}) {
    const { app, tokens } = await startGuarded({}, { ann: { read: ['*'] } });
    const asked = run(['jobs', '--url', app.url, ...args], undefined, env);
    return { code: await asked.exit, err: asked.err(), token: tokens.ann };
  }

  it.each(['', ' \n'])('file that has %j is wrong usage', async (text) => {
    const file = join(await temporaryFolder(), 'token');
    await writeFile(file, text);
    const expected = { code: 2, err: `qmp-gateway: --token-file: ${file} is empty\n` };
    expect(await jobs(['--token-file', file])).toMatchObject(expected);
    expect(await jobs([], { QMP_GATEWAY_TOKEN_FILE: file })).toMatchObject(expected);
  });

  it('of an empty variable is none; an empty flag is wrong usage', async () => {
    const app = await startApp({});
    const empty = run(['sources', '--url', app.url], undefined, { QMP_GATEWAY_TOKEN_FILE: '', QMP_GATEWAY_TOKEN: '' });
    expect({ code: await empty.exit, err: empty.err() }).toEqual({ code: 0, err: '' });
    expect(await jobs(['--token-file', ''])).toMatchObject({ code: 2, err: expect.stringContaining('--token-file') });
  });

  it('that the gateway does not take for another reason than itself ends the command', async () => {
    const refused = await jobs([], { QMP_GATEWAY_TOKEN: 'x'.repeat(20_000) });
    expect(refused).toMatchObject({ code: 1, err: expect.stringMatching(/refused the token: .*token/) });
  });
});

it('`-o name` into a verb is for the same job, and leaves out what no line can have', async () => {
  const { app, sim, wire } = await openBench();
  // As a QEMU that does not check its ids has them.
  const renamed: Record<string, string> = { a: 'drive0', b: 'drive0 ', c: 'x\nvm1 drive0' };
  for (const id of Object.keys(renamed)) sim('vm1').jobs.start({ id, type: 'backup', bytesPerSecond: 1 });
  await expect.poll(async () => (await wire.call('job.list', {})).jobs).toHaveLength(3);
  const asked: unknown[] = [];
  const { url } = await startFaultProxy(app, () => ({
    toServer(message) {
      if (message.method !== 'job.pause') return [message];
      asked.push(message.params.job);
      message.params.job = 'b';
      return [message];
    },
    toClient(message) {
      for (const job of message.result?.jobs ?? []) job.job = renamed[job.job];
      return [message];
    },
  }));
  const named = run(['jobs', '--job', 'drive0 ', 'x*', '-o', 'name', '--url', url]);
  expect(await named.exit).toBe(0);
  expect(named.out()).toBe('vm1 drive0 \n');
  expect(named.err()).toMatch(/^left out: 1 .*-o jsonl/);
  const pause = run(['pause', '-', '-q', '--url', url]);
  pause.child.stdin.end(named.out());
  expect(await pause.exit).toBe(0);
  expect(asked).toEqual(['drive0 ']);
});
