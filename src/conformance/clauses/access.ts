// Credentials: a server that asks for a token.
import type { Clause } from '../clause.js';
import { brief, Connection } from '../connection.js';
import { check, need } from '../verdict.js';

const WRONG = 'conformance-wrong-token';

export const ACCESS: readonly Clause[] = [
  {
    id: 'access.first',
    section: 'Access',
    sentence: 'before it every method is UNAUTHENTICATED',
    needs: { flag: '--token' },
    async run(server) {
      const upgraded = await server.upgrade({ hasToken: false });
      const connection = need(upgraded instanceof Connection && upgraded, 'it refuses the upgrade without a token');
      const { error } = await connection.ask('server.info', {});
      need(error, 'it asks nobody for a token');
      check(error?.data?.reason === 'UNAUTHENTICATED', () => `got ${brief(error)}`);
      await connection.call('authenticate', { token: server.options.token ?? '' });
      await connection.call('server.info', {});
    },
  },
  {
    id: 'access.refused',
    section: 'Access',
    sentence: 'of Authorization: Bearer at the upgrade (refused: HTTP 401) and at each POST (refused: UNAUTHENTICATED)',
    needs: { flag: '--token' },
    async run(server) {
      const headers = { authorization: `Bearer ${WRONG}` };
      const upgraded = await server.upgrade({ headers });
      need(!(upgraded instanceof Connection), 'it asks nobody for a token');
      check(!(upgraded instanceof Connection) && upgraded.status === 401, () => `got ${brief(upgraded)}`);
      const { body } = await server.post('{"jsonrpc":"2.0","id":1,"method":"server.info"}', headers);
      check(body.includes('UNAUTHENTICATED'), () => `a POST got ${brief(body)}`);
    },
  },
];
