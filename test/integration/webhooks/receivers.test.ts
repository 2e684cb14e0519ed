// A whole gateway with a simulated QEMU, and receivers on real sockets: good ones, and all kinds of bad ones.

import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer as createSecureServer } from 'node:https';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type App, start } from '../../../src/app.js';
import { readConfig } from '../../../src/config/index.js';
import { type Simulator, startSimulator } from '../../../src/simulator/index.js';
import type { WebhookLimits } from '../../../src/webhooks/index.js';
import { allUp } from '../../support/app.js';
import { copyOf, newFolder } from '../../support/folder.js';
import { openReceiver, type Receiver } from '../../support/receiver.js';
import { connectWire } from '../../support/wire.js';
import { metric } from '../stream/support.js';

const SECRET = 'a-secret-that-nobody-logs';
const FAST: Partial<WebhookLimits> = { baseMs: 20, maxMs: 100, timeoutMs: 500, saveMs: 5 };

interface Bench {
  app: App;
  sim: Simulator;
  lines: string[];
  reload(webhooks: readonly object[]): ReturnType<App['reload']>;
  raise(count: number, from?: number): void;
}

interface Options {
  data?: string;
  limits?: Partial<WebhookLimits>;
  sim?: Simulator;
}

async function openBench(webhooks: readonly object[], options: Options = {}): Promise<Bench> {
  const folder = newFolder();
  const sim = options.sim ?? (await startSimulator({ listen: { path: join(folder, 'sim') }, record: true }));
  onTestFinished(() => sim.close());
  const path = 'path' in sim.address ? sim.address.path : '';
  const file = join(folder, 'gateway.yaml');
  const configOf = (hooks: readonly object[]) => {
    // YAML takes JSON.
    const given = hooks.map((each) => ({
      secret: SECRET,
      allowPrivate: true,
      types: ['BLOCK_WRITE_THRESHOLD'],
      ...each,
    }));
    writeFileSync(file, JSON.stringify({ source: { vm1: `unix:${path}` }, webhooks: given, data: options.data }));
    const read = readConfig({ listen: '127.0.0.1:0', config: file }, {});
    if (!read.ok) throw new Error(read.problems.join('\n'));
    return read.config;
  };
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const app = await start(configOf(webhooks), pino({ level: 'trace' }, sink), {
    webhooks: { ...FAST, ...options.limits },
    source: { baseMs: 5, maxMs: 20 },
  });
  onTestFinished(() => app.close());
  const wire = await connectWire(app.url);
  await allUp(wire);
  wire.close();
  const raise = (count: number, from = 0): void => {
    for (let n = from; n < from + count; n += 1) sim.faults.emit('BLOCK_WRITE_THRESHOLD', { n });
  };
  return { app, sim, lines, raise, reload: (hooks) => app.reload(configOf(hooks)) };
}

const numbersOf = ({ received }: Receiver): number[] =>
  received.flatMap(({ body }) => (body.event ? [body.event.data.n ?? -1] : []));
const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

it('settlements come signed, in order, on one connection, and by default nothing else comes', async () => {
  const receiver = await openReceiver();
  const { app, sim, lines } = await openBench([{ name: 'w', url: receiver.url, types: undefined }]);
  for (const id of ['a', 'b', 'c']) sim.jobs.start({ id, type: 'backup', len: 1, bytesPerSecond: 1_000_000 });
  await expect.poll(() => receiver.received.length).toBe(3);
  for (const { headers, text, body } of receiver.received) {
    const [, t = '', v1] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-qmp-gateway-signature'])) ?? [];
    expect(v1).toBe(createHmac('sha256', SECRET).update(`${t}.${text}`).digest('hex'));
    expect(Math.abs(Number(t) - Date.now() / 1_000)).toBeLessThan(60);
    expect(headers).toMatchObject({
      'x-qmp-gateway-delivery': body.cursor,
      'x-qmp-gateway-attempt': '1',
      'x-qmp-gateway-webhook': 'w',
    });
    expect(body.event?.type).toBe('GATEWAY_JOB_SETTLED');
  }
  expect(receiver.received.map(({ body }) => body.event?.job?.id).sort()).toEqual(['a', 'b', 'c']);
  expect(receiver.connections).toBe(1);
  expect(await metric(app.url, 'qmp_gateway_webhook_deliveries_total{webhook="w",result="ok"}')).toBe(3);
  await app.close();
  expect(lines.join('')).not.toMatch(/nobody-logs|path-as-a-secret/);
});

describe('a receiver', () => {
  it.each<[string, (receiver: Receiver) => void]>([
    ['that answers 500', ({ answers }) => answers.push(500, 503)],
    [
      'that redirects',
      ({ answers, port }) =>
        answers.push((response) => response.writeHead(307, { Location: `http://127.0.0.1:${port}/` }).end()),
    ],
    ['that hangs', ({ answers }) => answers.push(() => undefined)],
    ['that closes without an answer', ({ answers }) => answers.push((response) => response.destroy())],
    ['that says 429', ({ answers }) => answers.push(429, 408)],
  ])('%s gets the same event again, and every event in order', async (_what, break_) => {
    const receiver = await openReceiver();
    break_(receiver);
    const failures = receiver.answers.length;
    const { app, raise, lines } = await openBench([{ name: 'w', url: receiver.url }]);
    raise(5);
    await expect.poll(() => numbersOf(receiver).length).toBe(5 + failures);
    expect([...new Set(numbersOf(receiver))]).toEqual(upTo(5));
    expect(receiver.received.slice(0, failures + 1).map(({ headers }) => headers['x-qmp-gateway-attempt'])).toEqual(
      upTo(failures + 1).map((n) => String(n + 1)),
    );
    await expect.poll(() => metric(app.url, 'qmp_gateway_webhook_deliveries_total{webhook="w",result="ok"}')).toBe(5);
    expect(await metric(app.url, 'qmp_gateway_webhook_deliveries_total{webhook="w",result="failed"}')).toBe(failures);
    expect(lines.filter((line) => line.includes('a webhook fails'))).toHaveLength(1);
    expect(lines.filter((line) => line.includes('a webhook works again'))).toHaveLength(1);
    expect(lines.join('')).not.toMatch(/nobody-logs|path-as-a-secret/);
  });

  it('that asks for a delay by Retry-After gets it', async () => {
    const receiver = await openReceiver();
    receiver.answers.push((response) => response.writeHead(429, { 'Retry-After': '1' }).end());
    const { raise } = await openBench([{ name: 'w', url: receiver.url }]);
    raise(1);
    await expect.poll(() => receiver.received.length).toBe(2);
    const [first, second] = receiver.received;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(990);
  });

  it('that refuses an event for good blocks nothing: it is counted', async () => {
    const receiver = await openReceiver();
    receiver.answer = (response, { body }) => response.writeHead(body.event?.data.n === 1 ? 410 : 200).end();
    const { app, raise } = await openBench([{ name: 'w', url: receiver.url }]);
    raise(3);
    await expect.poll(() => numbersOf(receiver)).toEqual([0, 1, 1, 1, 2]);
    expect(await metric(app.url, 'qmp_gateway_webhook_dead_letters_total{webhook="w"}')).toBe(1);
  });

  it('is cut off where a webhook goes, without an answer', async () => {
    const receiver = await openReceiver();
    const gone: Promise<unknown>[] = [];
    receiver.answers.push(200, (response) => void gone.push(once(response, 'close')));
    const { raise, reload, app } = await openBench([{ name: 'w', url: receiver.url }], {
      limits: { timeoutMs: 60_000 },
    });
    raise(2);
    await expect.poll(() => gone.length).toBe(1);
    reload([]);
    await gone[0];
    reload([{ name: 'w', url: receiver.url }]);
    raise(1, 2);
    await expect.poll(() => numbersOf(receiver)).toEqual([0, 1, 2]);
    expect(await receiver.open()).toBe(1);
    await app.close();
    await expect.poll(() => receiver.open()).toBe(0);
  });

  it('that is down for too long is told of the gap when it is back, and then what comes', async () => {
    const receiver = await openReceiver();
    receiver.answer = 500;
    const { raise, lines } = await openBench([{ name: 'w', url: receiver.url }], { limits: { giveUpMs: 200 } });
    raise(5);
    await expect.poll(() => lines.filter((line) => line.includes('a gap is announced')).length).toBe(1);
    receiver.answer = 200;
    await expect.poll(() => receiver.received.filter(({ body }) => body.gap).length).toBeGreaterThan(0);
    raise(1, 5);
    await expect.poll(() => numbersOf(receiver).at(-1)).toBe(5);
    const { gap } = receiver.received.findLast(({ body }) => body.gap)?.body ?? {};
    expect(gap).toMatchObject({ reason: 'failing' });
    expect(new Set(numbersOf(receiver))).toEqual(new Set([0, 5]));
  });

  it('whose answer is huge is not read to its end', async () => {
    const receiver = await openReceiver();
    let written = 0;
    receiver.answers.push((response) => {
      response.writeHead(200);
      const more = (): void => {
        do written += 65_536;
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', more);
      more();
    });
    const { raise } = await openBench([{ name: 'w', url: receiver.url }], { limits: { timeoutMs: 10_000 } });
    raise(2);
    await expect.poll(() => numbersOf(receiver)).toEqual([0, 1]);
    // What the kernel's buffers take.
    expect(written).toBeLessThan(16 * 1024 * 1024);
  });

  it.each<[string, (receiver: Receiver) => void]>([
    ['endless', ({ answers }) => answers.push((response) => void response.writeHead(200).write('x'))],
  ])('whose answer is %s has got the event', async (_what, break_) => {
    const receiver = await openReceiver();
    break_(receiver);
    const { raise } = await openBench([{ name: 'w', url: receiver.url }]);
    raise(3);
    await expect.poll(() => numbersOf(receiver)).toEqual([0, 1, 2]);
    expect(receiver.connections).toBe(2);
  });

  it('that accepts no connection, or never speaks, delays nobody else', async () => {
    const silent = createServer();
    onTestFinished(() => void silent.close());
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as { port: number };
    const [good, dead] = [await openReceiver(), await openReceiver()];
    await dead.close();
    const { app, raise } = await openBench([
      { name: 'dead', url: dead.url },
      { name: 'silent', url: `http://127.0.0.1:${port}/` },
      { name: 'good', url: good.url },
    ]);
    raise(200);
    await expect.poll(() => numbersOf(good)).toEqual(upTo(200));
    await expect.poll(() => metric(app.url, 'qmp_gateway_webhook_lag_seconds{webhook="dead"}')).toBeGreaterThan(0);
    await expect.poll(() => metric(app.url, 'qmp_gateway_webhook_lag_seconds{webhook="good"}')).toBe(0);
    const ready = await (await fetch(`${app.url}readyz`)).json();
    expect(ready).toEqual({ status: 'ready' });
    const back = await openReceiver(dead.port);
    await expect.poll(() => numbersOf(back), { timeout: 15_000 }).toEqual(upTo(200));
  });

  it('that closes an idle connection just as it is used again is no failure', async () => {
    const receiver = await openReceiver();
    receiver.answer = (response) => {
      const { socket } = response;
      response.writeHead(200, { Connection: 'keep-alive' }).end(() => socket?.once('data', () => socket.destroy()));
    };
    const { app, raise } = await openBench([{ name: 'w', url: receiver.url }]);
    raise(3);
    await expect.poll(() => new Set(numbersOf(receiver)).size).toBe(3);
    await expect.poll(() => metric(app.url, 'qmp_gateway_webhook_deliveries_total{webhook="w",result="ok"}')).toBe(3);
    expect(await metric(app.url, 'qmp_gateway_webhook_deliveries_total{webhook="w",result="failed"}')).toBe(0);
  });
});

describe('an address that is not public', () => {
  it('is not connected to, though a name resolves to it, unless that is allowed', async () => {
    const receiver = await openReceiver();
    const url = `https://localhost:${receiver.port}/`;
    const { lines, raise, reload } = await openBench([{ name: 'w', url, allowPrivate: false }]);
    raise(1);
    await expect.poll(() => lines.filter((line) => line.includes('no public address')).length).toBe(1);
    expect(receiver.connections).toBe(0);
    const { webhooks } = reload([{ name: 'w', url: url.replace('https', 'http') }]);
    expect(webhooks).toEqual({ added: [], removed: [], changed: ['w'] });
    await expect.poll(() => numbersOf(receiver)).toEqual([0]);
  });
});

it('a certificate of an unknown authority is not accepted', async () => {
  const folder = newFolder();
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
      '-keyout',
      key,
      '-out',
      cert,
      ...subject,
    ],
    {
      stdio: 'ignore',
    },
  );
  let requests = 0;
  const server = createSecureServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_request, response) => {
    requests += 1;
    response.end();
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const { lines, raise } = await openBench([{ name: 'w', url: `https://localhost:${port}/` }]);
  raise(1);
  await expect.poll(() => lines.filter((line) => line.includes('self-signed certificate')).length).toBe(1);
  expect(requests).toBe(0);
});

describe('with a log on disk', () => {
  it.each(['stopped', 'killed'])(
    'a gateway that was %s goes on from its position: nothing is missing, and the order stays',
    async (how) => {
      const data = newFolder();
      const receiver = await openReceiver();
      const hook = { name: 'w', url: receiver.url };
      const first = await openBench([hook], { data });
      first.raise(300);
      await expect.poll(() => receiver.received.length).toBeGreaterThan(20);
      let folder = data;
      if (how === 'killed') {
        receiver.answer = 500;
        await expect.poll(() => metric(first.app.url, 'qmp_gateway_log_offset')).toBeGreaterThanOrEqual(300);
        // Of what was delivered since the position was written last the next gateway knows nothing.
        folder = copyOf(data);
        first.reload([]);
        receiver.answer = 200;
      }
      await first.app.close();
      expect(new Set(numbersOf(receiver)).size).toBeLessThan(300);
      const before = numbersOf(receiver).length;
      const second = await openBench([hook], { data: folder, sim: first.sim });
      second.raise(50, 300);
      await expect.poll(() => new Set(numbersOf(receiver)).size).toBe(350);
      const all = numbersOf(receiver);
      expect([...new Set(all)]).toEqual(upTo(350));
      const after = all.slice(before);
      expect(after).toEqual(upTo(350).slice(after[0]));
      // One delivery at most was under way.
      if (how === 'stopped') expect(all.length).toBeLessThanOrEqual(351);
      expect(receiver.received.some(({ body }) => body.gap)).toBe(false);
    },
  );

  it('a folder whose log is gone: the gap comes first, then what comes from then on', async () => {
    const data = newFolder();
    const receiver = await openReceiver();
    const hook = { name: 'w', url: receiver.url };
    const first = await openBench([hook], { data });
    first.raise(1);
    await expect.poll(() => receiver.received.length).toBe(1);
    await first.app.close();
    writeFileSync(join(data, 'state.json'), 'damaged');
    const second = await openBench([hook], { data, sim: first.sim });
    second.raise(1, 1);
    await expect.poll(() => numbersOf(receiver)).toEqual([0, 1]);
    expect(receiver.received[1]?.body.gap).toMatchObject({ reason: 'epoch' });
  });
});
