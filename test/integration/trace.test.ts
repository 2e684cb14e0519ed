// Where the trace of a call comes from: the envelope, the header of a POST, the client's option; and a gateway with an SDK that its operator loads.
import { resolve } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createClient } from '../../src/client/node.js';
import { openBare } from '../support/bare.js';
import { MAIN, run } from '../support/cli.js';
import { connectWire } from '../support/wire.js';
import { openSims } from './stream/support.js';

const traceparent = `00-${'a'.repeat(32)}-${'1'.repeat(16)}-01`;
const other = traceparent.replaceAll('a', 'c');
const TARGET = { source: 'vm1', job: 'j' };

it('a POST has it in its headers, or in its envelope, which has precedence', async () => {
  const bare = await openBare();
  const post = (headers: object, more: object = {}): void => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'job.abort', params: TARGET, ...more });
    void fetch(`${bare.url}v1/rpc`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    }).catch(() => undefined);
  };
  const seen = async (n: number) => {
    await expect.poll(() => bare.calls.length).toBe(n);
    return bare.calls[n - 1]?.context.trace;
  };
  post({ traceparent, tracestate: 'x=1' });
  expect(await seen(1)).toEqual({ traceparent, tracestate: 'x=1' });
  post({ traceparent }, { traceparent: other });
  expect(await seen(2)).toEqual({ traceparent: other });
  post({});
  expect(await seen(3)).toBeUndefined();
  for (const { answer } of bare.calls) answer({ reason: 'SOURCE_DOWN', message: '' });
});

it('the client passes it with the call that has it alone', async () => {
  const bare = await openBare();
  const client = createClient({ url: `${bare.url.replace('http', 'ws')}v1` });
  onTestFinished(() => client.close());
  expect((await client.info()).features).toContain('trace');
  void client.abort(TARGET, { traceparent }).catch(() => undefined);
  void client.jobPause(TARGET, { traceparent: other }).catch(() => undefined);
  void client.jobResume(TARGET).catch(() => undefined);
  await expect.poll(() => bare.calls.length).toBe(3);
  expect(bare.calls.map(({ name, context }) => [name, context.trace])).toEqual([
    ['job.abort', { traceparent }],
    ['job.pause', { traceparent: other }],
    ['job.resume', undefined],
  ]);
});

it('an SDK that is loaded before the gateway gets the spans, up to the end of the run', async () => {
  const { sims, paths } = await openSims('vm1');
  sims.vm1?.jobs.start({ id: 'j', type: 'mirror', bytesPerSecond: 1 });
  const serve = ['serve', '--listen', '127.0.0.1:0', '--source', `vm1=${paths.vm1}`, '--log-level', 'error'];
  const gateway = run(serve, [process.execPath, MAIN], {
    NODE_OPTIONS: `--import ${resolve('test/support/trace-sdk.mjs')}`,
  });
  const [url = ''] = /http:\S+/.exec(await gateway.said(/listens at http:\S+\//)) ?? [];
  const wire = await connectWire(url);
  onTestFinished(() => wire.close());
  await expect.poll(async () => (await wire.call('source.list', {})).sources[0]?.state).toBe('up');
  wire.ws.send(JSON.stringify({ jsonrpc: '2.0', id: 99, method: 'job.abort', params: TARGET, traceparent }));
  for (const name of ['abort', 'settlement']) await gateway.said(`qmp_gateway.job.${name}`);
  const spans = gateway
    .err()
    .split('\n')
    .flatMap((line) => (line.startsWith('SPAN ') ? [JSON.parse(line.slice(5))] : []));
  expect(spans).toHaveLength(2);
  for (const span of spans) expect(span.trace).toBe('a'.repeat(32));
  expect(spans.find(({ name }) => name === 'qmp_gateway.job.abort')).toMatchObject({
    'qmp_gateway.result': 'requested',
  });
  expect(spans.find(({ name }) => name === 'qmp_gateway.job.settlement')).toMatchObject({
    'qmp_gateway.outcome': 'cancelled',
  });
});
