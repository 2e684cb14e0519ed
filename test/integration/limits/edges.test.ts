// Requests as proxies, load balancers, old clients and attackers send them, byte by byte: each is served, or refused as HTTP says.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Bare, openBare } from '../../support/bare.js';
import { rawSocket, until } from '../stream/support.js';

async function dial({ port }: Bare): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Everything that comes until the other side hangs up, or the head of a WebSocket. */
async function answer(bare: Bare, text: string): Promise<string> {
  const socket = await dial(bare);
  let all = '';
  socket.on('data', (chunk) => {
    all += String(chunk);
  });
  socket.write(text);
  await until(() => socket.destroyed || /^HTTP\/1\.1 101[\s\S]*\r\n\r\n/.test(all));
  return all;
}

const plain = (line: string, headers: readonly string[] = ['Host: localhost']): string =>
  [line, ...headers, 'Connection: close', '', ''].join('\r\n');

const UPGRADE = ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='];
const upgrade = (more: readonly string[], line = 'GET /v1 HTTP/1.1', version = 'Sec-WebSocket-Version: 13'): string =>
  [line, ...UPGRADE, version, ...more, '', ''].join('\r\n');

const status = (text: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]);

describe('a request', () => {
  it.each([
    ['GET /healthz HTTP/1.1', ['Host: 10.0.0.7:7070'], 200],
    ['GET /healthz/ HTTP/1.1', ['Host: gw.internal'], 200],
    ['HEAD /healthz HTTP/1.1', ['Host: 10.0.0.7'], 200],
    ['GET http://10.0.0.7/healthz HTTP/1.1', ['Host: 10.0.0.7'], 200],
    ['GET /metrics HTTP/1.1', ['Host: 10.0.0.7'], 403],
    ['GET /metrics/ HTTP/1.1', ['Host: localhost'], 200],
    ['GET http://localhost/metrics HTTP/1.1', ['Host: localhost'], 200],
    ['GET http://evil.example/metrics HTTP/1.1', ['Host: localhost'], 403],
    ['GET http://localhost/metrics HTTP/1.1', ['Host: evil.example'], 403],
    ['GET http://user@localhost/metrics HTTP/1.1', ['Host: localhost'], 400],
    ['GET /healthz HTTP/1.1', ['Host: localhost', 'Host: evil.example'], 400],
    ['GET /metrics HTTP/1.1', ['Host: localhost', 'Host: localhost'], 400],
    ['GET /metrics HTTP/1.1', ['Host: localhost', 'Origin: http://localhost', 'Origin: http://localhost'], 400],
    ['GET /metrics HTTP/1.1', ['Host: gw.example:443', 'Origin: https://gw.example'], 200],
    ['GET /metrics HTTP/1.1', ['Host: gw.example', 'Origin: https://gw.example'], 200],
    ['GET /metrics HTTP/1.1', ['Host: gw.example:80', 'Origin: http://gw.example'], 200],
    ['GET /metrics HTTP/1.1', ['Host: GW.example:443', 'Origin: https://gw.example'], 200],
    ['GET /metrics HTTP/1.1', ['Host: gw.example:443', 'Origin: http://gw.example'], 403],
    ['GET /metrics HTTP/1.1', ['Host: gw.example:80', 'Origin: https://gw.example'], 403],
    ['GET /metrics HTTP/1.1', ['Host: gw.example:443', 'Origin: https://gw.example:8443'], 403],
    ['GET /nothing HTTP/1.1', ['Host: localhost'], 404],
    ['GET /v1 HTTP/1.1', ['Host: localhost'], 426],
    ['GET /v1/ HTTP/1.1', ['Host: localhost'], 426],
  ])('%s %j: %i', async (line, headers, expected) => {
    const bare = await openBare({}, { allowHosts: ['gw.example'] });
    expect(status(await answer(bare, plain(line, headers)))).toBe(expected);
  });

  it.each([
    ['/healthz', 'GET, HEAD'],
    ['/metrics', 'GET, HEAD'],
    ['/v1', 'GET, HEAD'],
    ['/v1/rpc', 'POST'],
    ['/', 'GET, HEAD'],
    ['/assets/x.js', 'GET, HEAD'],
  ])('another method on %s: 405 with Allow', async (path, allow) => {
    const bare = await openBare();
    const allowed = allow.split(', ');
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']) {
      const got = await answer(bare, plain(`${method} ${path} HTTP/1.1`));
      if (allowed.includes(method)) expect(status(got), method).not.toBe(405);
      else {
        expect(status(got), method).toBe(405);
        expect(got).toContain(`\r\nallow: ${allow}\r\n`);
      }
    }
  });

  it('allows connections of a page to its own origin, and no inline style', async () => {
    const bare = await openBare();
    const policy = /content-security-policy: (.*)\r\n/.exec(await answer(bare, plain('GET /x HTTP/1.1')))?.[1] ?? '';
    expect(policy).toContain("connect-src 'self';");
    expect(policy).not.toMatch(/unsafe|wss?:/);
  });

  it('of half a head, half a body, or nothing at all is given up in time: 408', { timeout: 30_000 }, async () => {
    const bare = await openBare({ headersMs: 400, requestMs: 900, httpCheckMs: 50 });
    const halves: readonly [string, number][] = [
      ['GET /healthz HTTP/1.1\r\nHost: loc', 400],
      [
        'POST /v1/rpc HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{',
        900,
      ],
      [
        'POST /v1/rpc HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{',
        900,
      ],
      ['', 400],
    ];
    const closed: number[] = [];
    await Promise.all(
      halves.map(async ([text, bound]) => {
        const socket = await dial(bare);
        const began = performance.now();
        let got = '';
        socket.on('data', (chunk) => {
          got += String(chunk);
        });
        socket.write(text);
        await once(socket, 'close');
        closed.push(bound);
        // Not before its limit; a busy machine only adds to it.
        expect(performance.now() - began, text).toBeGreaterThan(bound - 50);
        if (text !== '') expect(status(got), text).toBe(408);
      }),
    );
    expect(closed).toEqual([400, 400, 900, 900]);
    expect(new Set(bare.recorder.limits)).toEqual(new Set(['request_time']));
    expect(bare.recorder.limits.length).toBeGreaterThanOrEqual(3);
  });

  it('with a body in chunks is read; one that is too long gets 413', async () => {
    const bare = await openBare();
    const post = (body: string): string =>
      `POST /v1/rpc/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${body}0\r\n\r\n`;
    const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
    const got = await answer(bare, post(chunk('{"jsonrpc":"2.0","id":1,') + chunk('"method":"source.list"}')));
    expect(got).toContain('{"jsonrpc":"2.0","id":1,"result":{"sources":[]}}');
    expect(status(await answer(bare, post(chunk('x'.repeat(20_000)) + chunk('x'.repeat(20_000)))))).toBe(413);
  });
});

it('of pipelined POSTs eight are executed; more close the connection and end what waits on it', async () => {
  const bare = await openBare();
  const body = '{"jsonrpc":"2.0","id":1,"method":"job.wait","params":{"source":"vm1","job":"j"}}';
  const one = `POST /v1/rpc HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const socket = await dial(bare);
  socket.write(one.repeat(8));
  await expect.poll(() => bare.calls.length).toBe(8);
  for (const { answer } of bare.calls) answer({ reason: 'SOURCE_DOWN', message: '' });
  let all = '';
  socket.on('data', (chunk) => {
    all += String(chunk);
  });
  await expect.poll(() => all.split('SOURCE_DOWN').length - 1).toBe(8);
  bare.calls.length = 0;
  socket.write(one.repeat(100));
  await once(socket, 'close');
  expect(bare.calls).toHaveLength(8);
  await expect.poll(() => bare.calls.every(({ context }) => context.signal.aborted)).toBe(true);
});

describe('a handshake', () => {
  it.each([
    [['Host: localhost'], 101],
    [['Host: localhost', 'Sec-WebSocket-Protocol:'], 101],
    [['Host: localhost', 'Sec-WebSocket-Protocol: '], 101],
    [['Host: localhost', 'Sec-WebSocket-Protocol: qmp-gateway.v1,'], 101],
    [['Host: localhost', 'Sec-WebSocket-Protocol: ,x, , qmp-gateway.v1'], 101],
    [['Host: localhost', 'Sec-WebSocket-Protocol: x', 'Sec-WebSocket-Protocol: qmp-gateway.v1'], 101],
    [['Host: localhost', 'Sec-WebSocket-Protocol: x,'], 400],
    [['Host: localhost', 'Host: localhost'], 400],
    [['Host: evil.example'], 403],
    [['Host: gw.example:443', 'Origin: https://gw.example'], 101],
    [['Host: gw.example:443', 'Origin: http://gw.example'], 403],
    [['Host: localhost', 'Sec-WebSocket-Version: 13'], 400],
  ])('%j: %i', async (headers, expected) => {
    const bare = await openBare({}, { allowHosts: ['gw.example'] });
    const got = await answer(bare, upgrade(headers));
    expect(status(got)).toBe(expected);
    if (expected === 101 && headers.some((each) => each.includes('qmp-gateway.v1')))
      expect(got).toContain('Sec-WebSocket-Protocol: qmp-gateway.v1\r\n');
  });

  it.each([
    ['GET /v1/ HTTP/1.1', 101],
    ['GET /v1?token=x HTTP/1.1', 101],
    ['GET http://localhost/v1 HTTP/1.1', 101],
    ['GET http://evil.example/v1 HTTP/1.1', 403],
    ['GET /v2 HTTP/1.1', 404],
    ['GET /v1/rpc HTTP/1.1', 404],
    ['POST /v1 HTTP/1.1', 405],
  ])('%s: %i', async (line, expected) => {
    const bare = await openBare();
    const got = await answer(bare, upgrade(['Host: localhost'], line));
    expect(status(got)).toBe(expected);
    if (expected === 405) expect(got).toContain('Allow: GET\r\n');
  });

  it.each(['Sec-WebSocket-Version: 8', 'Sec-WebSocket-Version: 14', 'Sec-WebSocket-Version: 0', 'X-None: 1'])(
    '%s: 426, and the version that is spoken',
    async (version) => {
      const bare = await openBare();
      const got = await answer(bare, upgrade(['Host: localhost'], 'GET /v1 HTTP/1.1', version));
      expect(status(got)).toBe(426);
      expect(got).toContain('Sec-WebSocket-Version: 13\r\n');
    },
  );
});

describe('frames', () => {
  it('of 2,000 pings in one write the newest is answered, and the connection stays', async () => {
    const bare = await openBare();
    const raw = await rawSocket(bare.url);
    raw.socket.cork();
    for (let n = 0; n < 2_000; n += 1) raw.send(`ping ${n}`, 0x89);
    raw.request(1, 'source.list');
    raw.socket.uncork();
    let all = '';
    raw.socket.on('data', (chunk: Buffer) => {
      all += chunk.toString('latin1');
    });
    raw.socket.resume();
    await until(() => all.includes('ping 1999') && all.includes('"id":1'));
    expect(raw.closed).toBe(false);
    expect(all.split('\x8a').length - 1).toBeLessThan(100);
  });

  it('pings and pongs without end: the connection is closed with bye and 4429', async () => {
    const bare = await openBare({ controlFrames: 100 });
    for (const opcode of [0x89, 0x8a]) {
      const raw = await rawSocket(bare.url);
      let all = '';
      raw.socket.on('data', (chunk: Buffer) => {
        all += chunk.toString('latin1');
      });
      raw.socket.cork();
      for (let n = 0; n < 101; n += 1) raw.send('', opcode);
      raw.socket.uncork();
      expect(await raw.code()).toBe(4429);
      expect(all).toContain('"method":"bye"');
    }
    expect(bare.recorder.limits).toEqual(['control_frames', 'control_frames']);
  });

  it('a message in very many fragments: 1008', async () => {
    const bare = await openBare();
    const raw = await rawSocket(bare.url);
    raw.send('{', 0x01);
    for (let n = 0; n < 40; n += 1) raw.send(' ', 0x00);
    expect(await raw.code()).toBe(1008);
  });
});
