// How often one party may ask, whose connection it is, and where a page ends.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatToken, pageAfter, parseToken } from '../../src/gateway/session/page-token.js';
import { isLocalPeer, peerOf } from '../../src/gateway/session/peer.js';
import { AddressRates, Rate } from '../../src/gateway/session/rates.js';
import { LIMITS } from '../../src/protocol/index.js';

describe('a rate', () => {
  it('gives a burst, then so many a second, and says how long to wait', () => {
    const rate = new Rate(10, 3, 0);
    expect([0, 0, 0, 0].map((now) => rate.take(now))).toEqual([0, 0, 0, 100]);
    expect(rate.take(50)).toBe(50);
    expect(rate.take(100)).toBe(0);
    expect(rate.take(100)).toBe(100);
    expect(rate.isFull(300)).toBe(false);
    expect(rate.isFull(400)).toBe(true);
    // A clock that steps back gives nothing, and takes nothing.
    expect(rate.take(0)).toBe(0);
  });

  it('lets a request through that waited as told, whatever the sums of fractions are', () => {
    const rate = new Rate(10, 5, 0);
    let now = 0;
    for (const gap of [0, 3, 0, 1, 0, 8]) {
      now += gap;
      const wait = rate.take(now);
      now += wait;
      if (wait > 0) expect(rate.take(now)).toBe(0);
    }
  });

  it('never lets more through than its rate, and always a request that waited as told', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(500), { minLength: 1, maxLength: 50 }), (gaps) => {
        const rate = new Rate(10, 5, 0);
        let now = 0;
        let taken = 0;
        for (const gap of gaps) {
          now += gap;
          const wait = rate.take(now);
          if (wait === 0) taken += 1;
          expect(taken).toBeLessThanOrEqual(5 + now / 100 + 1e-6);
          if (wait === 0) continue;
          now += wait;
          expect(rate.take(now)).toBe(0);
          taken += 1;
        }
      }),
    );
  });

  it('is kept for a bounded number of addresses', () => {
    const rates = new AddressRates(() => ({ perSecond: 1, burst: 1 }));
    expect(rates.take('a', 0)).toBe(0);
    for (let n = 0; n < 20_000; n += 1) rates.take(`10.0.${n >> 8}.${n & 255}`, 1);
    expect(rates.size).toBeLessThanOrEqual(4_096);
    expect(rates.take('10.0.78.31', 1)).toBeGreaterThan(0);
  });

  it('of an address is another one as soon as the settings say so', () => {
    const limits = { perSecond: 1, burst: 1 };
    const rates = new AddressRates(() => ({ ...limits }));
    expect([rates.take('a', 0), rates.take('a', 0)]).toEqual([0, 1_000]);
    Object.assign(limits, { perSecond: 10, burst: 2 });
    expect([rates.take('a', 0), rates.take('a', 0), rates.take('a', 0)]).toEqual([0, 0, 100]);
  });
});

describe('a peer', () => {
  it.each([
    ['10.0.0.7', '10.0.0.7'],
    ['::ffff:10.0.0.7', '10.0.0.7'],
    ['::FFFF:127.0.0.1', '127.0.0.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '::1'],
    ['', 'local'],
    [undefined, 'local'],
  ])('%s is %s', (address, peer) => {
    expect(peerOf(address)).toBe(peer);
  });
  it('of this host is local', () => {
    expect(['127.0.0.1', '127.9.9.9', '::1', 'local'].map(isLocalPeer)).toEqual([true, true, true, true]);
    expect(['10.0.0.7', '2001:db8:0:0::/64'].map(isLocalPeer)).toEqual([false, false]);
  });
});

describe('pages', () => {
  const name = fc.oneof(
    fc.string({ minLength: 1, maxLength: 12 }),
    fc.nat(30).map((n) => `${'x'.repeat(600)}${n}`),
    fc.nat(5).map((n) => `${'é'.repeat(60)}${n}`),
  );
  const row = fc.record({ source: fc.constantFrom('vm1', 'vm10', 'vm2', 'a'.repeat(128)), job: name });
  const key = ({ source, job }: { source: string; job: string }): string => `${source} ${job}`;

  it('give every row once, whatever comes and goes between them; the token is short', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(row, { selector: key, maxLength: 40 }),
        fc.integer({ min: 1, max: 7 }),
        fc.array(fc.nat(40)),
        (rows, limit, leaving) => {
          let present = [...rows];
          const seen: string[] = [];
          let token: string | undefined;
          for (let pages = 0; pages < 60; pages += 1) {
            const { page, last } = pageAfter(present, token === undefined ? undefined : parseToken(token), limit);
            seen.push(...page.map(key));
            if (!last) break;
            token = formatToken(last);
            expect(token.length).toBeLessThanOrEqual(512);
            // The row that the token names may be gone.
            const gone = present[leaving[pages] ?? -1];
            if (gone && (seen.includes(key(gone)) || pages % 2 === 0)) {
              present = present.filter((each) => each !== gone);
              if (!seen.includes(key(gone))) seen.push(key(gone));
            }
          }
          expect(seen.toSorted()).toEqual(rows.map(key).toSorted());
        },
      ),
      { numRuns: 500 },
    );
  });

  it('are in the order of names', () => {
    const rows = ['b', 'a', 'c'].map((job) => ({ source: 'vm1', job }));
    expect(pageAfter(rows, undefined, 9).page.map(({ job }) => job)).toEqual(['a', 'b', 'c']);
  });

  it.each([
    '',
    '!',
    'e30',
    Buffer.from('["a","b"]').toString('base64url'),
    Buffer.from('[1,2,3]').toString('base64url'),
  ])('no token: %j', (token) => {
    expect(parseToken(token)).toBeUndefined();
  });

  it('of ids as long as may be named', () => {
    const rows = Array.from({ length: 5 }, (_, n) => ({
      source: 'vm1',
      job: `${'"'.repeat(LIMITS.jobBytes - 1)}${n}`,
    }));
    const { last } = pageAfter(rows, undefined, 2);
    expect(last && formatToken(last).length).toBeLessThanOrEqual(1_024);
    expect(pageAfter(rows, last, 5).page).toHaveLength(3);
  });
});
