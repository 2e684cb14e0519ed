import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BACKOFF, decide } from '../../src/client/backoff.js';
import type { LineEnd } from '../../src/client/state.js';
import { CLOSE_CODES } from '../../src/protocol/codes.js';

const end = (code: number, retryAfterMs?: number): LineEnd => ({
  cause: 'closed',
  code,
  detail: '',
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});

describe('back-off', () => {
  it('is full jitter: from nothing to a window that doubles up to its cap', () => {
    expect(decide(end(1006), 0, 'none', 0)).toEqual({ kind: 'retry', delayMs: 0 });
    expect(decide(end(1006), 0, 'none', 0.5)).toEqual({ kind: 'retry', delayMs: 500 });
    expect(decide(end(1006), 3, 'none', 0.5)).toEqual({ kind: 'retry', delayMs: 4_000 });
    expect(decide(end(1006), 1_000, 'none', 0.999)).toEqual({ kind: 'retry', delayMs: 29_970 });
  });

  it('never comes before the server said', () => {
    fc.assert(
      fc.property(
        fc.nat(60_000),
        fc.nat(40),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (wish, attempt, random) => {
          const decision = decide(end(1012, wish), attempt, 'none', random);
          expect(decision.kind === 'retry' && decision.delayMs).toBeGreaterThanOrEqual(wish);
          expect(decision.kind === 'retry' && decision.delayMs).toBeLessThanOrEqual(wish + BACKOFF.capMs);
        },
      ),
    );
  });

  it('waits 5 s where a delay is due and none was given', () => {
    expect(decide(end(4429), 0, 'none', 0)).toEqual({ kind: 'retry', delayMs: 5_000 });
    expect(decide(end(4408), 0, 'fixed', 0)).toEqual({ kind: 'retry', delayMs: 5_000 });
  });

  it.each([
    [4401, 'renewable', 'retry'],
    [4403, 'renewable', 'retry'],
    [4401, 'fixed', 'give-up'],
    [4403, 'none', 'give-up'],
    [4408, 'none', 'give-up'],
  ] as const)('after %i with %s credentials: %s', (code, credentials, kind) => {
    expect(decide(end(code), 0, credentials, 0).kind).toBe(kind);
  });

  it('follows the policy of every listed code, and retries an unlisted one', () => {
    for (const [code, { retry }] of Object.entries(CLOSE_CODES)) {
      const expected = retry === 'never' || retry === 'new-credentials' ? 'give-up' : 'retry';
      if (code !== '4408') expect(decide(end(Number(code)), 0, 'none', 0).kind, code).toBe(expected);
    }
    expect(decide(end(4999), 0, 'none', 0).kind).toBe('retry');
  });
});
