// 3,000 hostile frames of one seed: each gets its error or its close code within a second, nothing crashes, and nothing is left behind.
import { expect, it } from 'vitest';
import { dice } from '../../chaos/dice.js';
import { cpuMs } from '../../support/bare.js';
import type { Frame, Wire } from '../../support/wire.js';
import { flood, metric, openBench, rawSocket, until } from './support.js';

const SEED = 20_261_123;
/** What may answer: a code of an error, or any result. */
type Expected = number | 'result';
interface Hostile {
  text: string;
  /** `undefined`: the answer has id null. */
  id?: string | number;
  expected: readonly Expected[];
}

const INVALID = -32600;
const PARSE = -32700;
const METHOD = -32601;
const PARAMS = -32602;

const throws = dice(SEED, 'hostile');
let next = 0;
const fresh = (): string => `h${next++}`;
const call = (id: string | number, method: string, params: string): string =>
  `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":${JSON.stringify(method)},"params":${params}}`;
const noise = (length: number): string =>
  Array.from({ length }, () => String.fromCharCode(throws.between(32, 0x2fff))).join('');
const nested = (open: string, close: string, depth: number, core = '1'): string =>
  open.repeat(depth) + core + close.repeat(depth);

const KINDS: readonly (() => Hostile)[] = [
  () => ({ text: noise(throws.between(1, 2_000)), expected: [PARSE, INVALID] }),
  () => ({
    text: throws.pick([
      '',
      ' ',
      '{',
      '}',
      '"',
      '\u0000',
      'NaN',
      '-',
      '{"jsonrpc":"2.0","id":1,"method":"server.info"',
      '\ufeff{}',
      "{'a':1}",
      '01',
    ]),
    expected: [PARSE],
  }),
  () => ({ text: throws.pick(['null', '1', '"x"', 'true', '[]', '[{}]', '1e999', '{}']), expected: [INVALID] }),
  () => ({ text: nested('[', ']', throws.between(1_000, 15_000)), expected: [INVALID, PARSE] }),
  () => ({ text: nested('{"a":', '}', throws.between(500, 4_500)), expected: [INVALID, PARSE] }),
  () => {
    const id = fresh();
    return { id, text: call(id, 'job.get', nested('{"source":', '}', throws.between(100, 2_500))), expected: [PARAMS] };
  },
  () => {
    const id = fresh();
    const method = throws.pick([
      '__proto__',
      'constructor',
      'toString',
      'hasOwnProperty',
      'valueOf',
      '',
      'job',
      'rpc.discover',
      'x'.repeat(9_000),
      '\ud800',
    ]);
    return { id, text: call(id, method, '{}'), expected: [METHOD] };
  },
  () => {
    const id = fresh();
    const key = throws.pick(['__proto__', 'constructor', 'prototype', 'toString', 'typs', 'Sources']);
    return {
      id,
      text: call(
        id,
        throws.pick(['subscribe', 'job.abort', 'server.info']),
        `{${JSON.stringify(key)}:{"polluted":true}}`,
      ),
      expected: [PARAMS],
    };
  },
  () => {
    const id = fresh();
    const key = throws.pick(['__proto__', 'constructor', 'result', 'error', 'extra']);
    return {
      id,
      text: `{"jsonrpc":"2.0","id":"${id}","method":"server.info",${JSON.stringify(key)}:{}}`,
      expected: [INVALID],
    };
  },
  () => ({
    text: `{"jsonrpc":"2.0","id":${throws.pick(['null', '{}', '[]', 'true', '""', '1.5', '1e400', '9007199254740993', `"${'i'.repeat(65)}"`, `"${'i'.repeat(20_000)}"`])},"method":"server.info"}`,
    expected: [INVALID],
  }),
  () => ({ text: '{"jsonrpc":"2.0","method":"server.info"}', expected: [INVALID] }),
  () => ({ id: '\ud800', text: call('\ud800', 'server.info', '{}'), expected: ['result'] }),
  () => {
    const id = fresh();
    return {
      id,
      text: `{"jsonrpc":${throws.pick(['"1.0"', '2', 'null'])},"id":"${id}","method":"server.info"}`,
      expected: [INVALID],
    };
  },
  () => {
    const id = fresh();
    return { id, text: call(id, 'server.info', throws.pick(['[]', '1', '"x"', 'null', 'true'])), expected: [PARAMS] };
  },
  () => {
    const id = fresh();
    const timeout = throws.pick([
      '-1',
      '0',
      '99',
      '3600001',
      '1e999',
      '-1e999',
      '100.5',
      '"5"',
      'null',
      '9007199254740993',
      '{}',
    ]);
    return { id, text: call(id, 'job.abort', `{"source":"vm1","job":"j","timeoutMs":${timeout}}`), expected: [PARAMS] };
  },
  () => {
    const id = fresh();
    const speed = throws.pick([
      '-1',
      '1e30',
      '"-1"',
      '"1e5"',
      '"9223372036854775808"',
      '"0x10"',
      '" 1"',
      '9007199254740993',
      '""',
    ]);
    return { id, text: call(id, 'job.setSpeed', `{"source":"vm1","job":"j","speed":${speed}}`), expected: [PARAMS] };
  },
  () => {
    const id = fresh();
    const glob = throws.pick([`${'*a'.repeat(127)}b`, `${'?*'.repeat(128)}`, `${'*'.repeat(255)}z`, 'a'.repeat(256)]);
    return {
      id,
      text: call(
        id,
        'subscribe',
        JSON.stringify({ jobs: Array.from({ length: 32 }, (_, n) => `${glob.slice(0, 250)}${n}`), snapshot: false }),
      ),
      expected: ['result', -32029, PARAMS],
    };
  },
  () => {
    const id = fresh();
    const globs = throws.pick([
      '[]',
      '[""]',
      '"*"',
      '[1]',
      JSON.stringify(['a'.repeat(1_025)]),
      JSON.stringify(Array(33).fill('a')),
      '{"0":"*"}',
    ]);
    return { id, text: call(id, 'subscribe', `{"types":${globs}}`), expected: [PARAMS] };
  },
  () => {
    const id = fresh();
    const job = throws.pick(['x'.repeat(1_025), '', '\u0000'.repeat(1_025)]);
    return { id, text: call(id, 'job.get', JSON.stringify({ source: 'vm1', job })), expected: [PARAMS] };
  },
  () => {
    const id = fresh();
    const source = throws.pick(['nobody', '__proto__', '\ud800', '../../etc', 'vm1 ']);
    return {
      id,
      text: call(id, 'job.abort', JSON.stringify({ source, job: throws.pick(['j', '__proto__']) })),
      expected: [-32004],
    };
  },
  () => {
    const id = fresh();
    return {
      id,
      text: call(
        id,
        'job.abort',
        JSON.stringify({ source: 'vm1', job: throws.pick(['__proto__', 'constructor', '\udfff', 'no such']) }),
      ),
      expected: [-32004],
    };
  },
  () => {
    const id = fresh();
    return {
      id,
      text: call(id, 'unsubscribe', JSON.stringify({ subscription: throws.pick(['__proto__', 'x', '*']) })),
      expected: [PARAMS],
    };
  },
];

async function inflict(wire: Wire, { text, id, expected }: Hostile): Promise<void> {
  const from = wire.frames.length;
  const before = cpuMs();
  wire.ws.send(text);
  const answer = await wire.until(() =>
    wire.frames
      .slice(from)
      .find(
        (frame: Frame) =>
          frame.method === undefined && (frame.id === (id ?? null) || (id !== undefined && frame.id === null)),
      ),
  );
  const got: Expected = answer.error ? answer.error.code : 'result';
  expect(expected, `${text.slice(0, 200)} -> ${JSON.stringify(answer).slice(0, 200)}`).toContain(got);
  // Of CPU time: a frame that makes the gateway compute for long holds up everybody.
  expect(cpuMs() - before, text.slice(0, 200)).toBeLessThan(1_000);
  if (wire.frames.length > 500) wire.frames.length = 0;
}

it('3,000 hostile frames', { timeout: 120_000 }, async () => {
  const { app, wire, sim } = await openBench();
  const attacker = await app.wire();
  for (let n = 0; n < 2_850; n += 1) await inflict(attacker, (KINDS[n % KINDS.length] as () => Hostile)());
  // Every slow glob is asked about a job whose name is made for it.
  const before = cpuMs();
  const name = 'a'.repeat(127);
  sim('vm1').jobs.start({ id: name, type: 'mirror', bytesPerSecond: 1 });
  flood(sim('vm1'), 100);
  await until(async () => (await wire.call('job.list', {})).jobs.length === 1);
  expect(cpuMs() - before).toBeLessThan(1_000);

  const closers: readonly [number, (raw: Awaited<ReturnType<typeof rawSocket>>) => void][] = [
    [1003, (raw) => raw.send(Buffer.from([1, 2, 3]), 0x82)],
    [1009, (raw) => raw.send('x'.repeat(32 * 1024 + 1))],
    [1007, (raw) => raw.send(Buffer.from([0xff, 0xfe, 0xfd]))],
    // Reserved bits, a reserved opcode, a continuation of nothing, an unmasked frame, a ping that is too long.
    [1002, (raw) => raw.send('{}', 0xf1)],
    [1002, (raw) => raw.send('{}', 0x83)],
    [1002, (raw) => raw.send('{}', 0x80)],
    [1002, (raw) => void raw.socket.write(Buffer.from([0x81, 0x02, 0x7b, 0x7d]))],
    [1002, (raw) => raw.send('p'.repeat(126), 0x89)],
    [1009, (raw) => void raw.socket.write(Buffer.from([0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]))],
  ];
  for (let n = 0; n < 150; n += 1) {
    const [code, attack] = closers[n % closers.length] as (typeof closers)[number];
    const raw = await rawSocket(app.url);
    attack(raw);
    expect(await raw.code(), `closer ${n % closers.length}`).toBe(code);
  }
  attacker.close();
  await until(async () => (await metric(app.url, 'qmp_gateway_connections')) === 1);
  expect(await metric(app.url, 'qmp_gateway_live_subscriptions')).toBe(0);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  expect(await wire.call('server.info', {})).toHaveProperty('epoch');
});
