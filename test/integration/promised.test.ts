// The gateway sends each error code and close code of docs/PROTOCOL.md, or that page says that this release does not.
import { readdirSync, readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { CLOSE_CODES, ERROR_CODES, type ErrorReason } from '../../src/protocol/index.js';
import { grantsOf, TestPolicy } from '../support/access.js';
import { type Bare, openBare } from '../support/bare.js';
import { rawSocket } from './stream/support.js';

const page = readFileSync('docs/PROTOCOL.md', 'utf8');
/** Rows of the page's tables that begin with a code. */
const rows = page.split('\n').filter((line) => /^\| -?\d{4,5} \|/.test(line));
const kept = rows.filter((row) => row.includes('Not sent by this release'));

const SUBSCRIBE = '{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{}}';

/** Everybody must authenticate. `brief` has expired as it is accepted. */
let policy: TestPolicy;
beforeEach(() => {
  policy = new TestPolicy({ brief: grantsOf('a', []), other: grantsOf('a', []) }, { brief: 0 });
});

/** What makes the gateway close a connection with the code. */
const CLOSED: Readonly<Record<number, (bare: Bare) => Promise<number>>> = {
  1002: (bare) => after(bare, Buffer.from([0xf1, 0x80, 0, 0, 0, 0])),
  1003: (bare) => after(bare, Buffer.from([0x82, 0x80, 0, 0, 0, 0])),
  1007: (bare) => after(bare, Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0xff])),
  1008: (bare) =>
    after(
      bare,
      Buffer.concat([
        Buffer.from([0x01, 0x80, 0, 0, 0, 0]),
        Buffer.concat(Array.from({ length: 40 }, () => Buffer.from([0x00, 0x81, 0, 0, 0, 0, 0x20]))),
      ]),
    ),
  1009: (bare) => after(bare, Buffer.from([0x81, 0xfe, 0xff, 0xff, 0, 0, 0, 0])),
  1011: async (bare) => {
    bare.failures.jobs = new Error('the view fails');
    const raw = await rawSocket(bare.url);
    raw.send(SUBSCRIBE);
    return raw.code();
  },
  1012: async (bare) => {
    const raw = await rawSocket(bare.url);
    const code = raw.code();
    void bare.close();
    return code;
  },
  4401: async (bare) => {
    const raw = await rawSocket(bare.url);
    raw.send('{"jsonrpc":"2.0","id":1,"method":"authenticate","params":{"token":"brief"}}');
    return raw.code();
  },
  4403: async (bare) => {
    const raw = await rawSocket(bare.url);
    const code = raw.code();
    raw.send('{"jsonrpc":"2.0","id":1,"method":"authenticate","params":{"token":"other"}}');
    await expect.poll(() => policy.asked).toBeGreaterThan(0);
    policy.revoke('other');
    return code;
  },
  4408: async (bare) => (await rawSocket(bare.url)).code(),
  4429: async (bare) => {
    const raw = await rawSocket(bare.url);
    for (let n = 0; n < 100; n += 1) raw.send('{');
    return raw.code();
  },
  4510: async (bare) => (await rawSocket(bare.url)).code(),
};

const SHORTENED: Readonly<Record<number, Parameters<typeof openBare>[0]>> = {
  4429: { requestsPerSecond: 1, requestsBurst: 1, refusalsPerSecond: 1, refusalsBurst: 10 },
  4510: { bookmarkMs: 20, deadMs: 60 },
  4408: { authenticateMs: 20 },
};

async function after(bare: Bare, bytes: Buffer): Promise<number> {
  const raw = await rawSocket(bare.url);
  raw.socket.write(bytes);
  return raw.code();
}

/** Not a frame of the gateway's: the connection itself ends. `4508` waits behind what was not read, and the socket is gone with it. */
const LINE = [1005, 1006, 4508];

/** What metrics are told of it. */
const FAILURES: Readonly<Record<number, readonly string[]>> = { 4401: ['expired'], 4408: ['late'] };

describe('close codes', () => {
  it('are on the page, each', () => {
    expect(rows.map((row) => Number(row.split('|')[1])).filter((code) => code > 0)).toEqual(
      Object.keys(CLOSE_CODES).map(Number),
    );
  });

  it('are sent, or the page says that they are not', () => {
    const named = kept.map((row) => Number(row.split('|')[1])).filter((code) => code > 0);
    expect([...Object.keys(CLOSED).map(Number), ...LINE, ...named].sort()).toEqual(
      Object.keys(CLOSE_CODES).map(Number).sort(),
    );
  });

  it.each(Object.entries(CLOSED).map(([code, close]) => ({ code: Number(code), close })))('$code', async (each) => {
    const guarded = [4401, 4403, 4408].includes(each.code);
    const bare = await openBare(SHORTENED[each.code] ?? {}, guarded ? { access: policy } : {});
    expect(await each.close(bare)).toBe(each.code);
    expect(bare.recorder.failures).toEqual(FAILURES[each.code] ?? []);
  });
});

/** Sees everything on `a` and may do nothing. */
const WATCHER = new TestPolicy({ nobody: grantsOf('a', []) });

/** What the gateway layer answers by itself. */
const REFUSED: Partial<Record<ErrorReason, [text: string, prepare: (bare: Bare) => void]>> = {
  PARSE_ERROR: ['{', () => undefined],
  INVALID_REQUEST: ['{"jsonrpc":"2.0","id":1}', () => undefined],
  METHOD_NOT_FOUND: ['{"jsonrpc":"2.0","id":1,"method":"query-block"}', () => undefined],
  INVALID_PARAMS: ['{"jsonrpc":"2.0","id":1,"method":"job.abort","params":{}}', () => undefined],
  INTERNAL_ERROR: [
    '{"jsonrpc":"2.0","id":1,"method":"job.list","params":{}}',
    (bare) => {
      bare.failures.jobs = new TypeError('secret is not a function');
    },
  ],
  FORBIDDEN: ['{"jsonrpc":"2.0","id":1,"method":"job.abort","params":{"source":"a","job":"j"}}', () => undefined],
};

describe('error codes', () => {
  it('are on the page, each with its reason', () => {
    expect(
      rows.flatMap((row) => {
        const [, code, reason] = /^\| (-\d+) \| `(\w+)`/.exec(row) ?? [];
        return reason ? [[reason, Number(code)]] : [];
      }),
    ).toEqual(Object.entries(ERROR_CODES));
  });

  it('are sent, or the page says that they are not', () => {
    const tests = readdirSync('test', { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.test.ts') && !file.endsWith('promised.test.ts'))
      .map((file) => readFileSync(`test/${file}`, 'utf8'));
    const isExpected = (reason: string): boolean =>
      tests.some((text) => new RegExp(`(reason: |toBe\\(|, )'${reason}'`).test(text));
    const isKept = (reason: string): boolean => kept.some((row) => row.includes(`\`${reason}\``));
    const promised = Object.keys(ERROR_CODES).filter((reason) => !isKept(reason));
    expect(promised.filter((reason) => !(reason in REFUSED || isExpected(reason)))).toEqual([]);
  });

  it.each(Object.entries(REFUSED))('%s', async (reason, [text, prepare]) => {
    const bare = await openBare({}, reason === 'FORBIDDEN' ? { access: WATCHER } : {});
    prepare(bare);
    const wire = await bare.wire();
    wire.ws.send(text);
    const { error } = await wire.frame((frame) => frame.error !== undefined);
    expect(error).toMatchObject({ code: ERROR_CODES[reason as ErrorReason], data: { reason } });
  });

  it('an exception of the gateway is reported once with its stack, and its text stays inside', async () => {
    const bare = await openBare();
    bare.failures.jobs = new TypeError('secret is not a function');
    const wire = await bare.wire();
    const { error } = await wire.ask('job.list', {});
    expect(bare.errors).toHaveLength(1);
    expect((bare.errors[0] as Error).stack).toContain('secret is not a function\n    at ');
    expect(bare.lines).toMatchObject([{ method: 'job.list', connection: 1 }]);
    expect(JSON.stringify(error)).not.toContain('secret');
    expect(await wire.call('server.info', {}), 'and the connection goes on').toHaveProperty('epoch');
  });
});
