// Transport: who is accepted, and when the server closes.

import { SUBPROTOCOL } from '../../protocol/codes.js';
import { LIMITS } from '../../protocol/limits.js';
import type { Clause } from '../clause.js';
import { Connection } from '../connection.js';
import type { Server, Upgrade } from '../server.js';
import { check, need } from '../verdict.js';

const FOREIGN = 'conformance.invalid';

async function refusedWith(server: Server, status: number, upgrade: Upgrade): Promise<void> {
  const upgraded = await server.upgrade(upgrade);
  check(!(upgraded instanceof Connection), `the connection was accepted, where HTTP ${status} was expected`);
  check(upgraded.status === status, () => `expected HTTP ${status}, got ${upgraded.why}`);
}

export const TRANSPORT: readonly Clause[] = [
  {
    id: 'subprotocol.selected',
    section: 'Transport',
    sentence: 'The subprotocol qmp-gateway.v1 is selected where it is offered',
    async run(server) {
      const { protocol } = await server.connect({ protocols: ['conformance.other', SUBPROTOCOL] });
      check(protocol === SUBPROTOCOL, `the subprotocol ${protocol} was selected`);
    },
  },
  {
    id: 'subprotocol.none',
    section: 'Transport',
    sentence: 'a client that offers none (a browser console, wscat) is accepted',
    async run(server) {
      const connection = await server.connect({ protocols: [] });
      await connection.call('server.info', {});
    },
  },
  {
    id: 'subprotocol.other',
    section: 'Transport',
    sentence: 'one that offers only others gets HTTP 400 with the supported names',
    run: (server) => refusedWith(server, 400, { protocols: ['conformance.other'] }),
  },
  {
    id: 'websocket.version',
    section: 'Transport',
    sentence: 'a Sec-WebSocket-Version other than 13 gets 426',
    async run(server) {
      const key = Buffer.alloc(16).toString('base64');
      const upgrade = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': key };
      const { status } = await server.http('', { headers: { ...upgrade, 'sec-websocket-version': '12' } });
      check(status === 426, `HTTP ${status}`);
    },
  },
  {
    id: 'compression.answer',
    section: 'Transport',
    sentence:
      'If an offer is accepted the answer is permessage-deflate; server_no_context_takeover; client_no_context_takeover',
    async run(server) {
      const connection = await server.connect({ deflate: true });
      const answer = need(connection.extensions, 'the server accepts no compression from this address');
      check(
        answer.includes('server_no_context_takeover') && answer.includes('client_no_context_takeover'),
        `the answer is ${answer}`,
      );
      await connection.call('server.info', {});
    },
  },
  {
    id: 'origin.null',
    section: 'Transport',
    sentence: 'null is always refused. A request that violates this gets HTTP 403.',
    run: (server) => refusedWith(server, 403, { headers: { origin: 'null' } }),
  },
  {
    id: 'origin.foreign',
    section: 'Transport',
    sentence: 'an Origin, where there is one, must equal the Host or be given by --allow-origin',
    run: (server) => refusedWith(server, 403, { headers: { origin: `http://${FOREIGN}` } }),
  },
  {
    id: 'host.foreign',
    section: 'Transport',
    sentence: 'So Host (and the host of an absolute request target) must be a loopback name or given by --allow-host',
    run: (server) => refusedWith(server, 403, { headers: { host: FOREIGN } }),
  },
  {
    id: 'ping',
    section: 'Transport',
    sentence: 'Of several pings that come at once the newest is answered.',
    async run(server) {
      const connection = await server.connect();
      for (const payload of ['one', 'two', 'three']) connection.ping(payload);
      await connection.until('pong with the payload of the newest ping', () => connection.pongs.includes('three'));
    },
  },
  {
    id: 'close.binary',
    section: 'Close codes',
    sentence: '1003 binary message',
    async run(server) {
      const connection = await server.connect();
      connection.send(Buffer.from('{"jsonrpc":"2.0","id":1,"method":"server.info"}'));
      const { code } = await connection.end();
      check(code === 1003, `closed with ${code}`);
    },
  },
  {
    id: 'close.too-big',
    section: 'Close codes',
    sentence: '1009 a message over 32 KiB',
    async run(server) {
      const connection = await server.connect();
      const request = '{"jsonrpc":"2.0","id":1,"method":"conformance.none"}';
      connection.send(request.padEnd(LIMITS.messageBytes));
      const { error } = await connection.reply(1);
      check(error?.data?.reason === 'METHOD_NOT_FOUND', 'a message of exactly 32 KiB was not answered');
      connection.send(request.padEnd(LIMITS.messageBytes + 1));
      const { code } = await connection.end();
      check(code === 1009, `closed with ${code}`);
    },
  },
];
