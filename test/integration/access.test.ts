// An access policy on real sockets: refused upgrades and POSTs, and connections that are closed when access is revoked.
import { expect, it } from 'vitest';
import { grantsOf, TestPolicy } from '../support/access.js';
import { openBare } from '../support/bare.js';
import { rawSocket } from './stream/support.js';

const sources = ['a', 'b'].map((name) => ({ name, state: 'up' as const, since: '2026-01-01T00:00:00Z' }));
const CALL = '{"jsonrpc":"2.0","id":1,"method":"source.list","params":{}}';

const post = (url: string, token?: string): Promise<Response> =>
  fetch(`${url}v1/rpc`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: CALL,
  });

it('an upgrade with credentials that are not known is refused with 401; without any, `authenticate` must follow', async () => {
  const bare = await openBare({}, { access: new TestPolicy({ ann: grantsOf('a', []) }), sources });
  await expect(bare.wire({ authorization: 'Bearer unknown' })).rejects.toThrow('401');
  const wire = await bare.wire();
  expect((await wire.ask('source.list', {})).error).toMatchObject({ data: { reason: 'UNAUTHENTICATED' } });
  await wire.call('authenticate', { token: 'ann' });
  expect(await wire.call('source.list', {})).toMatchObject({ sources: [{ name: 'a' }] });
});

it('a POST is answered under the grants of its bearer token, or with UNAUTHENTICATED', async () => {
  const bare = await openBare({}, { access: new TestPolicy({ ann: grantsOf('a', []) }), sources });
  expect(await (await post(bare.url, 'ann')).json()).toMatchObject({ result: { sources: [{ name: 'a' }] } });
  const refused = await post(bare.url);
  expect(refused.status).toBe(200);
  expect(await refused.json()).toMatchObject({ error: { code: -32001, data: { reason: 'UNAUTHENTICATED' } } });
});

it('a principal that loses its access is closed with 4403', async () => {
  const policy = new TestPolicy({ nobody: grantsOf('a', []) });
  const bare = await openBare({}, { access: policy });
  const raw = await rawSocket(bare.url);
  const code = raw.code();
  await expect.poll(() => bare.counts().connections).toBe(1);
  policy.revoke('nobody');
  expect(await code).toBe(4403);
});
