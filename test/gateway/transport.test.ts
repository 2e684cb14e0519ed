// Which client a request is from: what its socket says, and what a trusted proxy says.
import { describe, expect, it } from 'vitest';
import { NO_PROXY, type ProxyTrust, parseTrust, transportOf } from '../../src/gateway/http/transport.js';
import { requestOf } from '../support/http.js';

function trustOf(...peers: string[]): ProxyTrust {
  const parsed = parseTrust(peers);
  if (!parsed.ok) throw new Error(parsed.problems.join());
  return parsed.trust;
}

function addressOf(trust: ProxyTrust, address: string, ...forwarded: string[]): string | undefined {
  const headers = forwarded.length > 0 ? [['X-Forwarded-For', forwarded.join(', ')] as [string, string]] : [];
  return transportOf(requestOf({ address, headers }), 'http', 'tcp', trust).address;
}

describe('the address of a client', () => {
  it('is that of the socket, whatever headers say, where no proxy is trusted', () => {
    expect(addressOf(NO_PROXY, '::ffff:192.0.2.7', '1.2.3.4')).toBe('192.0.2.7');
    expect(addressOf(trustOf('10.0.0.0/8'), '192.0.2.7', '1.2.3.4')).toBe('192.0.2.7');
  });

  it('is the last one before the trusted proxies: what stands before it the client may have made up', () => {
    const trust = trustOf('10.0.0.0/8', '2001:db8::/32', '127.0.0.1');
    expect(addressOf(trust, '10.1.1.1', '192.0.2.7')).toBe('192.0.2.7');
    expect(addressOf(trust, '10.1.1.1', '1.1.1.1', '192.0.2.7')).toBe('192.0.2.7');
    expect(addressOf(trust, '::ffff:10.1.1.1', '1.1.1.1', '192.0.2.7', '10.2.2.2')).toBe('192.0.2.7');
    expect(addressOf(trust, '2001:db8::1', '[2001:4::1]:443')).toBe('2001:4::1');
    expect(addressOf(trust, '10.1.1.1', '192.0.2.7:1234')).toBe('192.0.2.7');
  });

  it('is the nearest that is known where the header is malformed, and the proxy’s without one', () => {
    const trust = trustOf('10.0.0.0/8');
    expect(addressOf(trust, '10.1.1.1')).toBe('10.1.1.1');
    expect(addressOf(trust, '10.1.1.1', 'unknown')).toBe('10.1.1.1');
    expect(addressOf(trust, '10.1.1.1', '1.1.1.1', '<script>', '10.2.2.2')).toBe('10.2.2.2');
  });
});

it('a unix listener is a proxy’s only where that is said', () => {
  const seen = (trust: ProxyTrust) =>
    transportOf(requestOf({ address: undefined, headers: [['X-Forwarded-For', '192.0.2.7']] }), 'post', 'unix', trust);
  expect(seen(trustOf('10.0.0.1'))).toMatchObject({ proxied: false });
  expect(seen(trustOf('unix'))).toMatchObject({ proxied: true, address: '192.0.2.7' });
});

it.each(['', 'unixx', '10.0.0.0/33', '10.0.0.0/', '::/129', '10.0.0.0/8/8', 'proxy.example', '10.0.0'])(
  '%j is no proxy',
  (peer) => expect(parseTrust([peer]).ok).toBe(false),
);
