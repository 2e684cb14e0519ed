// Which addresses may be reached, by which spelling, and who is asked for the address of a name.
import { Agent } from 'node:http';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { CLOCK } from '../../src/clock.js';
import { addressOf, isPublic } from '../../src/webhooks/address.js';
import { Lookups, PRIVATE } from '../../src/webhooks/lookup.js';
import { post } from '../../src/webhooks/post.js';
import { openReceiver } from '../support/receiver.js';

const PRIVATES = [
  ...['127.0.0.1', '127.255.255.255', '0.0.0.0', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1'],
  ...['169.254.169.254', '100.64.0.1', '224.0.0.1', '255.255.255.255', '198.18.0.1'],
  ...['::', '::1', 'fe80::1', 'fe80::1%eth0', 'fc00::1', 'fd12:3456::1', 'ff02::1', 'fec0::1', '::127.0.0.1'],
  ...[
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '0:0:0:0:0:ffff:a9fe:a9fe',
    '::ffff:0:127.0.0.1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2001:0::1',
  ],
];

it.each(PRIVATES)('%s is not public', (address) => {
  expect(isPublic(address)).toBe(false);
});

it.each(['8.8.8.8', '172.32.0.1', '1.1.1.1', '::ffff:8.8.8.8', '2606:4700::1111', '2a00:1450::1'])(
  '%s is public',
  (address) => {
    expect(isPublic(address)).toBe(true);
  },
);

it.each([
  'http://0x7f.1/',
  'http://2130706433/',
  'http://0177.0.0.1/',
  'http://127.1/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::1]/',
  'http://１２７.0.0.1/',
])('%s names an address that is not public', (url) => {
  expect(isPublic(addressOf(new URL(url)) ?? 'a name')).toBe(false);
  expect(addressOf(new URL(url))).toBeDefined();
});

describe('a look-up', () => {
  const answers =
    (...addresses: string[]) =>
    async () =>
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  const ask = (lookups: Lookups, allowPrivate: boolean, host = 'h') =>
    promisify(lookups.of(allowPrivate))(host, { all: true }) as unknown as Promise<{ address: string }[]>;

  it('gives a socket public addresses alone, and an error where there is none', async () => {
    const mixed = new Lookups(2, CLOCK, answers('127.0.0.1', '8.8.8.8', '::ffff:10.0.0.1'));
    expect(await ask(mixed, false)).toEqual([{ address: '8.8.8.8', family: 4 }]);
    expect(await ask(mixed, true)).toHaveLength(3);
    await expect(ask(new Lookups(2, CLOCK, answers('169.254.169.254')), false)).rejects.toThrow(PRIVATE);
  });

  it('is one for each name at a time, and few for all names', async () => {
    const asked: string[] = [];
    const end = new Map<string, () => void>();
    const lookups = new Lookups(2, CLOCK, (host) => {
      asked.push(host);
      return new Promise((resolve) => end.set(host, () => resolve([{ address: '8.8.8.8', family: 4 }])));
    });
    const all = ['a', 'a', 'b', 'c', 'c'].map((host) => ask(lookups, false, host));
    expect(asked).toEqual(['a', 'b']);
    end.get('b')?.();
    await all[2];
    expect(asked).toEqual(['a', 'b', 'c']);
    // One that was answered before does not wait for names that are not.
    expect(await ask(lookups, false, 'b')).toHaveLength(1);
    expect(asked).toEqual(['a', 'b', 'c']);
    end.get('a')?.();
    end.get('c')?.();
    await Promise.all(all);
    const again = ask(lookups, false, 'b');
    expect(asked).toEqual(['a', 'b', 'c', 'b']);
    end.get('b')?.();
    await again;
  });
});

it('a literal address, which no look-up sees, is not connected to either', async () => {
  const receiver = await openReceiver();
  const request = {
    url: new URL(receiver.url),
    headers: {},
    body: '{}',
    agent: new Agent(),
    signal: new AbortController().signal,
  };
  const lookup = new Lookups(2, CLOCK).of(false);
  const result = await post(request, { clock: CLOCK, lookup, allowPrivate: false, timeoutMs: 1_000, answerBytes: 1 });
  expect(result).toEqual({ kind: 'failed', why: PRIVATE });
  expect(receiver.connections).toBe(0);
});
