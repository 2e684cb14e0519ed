import { describe, expect, it } from 'vitest';
import type { Client } from '../../src/client/client.js';
import type { Settled } from '../../src/protocol/methods.js';
import { cursor, JOB, SETTLEMENT } from './support/fixtures.js';
import { start } from './support/start.js';

const TARGET = { source: 'vm1', job: 'drive0' };
const { outcome, provenance, pivoted, pivotProof, forced, escalated, dismissed } = SETTLEMENT;
const ENDED: Settled = {
  ...{ outcome, provenance, pivoted, pivotProof, forced, escalated, dismissed },
  ...TARGET,
  status: 'settled',
  run: JOB.run,
  cursor: cursor(9),
};

describe('abort', () => {
  it.each([
    ['abort', (client: Client) => client.abort({ ...TARGET, sync: true, force: true })],
    ['jobWait', (client: Client) => client.jobWait(TARGET)],
  ])('%s sends its request and no other', async (_name, call) => {
    const { client, clock, open } = start();
    const socket = await open();
    const ended = call(client);
    await clock.advance(0);
    const [request, ...more] = socket.sent;
    expect(more).toEqual([]);
    expect(request).toMatchObject({ params: { ...TARGET, timeoutMs: 30_000 } });
    expect(request?.params).not.toHaveProperty('run');
    socket.say({ jsonrpc: '2.0', id: request?.id, result: ENDED });
    await expect(ended).resolves.toEqual(ENDED);
  });

  it.each([
    'STALE_RUN',
    'JOB_NOT_FOUND',
    'SOURCE_DOWN',
    'JOB_STATE',
    'FORBIDDEN',
    'RATE_LIMITED',
    'UNSUPPORTED',
    'INVALID_PARAMS',
  ])('that was sent before a line was lost is not said to be refused: %s', async (reason) => {
    const { client, clock, far, open } = start();
    const socket = await open();
    const fate = client.abort({ ...TARGET, run: JOB.run }).catch((error) => error.reason);
    const first = client.abort({ ...TARGET, run: 'k3f9:9' }).catch((error) => error.reason);
    await clock.advance(0);
    socket.refuse('job.abort', { data: { reason } });
    expect(await first).toBe(reason);
    socket.drop(1006);
    await open(1_000);
    far.last().refuse('job.abort', { data: { reason } });
    expect(await fate).toBe('CONNECTION_LOST');
  });

  it.each([
    ['TIMEOUT', { accepted: false }, 'CONNECTION_LOST'],
    ['TIMEOUT', { accepted: true }, 'TIMEOUT'],
    ['TIMEOUT', { accepted: null }, 'TIMEOUT'],
    ['OUTCOME_UNKNOWN', {}, 'OUTCOME_UNKNOWN'],
  ])('that is sent again is answered by %s %j as %s', async (reason, data, expected) => {
    const { client, clock, far, open } = start();
    const socket = await open();
    const fate = client.abort({ ...TARGET, run: JOB.run }).catch((error) => error.reason);
    await clock.advance(0);
    socket.drop(1006);
    await open(1_000);
    far.last().refuse('job.abort', { data: { reason, ...data } });
    expect(await fate).toBe(expected);
  });

  it('that was sent, and whose line does not come again within the bound, was sent', async () => {
    const { client, clock, open } = start();
    const socket = await open();
    const fate = client.abort({ ...TARGET, run: JOB.run, timeoutMs: 1_000 }).catch((error) => error);
    await clock.advance(0);
    socket.drop(1006);
    await clock.advance(6_000);
    expect(await fate).toMatchObject({ reason: 'NO_ANSWER', data: { sent: true } });
  });

  it('without a run is not sent twice: the next connection could find another run of the id', async () => {
    const { client, clock, far, open } = start();
    const socket = await open();
    const fates = [client.abort({ ...TARGET, sync: true }), client.jobWait(TARGET)].map((call) =>
      call.catch((error) => error.reason),
    );
    await clock.advance(0);
    socket.drop(1006);
    expect(await Promise.all(fates)).toEqual(['CONNECTION_LOST', 'CONNECTION_LOST']);
    await open(1_000);
    expect(far.last().sent).toEqual([]);
  });

  it('without a run waits for the connection, and its bound shrinks meanwhile', async () => {
    const { client, clock, open } = start();
    const abort = client.abort({ ...TARGET, timeoutMs: 10_000 });
    await clock.advance(4_000);
    const socket = await open();
    expect(socket.of('job.abort').map(({ params }) => params)).toEqual([{ ...TARGET, timeoutMs: 6_000 }]);
    socket.refuse('job.abort', { code: -32004, data: { reason: 'JOB_NOT_FOUND' } });
    await expect(abort).rejects.toMatchObject({ name: 'GatewayError', code: -32004, reason: 'JOB_NOT_FOUND' });
  });

  it('is repeated on the next line with its run and with what is left of its bound', async () => {
    const { client, clock, far, open } = start();
    const socket = await open();
    const abort = client.abort({ ...TARGET, run: JOB.run, timeoutMs: 10_000 });
    await clock.advance(3_000);
    socket.drop(1006);
    await open(1_000);
    expect(
      far
        .last()
        .of('job.abort')
        .map(({ params }) => params),
    ).toEqual([{ ...TARGET, run: JOB.run, timeoutMs: 6_000 }]);
    far.last().answer('job.abort', ENDED);
    await expect(abort).resolves.toMatchObject({ status: 'settled' });
  });

  it('ends at the latest 5 s after its bound, connected or not', async () => {
    const { client, clock, open } = start();
    await open();
    const fate = client.abort({ ...TARGET, run: JOB.run, timeoutMs: 1_000 }).catch((error) => error);
    await clock.advance(6_000);
    expect(await fate).toMatchObject({ reason: 'NO_ANSWER', data: { sent: true } });
  });
});

it('that is no JSON is refused alone: what waits beside it is sent', async () => {
  const { client, open } = start();
  const fate = client.jobSetSpeed({ ...TARGET, speed: 5n as never }).catch((error) => error.reason);
  const read = client.jobGet(TARGET);
  const socket = await open();
  expect(await fate).toBe('INVALID_OPTION');
  socket.answer('job.get', JOB);
  expect(await read).toEqual(JOB);
});

it('never repeats a command that may have been executed', async () => {
  const { client, clock, far, open } = start();
  const socket = await open();
  const fates = [
    client.jobPause(TARGET),
    client.jobResume(TARGET),
    client.jobFinalize(TARGET),
    client.jobDismiss(TARGET),
    client.jobSetSpeed({ ...TARGET, speed: '9223372036854775807' }),
    client.jobComplete({ ...TARGET, sync: true }),
  ].map((call) => call.catch((error) => error.name));
  await clock.advance(0);
  expect(socket.sent).toHaveLength(6);
  socket.drop(1006);
  expect(await Promise.all(fates)).toEqual(Array(6).fill('ConnectionLost'));
  await open();
  expect(far.last().sent).toEqual([]);
});

it('repeats reads, and sends what waited', async () => {
  const { client, clock, far, open } = start();
  const calls = [
    client.info(),
    client.sources(),
    client.jobGet(TARGET),
    client.jobList(),
    client.jobWait({ ...TARGET, run: 'r' }),
    client.history(),
    client.historyOf(TARGET),
  ];
  for (const call of calls) call.catch(() => {});
  const socket = await open();
  await clock.advance(0);
  const methods = ['server.info', 'source.list', 'job.get', 'job.list', 'job.wait', 'history.list', 'history.get'];
  expect(socket.sent.map(({ method }) => method)).toEqual(methods);
  socket.drop(1001);
  await open();
  expect(far.last().sent.map(({ method }) => method)).toEqual(methods);
  far.last().answer('source.list', { sources: [] });
  await expect(calls[1]).resolves.toEqual([]);
});

it('lets only so many requests wait (256 by default)', async () => {
  const { client, far, open } = start({ queue: 3 });
  const calls = Array.from({ length: 4 }, () => client.info());
  await expect(calls[3]).rejects.toMatchObject({ reason: 'QUEUE_FULL' });
  await open();
  expect(far.last().sent).toHaveLength(3);
  for (const call of calls) call.catch(() => {});
});

it('refuses a message that the server would close for', async () => {
  const { client, open } = start();
  const socket = await open();
  const huge = client.jobGet({ source: 'vm1', job: 'ü'.repeat(17_000) });
  await expect(huge).rejects.toMatchObject({ reason: 'TOO_LARGE' });
  expect(socket.sent).toEqual([]);
});

it('gives up on a signal, before and after sending', async () => {
  const { client, open } = start();
  const socket = await open();
  const controller = new AbortController();
  const call = client.jobGet(TARGET, { signal: controller.signal });
  controller.abort(new Error('enough'));
  await expect(call).rejects.toThrow('enough');
  socket.answer('job.get', JOB);
  await expect(client.info({ signal: AbortSignal.abort('no') })).rejects.toBe('no');
  expect(socket.sent).toHaveLength(1);
});

it('says NO_ANSWER when its time is up', async () => {
  const { client, clock } = start({ timeoutMs: 500 });
  const fate = client.info().catch((error) => error);
  await clock.advance(500);
  expect(await fate).toMatchObject({ reason: 'NO_ANSWER', data: { sent: false } });
});
