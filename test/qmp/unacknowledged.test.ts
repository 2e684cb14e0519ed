// The kernel's table of connections, read for the bytes that a peer has not acknowledged.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { platform } from 'node:process';
import { expect, it, onTestFinished } from 'vitest';
import { formatEnd, readQueue, unacknowledged } from '../../src/qmp/unacknowledged.js';

it.each([
  ['127.0.0.1', 8080, '0100007F:1F90'],
  ['::1', 80, '00000000000000000000000001000000:0050'],
  ['::ffff:10.0.0.2', 4444, '0000000000000000FFFF00000200000A:115C'],
  ['fe80::1:2%eth0', 1, '000080FE000000000000000002000100:0001'],
])('%s and port %d are %s', (address, port, text) => {
  expect(formatEnd(address, port)).toBe(text);
});

it('is the first figure of the connection’s row', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000
   1: 0100007F:1F90 0200007F:115C 01 0000002A:00000000 00:00000000 00000000`;
  expect(readQueue(table, '0100007F:1F90 0200007F:115C ')).toBe(42);
  expect(readQueue(table, '0100007F:1F90 0300007F:115C ')).toBeUndefined();
});

it.skipIf(platform !== 'linux')('of a living connection is found, and falls to nothing', async () => {
  const server = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const socket: Socket = connect((server.address() as { port: number }).port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write('x');
  await expect.poll(() => unacknowledged(socket)).toBe(0);
});
