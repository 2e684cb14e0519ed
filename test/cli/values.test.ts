// Values of flags: what they mean, and what is refused in words of the flag.
import { describe, expect, it } from 'vitest';
import { EXIT, EXIT_CODES, worstOf } from '../../src/cli/exit.js';
import { refusalOf } from '../../src/cli/refusal.js';
import { parseSince, timesIn } from '../../src/cli/times.js';
import { count, cursor, duration, globs, run, speed, timeout } from '../../src/cli/values.js';
import { GatewayError } from '../../src/client/node.js';

describe('a duration', () => {
  it.each([
    ['30s', 30_000],
    ['250ms', 250],
    ['1.5m', 90_000],
    ['1h', 3_600_000],
  ])('%s is %d ms', (text, ms) => expect(timeout(text)).toBe(ms));

  it.each([
    ['30', 'give a unit, as 30s or 30ms'],
    ['30000', 'give a unit'],
    ['soon', 'expected a duration'],
    ['1ms', 'expected 100 ms to 1 h'],
    ['2h', 'expected 100 ms to 1 h'],
  ])('%s is refused', (text, why) => expect(() => timeout(text)).toThrow(why));

  it('may be none where none is allowed', () => expect(duration(0, 10)('0s')).toBe(0));
});

it.each([
  ['0', '0'],
  ['unlimited', '0'],
  ['500000', '500000'],
  ['20M', '20971520'],
  ['20MiB/s', '20971520'],
  ['1.5g', '1610612736'],
  ['9223372036854775807', '9223372036854775807'],
])('the speed %s is %s bytes a second', (text, bytes) => expect(speed(text)).toBe(bytes));

it.each(['fast', '-1', '9223372036854775808', '', '10X'])('the speed "%s" is refused', (text) => {
  expect(() => speed(text)).toThrow('expected bytes per second');
});

it('numbers, runs, cursors and globs are checked here, not by the gateway', () => {
  expect(count(10)('10')).toBe(10);
  for (const text of ['0', '11', '-1', '1.5', 'many']) expect(() => count(10)(text)).toThrow('a number from 1 to 10');
  expect(run('941e529b3176:2')).toBe('941e529b3176:2');
  expect(() => run('a b')).toThrow('expected a run');
  expect(cursor('430c4696:19')).toBe('430c4696:19');
  expect(() => cursor('19')).toThrow('expected a cursor');
  expect(globs('b', ['a'])).toEqual(['a', 'b']);
  expect(() => globs('', undefined)).toThrow('empty');
  expect(() => globs('x'.repeat(1_025), undefined)).toThrow('1024 bytes');
  expect(() => globs('x', Array(32).fill('y'))).toThrow('at most 32');
});

describe('times', () => {
  const zone = process.env.TZ;
  const inZone = <Value>(name: string, read: () => Value): Value => {
    process.env.TZ = name;
    try {
      return read();
    } finally {
      if (zone === undefined) delete process.env.TZ;
      else process.env.TZ = zone;
    }
  };

  it('are of this machine’s zone, which they name, or of UTC', () => {
    const time = '2026-11-29T23:30:15.123456Z';
    expect(timesIn(true).second(time)).toBe('2026-11-29 23:30:15Z');
    expect(timesIn(true).clock(time)).toBe('23:30:15.123Z');
    expect(inZone('Asia/Kolkata', () => timesIn(false).second(time))).toBe('2026-11-30 05:00:15+05:30');
    expect(inZone('Asia/Kolkata', () => timesIn(false).day(time))).toBe('2026-11-30');
    expect(inZone('America/St_Johns', () => timesIn(false).clock(time))).toBe('20:00:15.123-03:30');
    expect([timesIn(true).second(null), timesIn(true).clock(null)]).toEqual(['?', '--:--:--.---']);
  });

  it('of a day that is in no month are refused', () => {
    expect(() => parseSince('2026-02-30')).toThrow('expected 30m');
    expect(() => parseSince('2026-02-30T00:00:00Z')).toThrow('expected 30m');
  });

  it('without a zone that are given are of this machine’s, a day alone too', () => {
    expect(inZone('Asia/Kolkata', () => parseSince('2026-11-29'))).toBe(Date.parse('2026-11-28T18:30:00Z'));
    expect(inZone('Asia/Kolkata', () => parseSince('2026-11-29T00:00'))).toBe(Date.parse('2026-11-28T18:30:00Z'));
  });
});

describe('a refusal', () => {
  const of = (reason: string, data: Record<string, unknown> = {}, target?: { source: string; job: string }) =>
    refusalOf(new GatewayError(-1, reason, 'no', data), target);
  const job = { source: 'vm1', job: "it's" };

  it('of a parameter names the flag, and is wrong usage', () => {
    const { code, lines } = of('INVALID_PARAMS', { problems: ['timeoutMs: too small', 'sources.3: empty', 'other'] });
    expect(code).toBe(EXIT.usage);
    expect(lines).toEqual(['--timeout: too small', '--source: empty', 'other']);
  });

  it('says whose text it has: QEMU’s or libvirt’s', () => {
    expect(of('JOB_STATE', { class: 'GenericError', desc: 'busy' }).lines).toContain('  QEMU says: busy');
    expect(of('JOB_STATE', { class: 'VIR_ERR_55', desc: 'not ready' }).lines).toContain('  libvirt says: not ready');
  });

  it('names commands, not methods', () => {
    const hint = 'QEMU refuses it: job.resume it first, or abort with force';
    expect(of('JOB_STATE', { hint }).lines.join('\n')).toContain(
      '"qmp-gateway resume" it first, or "qmp-gateway abort --force"',
    );
  });

  it.each([
    ['STALE_RUN', { run: 'a:2' }, EXIT.failed, "qmp-gateway get vm1 'it'\\''s' (its run is a:2)"],
    ['JOB_NOT_FOUND', {}, EXIT.failed, 'qmp-gateway jobs --source vm1'],
    ['SOURCE_DOWN', {}, EXIT.failed, 'qmp-gateway sources'],
    ['TIMEOUT', { accepted: true }, EXIT.timeout, 'qmp-gateway wait vm1'],
    ['TIMEOUT', { accepted: false }, EXIT.timeout, 'qmp-gateway get vm1'],
    ['OUTCOME_UNKNOWN', {}, EXIT.unknown, 'qmp-gateway show vm1'],
    ['CONNECTION_LOST', {}, EXIT.unknown, 'qmp-gateway show vm1'],
    ['NO_ANSWER', { sent: true }, EXIT.timeout, ''],
    ['NO_ANSWER', { sent: false }, EXIT.unreachable, ''],
    ['SOURCE_BUSY', { retryAfterMs: 1_000 }, EXIT.failed, 'again in 1000 ms'],
  ])('%s %j ends with %d and says what next', (reason, data, code, next) => {
    const refused = of(reason, data, job);
    expect(refused.code).toBe(code);
    expect(refused.lines.join('\n')).toContain(next);
  });
});

it('of several exit codes the worst counts', () => {
  expect(worstOf([])).toBe(0);
  expect(worstOf([EXIT.ok, EXIT.timeout, EXIT.failed])).toBe(EXIT.timeout);
  expect(EXIT_CODES.map(({ code }) => code)).toEqual([0, 1, 2, 3, 4, 5]);
});
