// GET of jobs, sources and the history on a real socket.
import { describe, expect, it } from 'vitest';
import { grantsOf, TestPolicy } from '../../support/access.js';
import { openBare } from '../../support/bare.js';
import { openBench } from '../stream/support.js';

interface Read {
  status: number;
  etag: string | null;
  headers: Headers;
  body: Record<string, unknown> & { error: { reason: string; message: string } };
}

async function read(port: number, path: string, headers: Record<string, string> = {}): Promise<Read> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
  const text = await response.text();
  const body = (text === '' ? {} : JSON.parse(text)) as Read['body'];
  return { status: response.status, etag: response.headers.get('etag'), headers: response.headers, body };
}

describe('plain reads', () => {
  it('have the results of the methods: jobs, one job, sources, the history', async () => {
    const { app, wire, sim } = await openBench(['vm1', 'vm2']);
    await wire.call('subscribe', {});
    sim('vm1').jobs.start({ id: 'drive-virtio.0', type: 'mirror', bytesPerSecond: 1 });
    sim('vm2').jobs.start({ id: 'k', type: 'mirror', bytesPerSecond: 1 });
    await wire.status('drive-virtio.0', 'running');
    await wire.status('k', 'running');
    const all = await read(app.port, '/v1/jobs');
    expect(all.status).toBe(200);
    expect(all.headers.get('content-type')).toBe('application/json');
    expect(all.body).toMatchObject({
      jobs: [
        { source: 'vm1', job: 'drive-virtio.0' },
        { source: 'vm2', job: 'k' },
      ],
    });
    expect((await read(app.port, '/v1/jobs/?sources=vm2,x')).body.jobs).toHaveLength(1);
    const page = await read(app.port, '/v1/jobs?limit=1');
    expect(page.body.jobs).toHaveLength(1);
    const next = await read(app.port, `/v1/jobs?limit=1&pageToken=${encodeURIComponent(String(page.body.pageToken))}`);
    expect(next.body.jobs).toMatchObject([{ job: 'k' }]);
    const { body: one } = await read(app.port, `/v1/jobs/vm1/${encodeURIComponent('drive-virtio.0')}`);
    expect(one).toMatchObject({ source: 'vm1', job: 'drive-virtio.0', type: 'mirror' });
    expect((await read(app.port, `/v1/jobs/vm2/k?run=${encodeURIComponent(String(one.run))}`)).status).toBe(409);
    expect((await read(app.port, '/v1/sources')).body).toMatchObject({ sources: [{ name: 'vm1' }, { name: 'vm2' }] });
    await wire.call('job.abort', { source: 'vm2', job: 'k' });
    await wire.typed('GATEWAY_JOB_SETTLED');
    const { body: ended } = await read(app.port, '/v1/history?jobs=k&outcomes=cancelled,failed');
    expect(ended.runs).toMatchObject([{ job: 'k', outcome: 'cancelled' }]);
    expect((await read(app.port, '/v1/history/vm2/k')).body).toMatchObject({ record: { outcome: 'cancelled' } });
  });

  it('are known again by their ETag until the log goes on', async () => {
    const bare = await openBare();
    const first = await read(bare.port, '/v1/jobs');
    expect(first.etag).toMatch(/^"e:0-/);
    for (const known of [`"x", ${first.etag}`, `W/${first.etag}`, '*']) {
      const again = await read(bare.port, '/v1/jobs', { 'if-none-match': known });
      expect([again.status, again.etag]).toEqual([304, first.etag]);
    }
    expect((await read(bare.port, '/v1/jobs', { 'if-none-match': 'W/"x"' })).status).toBe(200);
    bare.log.append([{ source: 'vm1', type: 'STOP', time: 0, data: {} }]);
    const changed = await read(bare.port, '/v1/jobs', { 'if-none-match': String(first.etag) });
    expect(changed.status).toBe(200);
    expect(changed.etag).toMatch(/^"e:1-/);
  });

  it('say with a status of HTTP and a name of the wire why there is nothing', async () => {
    const { app } = await openBench();
    for (const [path, status, reason, why] of [
      ['/v1/jobs?source=vm1', 400, 'INVALID_PARAMS', 'unknown parameter source; there is sources'],
      ['/v1/sources?limit=1', 400, 'INVALID_PARAMS', 'unknown parameter limit; there is none'],
      ['/v1/jobs?limit=0', 400, 'INVALID_PARAMS', 'limit'],
      ['/v1/jobs?limit=ten', 400, 'INVALID_PARAMS', 'limit'],
      ['/v1/jobs?sources=a&sources=', 400, 'INVALID_PARAMS', 'sources'],
      ['/v1/jobs/vm1', 400, 'INVALID_PARAMS', 'job'],
      ['/v1/jobs/vm1/%ff', 404, 'JOB_NOT_FOUND', ''],
      ['/v1/jobs/vm1/none', 404, 'JOB_NOT_FOUND', ''],
      ['/v1/jobs/other/none', 404, 'SOURCE_NOT_FOUND', ''],
      ['/v1/jobs/vm1/none?run=a%20b', 400, 'INVALID_PARAMS', 'run'],
    ] as const) {
      const { status: got, body } = await read(app.port, path);
      expect([path, got, body.error.reason]).toEqual([path, status, reason]);
      expect(body.error.message, path).toContain(why);
      expect('problems' in body.error, path).toBe(reason === 'INVALID_PARAMS');
    }
    for (const path of ['/v1/sources/vm1', '/v1/toString', '/v1/other'])
      expect((await fetch(`http://127.0.0.1:${app.port}${path}`)).status, path).toBe(404);
    const posted = await fetch(`http://127.0.0.1:${app.port}/v1/jobs`, { method: 'POST' });
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  it('show each who asks what he may see, and ask who he is', async () => {
    const access = new TestPolicy({ ann: grantsOf('vm1', []) });
    const source = { provider: 'qmp', state: 'up', since: '2026-01-01T00:00:00Z' } as const;
    const bare = await openBare(
      {},
      {
        access,
        sources: [
          { name: 'vm1', ...source },
          { name: 'vm2', ...source },
        ],
      },
    );
    const nobody = await read(bare.port, '/v1/sources');
    expect([nobody.status, nobody.body.error.reason]).toEqual([401, 'UNAUTHENTICATED']);
    expect(nobody.headers.get('www-authenticate')).toBe('Bearer');
    const ann = await read(bare.port, '/v1/sources', { authorization: 'Bearer ann' });
    expect(ann.body.sources).toMatchObject([{ name: 'vm1' }]);
    expect(ann.headers.get('vary')).toContain('authorization');
  });

  it('are bounded for each address, and say when to come again', async () => {
    const bare = await openBare({ requestsPerSecond: 1, requestsBurst: 1, limitLoopback: true });
    expect((await read(bare.port, '/v1/jobs')).status).toBe(200);
    const refused = await read(bare.port, '/v1/jobs');
    expect([refused.status, refused.body.error.reason]).toEqual([429, 'RATE_LIMITED']);
    expect(refused.headers.get('retry-after')).toBe('1');
  });

  it('may be asked by a page of an allowed site, after its preflight', async () => {
    const bare = await openBare({}, { allowOrigins: ['https://ok.example'] });
    const origin = 'https://ok.example';
    for (const path of ['/v1/jobs', '/v1/events']) {
      const preflight = await fetch(`http://127.0.0.1:${bare.port}${path}`, { method: 'OPTIONS', headers: { origin } });
      expect(preflight.status).toBe(204);
      expect(preflight.headers.get('access-control-allow-headers')).toContain('authorization');
    }
  });
});
