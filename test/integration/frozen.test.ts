// The release 0.1.0, frozen, beside the code of today: old clients go on working with this gateway, and this client with an old gateway.
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { start as startNow } from '../../src/app.js';
import { createClient as clientNow } from '../../src/client/node.js';
import { readConfig as readNow } from '../../src/config/index.js';
import type { Entry } from '../../src/protocol/index.js';
import { createClient as clientThen } from '../frozen/client-0.1.0.js';
import { readConfig as readThen, start as startThen } from '../frozen/gateway-0.1.0.js';
import { startProxy } from '../support/proxy.js';
import { openSims } from './stream/support.js';

const MIB = 1024 * 1024;
const PAIRS = [
  ['an old client and this gateway', clientThen, startNow, readNow],
  ['this client and an old gateway', clientNow, startThen, readThen],
  ['this client and this gateway', clientNow, startNow, readNow],
] as const;

describe.each(PAIRS)('%s', (_, createClient, start, readConfig) => {
  async function open() {
    const { sims, paths } = await openSims('vm1');
    const read = readConfig({ listen: '127.0.0.1:0', source: [`vm1=${paths.vm1}`], logLevel: 'silent' }, {});
    if (!read.ok) throw new Error(read.problems.join('\n'));
    const app = await start(read.config, pino({ level: 'silent' }));
    onTestFinished(() => app.close());
    const proxy = await startProxy(() => app.port);
    const client = createClient({ url: `ws://127.0.0.1:${proxy.port}/v1` });
    onTestFinished(() => void client.close());
    const sim = sims.vm1;
    if (!sim) throw new Error('no simulator');
    return { sim, proxy, client };
  }

  it('snapshots, events, a table, and a resume over a cut line', async () => {
    const { sim, proxy, client } = await open();
    sim.jobs.start({ id: 'before', type: 'mirror', len: 64 * MIB, bytesPerSecond: MIB });
    const events: Entry[] = [];
    const seen: string[] = [];
    // Two that are equal: each hears everything, whatever the gateway can.
    const others: Entry[] = [];
    client.subscribe({}, { events: (entries) => void events.push(...entries) });
    client.subscribe(
      {},
      {
        snapshot: ({ jobs }) => void seen.push(...jobs.map(({ job }) => job)),
        events: (entries) => void others.push(...entries),
      },
    );
    await expect
      .poll(() => [...others, ...events].some(({ job }) => job?.id === 'before') || seen.includes('before'))
      .toBe(true);
    sim.jobs.start({ id: 'j', type: 'backup', len: 64 * MIB, bytesPerSecond: MIB });
    for (const each of [events, others])
      await expect.poll(() => each.filter(({ job }) => job?.id === 'j').length).toBeGreaterThan(1);
    proxy.cut();
    sim.jobs.cancel('j');
    for (const each of [events, others]) {
      await expect
        .poll(() => each.filter(({ type, job }) => type === 'GATEWAY_JOB_SETTLED' && job?.id === 'j').length)
        .toBe(1);
      const offsets = each.map(({ offset }) => offset);
      expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b));
      const own = each.filter(({ job }) => job?.id === 'j');
      expect(new Set(own.map(({ job }) => job?.run)).size).toBe(1);
    }
  });

  it('a list, an abort fenced by its run, and its outcome again', async () => {
    const { sim, client } = await open();
    sim.jobs.start({ id: 'j', type: 'mirror', len: 64 * MIB, bytesPerSecond: MIB });
    await expect.poll(async () => (await client.jobList({})).jobs.map(({ status }) => status)).toEqual(['running']);
    const { run } = await client.jobGet({ source: 'vm1', job: 'j' });
    const target = { source: 'vm1', job: 'j', run };
    expect(await client.abort({ ...target, sync: true })).toMatchObject({
      status: 'settled',
      outcome: 'cancelled',
      run,
    });
    expect(await client.abort({ ...target, sync: true })).toMatchObject({
      status: 'settled',
      outcome: 'cancelled',
      run,
    });
    await expect(client.abort({ source: 'vm1', job: 'nope' })).rejects.toMatchObject({ reason: 'JOB_NOT_FOUND' });
  });
});
