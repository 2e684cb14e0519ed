// QEMUs that connect by TCP with TLS: a real storage daemon with the credentials of `tls-creds-x509`, and bare TLS clients.

import { once } from 'node:events';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Config, readConfig } from '../../src/config/index.js';
import type { TrackOptions } from '../../src/jobs/index.js';
import type { AcceptOptions } from '../../src/sources/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { authority, type Certificates } from '../support/authority.js';
import { type Dialling, dialLine, GREETING, startDialling } from '../support/dial.js';
import { freePort } from '../support/free-port.js';
import { haveQemu } from '../support/qemu.js';
import { connectWire, type Wire } from '../support/wire.js';

interface Bench {
  app: TestApp;
  wire: Wire;
  port: number;
  certificates: Certificates;
  /** The same settings with another certificate. */
  config: (server: { cert: string; key: string }) => Config;
}

async function open(
  asksWho: boolean,
  name = 'vm1',
  accept: Partial<AcceptOptions> = {},
  track: Partial<TrackOptions> = {},
): Promise<Bench> {
  const certificates = authority();
  const port = await freePort();
  const flags = (server: { cert: string; key: string }) => ({
    ...{ accept: [`${name}=tcp:127.0.0.1:${port}`], listen: `unix:${join(certificates.folder, 'sock')}` },
    ...{ tlsCert: server.cert, tlsKey: server.key },
    ...(asksWho && { tlsClientCa: certificates.ca }),
  });
  const first = certificates.issue('server', '/CN=localhost');
  const app = await startApp({}, { accept, track }, flags(first));
  const wire = await connectWire(`ws+unix:${join(certificates.folder, 'sock')}:/`);
  onTestFinished(() => wire.close());
  await wire.call('subscribe', {});
  const config = (server: { cert: string; key: string }): Config => {
    const read = readConfig(flags(server), {});
    if (!read.ok) throw new Error(read.problems.join());
    return read.config;
  };
  return { app, wire, port, certificates, config };
}

/** The folder of credentials as QEMU reads it. @param client with a certificate of its own. */
function credentials({ folder, ca, issue }: Certificates, client: boolean): string {
  const dir = join(folder, 'qemu');
  mkdirSync(dir, { recursive: true });
  copyFileSync(ca, join(dir, 'ca-cert.pem'));
  if (!client) return dir;
  const { cert, key } = issue('client', '/CN=vm1');
  copyFileSync(cert, join(dir, 'client-cert.pem'));
  copyFileSync(key, join(dir, 'client-key.pem'));
  return dir;
}

function startDaemon(port: number, dir: string): Promise<Dialling> {
  const object = ['--object', `tls-creds-x509,id=tls,dir=${dir},endpoint=client,verify-peer=yes`];
  return startDialling(`host=127.0.0.1,port=${port},tls-creds=tls`, object);
}

async function dialTls(options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', ...options });
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

describe.skipIf(!haveQemu)('a storage daemon that connects with TLS', () => {
  it('verifies the gateway, and is a source as any: its mirror is followed, and aborted through the gateway', async () => {
    const { wire, port, certificates } = await open(false);
    const { mirror } = await startDaemon(port, credentials(certificates, false));
    await wire.typed('GATEWAY_SOURCE_SYNCED');
    expect((await wire.call('source.list', {})).sources).toMatchObject([{ name: 'vm1', state: 'up' }]);
    await mirror('j');
    await wire.status('j', 'running');
    const params = { source: 'vm1', job: 'j', sync: true, timeoutMs: 10_000 };
    expect(await wire.call('job.abort', params)).toMatchObject({ outcome: 'cancelled' });
  });

  it('that is killed is down, and its run is kept as unobserved: there may only be no way to it', async () => {
    const { wire, port, certificates } = await open(false, 'vm1', { absentMs: 50 }, { lostAfterMs: 10 });
    const { qemu, mirror } = await startDaemon(port, credentials(certificates, false));
    await wire.typed('GATEWAY_SOURCE_SYNCED');
    await mirror('j');
    await wire.status('j', 'running');
    await qemu.kill();
    const { data } = await wire.event(
      ({ type, data }) => type === 'GATEWAY_SOURCE_DOWN' && (data as { reason: string }).reason !== 'closed',
    );
    expect(data).toEqual({ reason: 'unreachable' });
    await startDaemon(port, credentials(certificates, false));
    const settled = await wire.typed('GATEWAY_JOB_SETTLED');
    expect(settled.data).toMatchObject({ outcome: 'lost' });
    const types = wire.events.map(({ type }) => type);
    expect(types.indexOf('GATEWAY_JOB_SETTLED')).toBeGreaterThan(types.lastIndexOf('GATEWAY_SOURCE_UP'));
  });

  it('has a certificate of the authority where one is asked for', async () => {
    const { wire, port, certificates } = await open(true);
    await startDaemon(port, credentials(certificates, true));
    await wire.typed('GATEWAY_SOURCE_SYNCED');
  });

  it('is no source without a certificate that is asked for', async () => {
    const { wire, port, certificates } = await open(true, 't-*');
    await startDaemon(port, credentials(certificates, false));
    await expect(authorized(port, undefined)).rejects.toThrow();
    await expect(authorized(port, certificates.issue('stranger', '/CN=x', 'other'))).rejects.toThrow();
    expect(await authorized(port, certificates.issue('vm1', '/CN=vm1'))).toMatch(/^\{/);
    expect((await wire.call('source.list', {})).sources).toEqual([]);
  });
});

/** Resolves with the first bytes that the gateway sends after a greeting; rejects when it closes. */
async function authorized(port: number, own: { cert: string; key: string } | undefined): Promise<string> {
  const credentials = own && { cert: readFileSync(own.cert), key: readFileSync(own.key) };
  const socket = await dialTls({ port, rejectUnauthorized: false, ...credentials });
  socket.write(GREETING);
  const closed = once(socket, 'close').then(() => Promise.reject(new Error('closed')));
  const [data] = await Promise.race([once(socket, 'data'), closed]);
  return String(data);
}

describe('a TCP socket with TLS', () => {
  it('uses a certificate that was read again for the next connections, and keeps those that are there', async () => {
    const { app, port, certificates, config } = await open(false, 't-*');
    const ca = readFileSync(certificates.ca);
    const before = await dialTls({ port, ca });
    expect(before.getPeerCertificate().subject.CN).toBe('localhost');
    app.reload(config(certificates.issue('renewed', '/CN=renewed')));
    const after = await dialTls({ port, ca });
    expect(after.getPeerCertificate().subject.CN).toBe('renewed');
    expect(before.destroyed).toBe(false);
  });

  it('closes a connection that does not speak TLS, and one that says nothing, in time', async () => {
    const { port } = await open(false, 't-*', { greetingMs: 100 });
    const [plain, silent] = [dialLine({ port }), dialLine({ port })];
    plain.say(GREETING);
    await Promise.all([plain.closed, silent.closed]);
    expect([plain.text, silent.text]).toEqual([expect.not.stringContaining('qmp_capabilities'), '']);
  });

  it('ends at once with what is in its handshake', async () => {
    const { app, port } = await open(false);
    const silent = dialLine({ port });
    await once(silent.socket, 'connect');
    await dialTls({ port, rejectUnauthorized: false });
    await app.close();
    await silent.closed;
  });
});
