// Who may speak to the gateway from a browser, and what a message must look like.
import { describe, expect, it } from 'vitest';
import { judgeHost, judgeOrigin } from '../../src/gateway/http/origin-policy.js';
import { readEnvelope } from '../../src/gateway/wire/envelope.js';
import { checkParams } from '../../src/protocol/schemas.js';

const guard = { allowHosts: ['gw.example', 'lab.example:8080'], allowOrigins: ['https://dash.example'] };

describe('the Host header', () => {
  it.each([
    '127.0.0.1:7070',
    'localhost',
    'localhost:1',
    '[::1]:7070',
    '127.3.2.1',
    'gw.example',
    'gw.example:99',
    'lab.example:8080',
  ])('%s passes', (host) => {
    expect(judgeHost(host, guard)).toEqual({ ok: true });
  });
  it.each([
    undefined,
    '',
    'evil.example',
    'lab.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'a b',
    'user@localhost',
    'localhost/x',
    '128.0.0.1',
  ])('%s is refused', (host) => {
    expect(judgeHost(host, guard).ok).toBe(false);
  });
});

describe('the Origin header', () => {
  it.each([undefined, 'http://localhost:7070', 'https://dash.example'])('%s passes', (origin) => {
    expect(judgeOrigin(origin, 'localhost:7070', guard)).toEqual({ ok: true });
  });
  it.each([
    ['https://gw.example', 'gw.example:443'],
    ['https://gw.example', 'gw.example'],
    ['http://gw.example', 'gw.example:80'],
    ['https://gw.example:8443', 'gw.example:8443'],
  ])('%s is the same as Host %s', (origin, host) => {
    expect(judgeOrigin(origin, host, guard)).toEqual({ ok: true });
  });
  it.each([
    'null',
    '',
    'http://localhost:7071',
    'http://evil.example',
    'https://dash.example.evil',
    'file://',
    'http://localhost:7070/path',
    'javascript:alert(1)',
    '%%%',
  ])('%s is refused', (origin) => {
    expect(judgeOrigin(origin, 'localhost:7070', guard).ok).toBe(false);
  });
});

describe('the envelope', () => {
  it.each([
    ['{', 'PARSE_ERROR', null],
    ['[]', 'INVALID_REQUEST', null],
    ['[{"jsonrpc":"2.0","id":1,"method":"server.info"}]', 'INVALID_REQUEST', null],
    ['1', 'INVALID_REQUEST', null],
    ['null', 'INVALID_REQUEST', null],
    ['{"jsonrpc":"2.0","method":"server.info"}', 'INVALID_REQUEST', null],
    ['{"jsonrpc":"2.0","id":null,"method":"server.info"}', 'INVALID_REQUEST', null],
    ['{"jsonrpc":"2.0","id":1.5,"method":"x"}', 'INVALID_REQUEST', null],
    ['{"jsonrpc":"2.0","id":"","method":"x"}', 'INVALID_REQUEST', null],
    ['{"jsonrpc":"1.0","id":7,"method":"x"}', 'INVALID_REQUEST', 7],
    ['{"jsonrpc":"2.0","id":7,"method":5}', 'INVALID_REQUEST', 7],
    ['{"jsonrpc":"2.0","id":7,"method":"x","extra":1}', 'INVALID_REQUEST', 7],
    ['{"jsonrpc":"2.0","id":7,"method":"x","params":[]}', 'INVALID_PARAMS', 7],
  ])('%s: %s', (text, reason, id) => {
    expect(readEnvelope(text)).toMatchObject({ ok: false, id, error: { reason } });
  });
  it('names what is wrong with params that are no object', () => {
    const problems = ['params are named: an object'];
    expect(readEnvelope('{"jsonrpc":"2.0","id":7,"method":"x","params":1}')).toMatchObject({
      error: { data: { problems } },
    });
  });
});

describe('params', () => {
  const problems = (method: Parameters<typeof checkParams>[0], params: unknown): string => {
    const checked = checkParams(method, params);
    return checked.ok ? '' : checked.problems.join('; ');
  };
  it('name an unknown member', () => {
    expect(problems('subscribe', { typse: ['X'] })).toBe('typse: unknown member');
    expect(problems('job.abort', JSON.parse('{"source":"a","job":"b","__proto__":{"x":1}}'))).toContain(
      '__proto__: unknown member',
    );
  });
  it.each([
    ['subscribe', { types: [] }, /types/],
    ['subscribe', { types: ['x'.repeat(1_025)] }, /types/],
    ['subscribe', { jobs: ['é'.repeat(513)] }, /1024 bytes/],
    ['subscribe', { types: Array(9).fill(`*${'x'.repeat(499)}`) }, /4096 characters/],
    ['subscribe', { types: Array(33).fill('x') }, /types/],
    ['subscribe', { after: 'nonsense' }, /malformed cursor/],
    ['job.abort', { source: 'a', job: 'b', timeoutMs: 99 }, /timeoutMs/],
    ['job.abort', { source: 'a', job: 'b', timeoutMs: 3_600_001 }, /timeoutMs/],
    ['job.abort', { source: 'a', job: 'b', timeoutMs: Number.NaN }, /timeoutMs/],
    ['job.abort', { source: 'a', job: 'b', force: true, escalateAfterMs: 5 }, /escalate/],
    ['job.setSpeed', { source: 'a', job: 'b', speed: 2 ** 53 }, /speed/],
    ['job.setSpeed', { source: 'a', job: 'b', speed: '9223372036854775808' }, /2\^63/],
    ['job.setSpeed', { source: 'a', job: 'b', speed: '-1' }, /^speed: a decimal string of an integer$/],
    ['job.setSpeed', { source: 'a', job: 'b', speed: 1.5 }, /^speed: expected an integer, or one as a decimal string$/],
    ['subscribe', { progress: 'yes' }, /^progress: expected true, false or a whole number of milliseconds$/],
    ['subscribe', { from: '2026-02-30T00:00:00Z' }, /^from: expected a time as/],
    ['history.list', { endedAfter: '2026-04-31T08:00:00+02:00' }, /^endedAfter: expected a time as/],
  ] as const)('%s %j is refused', (method, params, expected) => {
    expect(problems(method, params)).toMatch(expected);
  });
  it('accept names and globs of 1,024 bytes, and many exact ones', () => {
    expect(problems('job.get', { source: 'a', job: 'é'.repeat(512) })).toBe('');
    expect(problems('job.get', { source: 'a', job: 'é'.repeat(513) })).toMatch(/job: at most 1024 bytes/);
    expect(
      problems('subscribe', {
        jobs: Array(31)
          .fill('x'.repeat(1_000))
          .concat(`*${'y'.repeat(1_000)}`),
      }),
    ).toBe('');
  });
  it('accept the largest speed', () => {
    expect(problems('job.setSpeed', { source: 'a', job: 'b', speed: '9223372036854775807' })).toBe('');
  });
});
