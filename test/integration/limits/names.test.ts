// Job ids of any length are listed, streamed and commanded, and pages hold them.
import { expect, it } from 'vitest';
import { openBench } from '../stream/support.js';

it.each([
  ['601 characters', 'x'.repeat(601)],
  ['1,024 characters', 'x'.repeat(1_024)],
  ['5,000 characters', `${'long-'.repeat(1_000)}end`],
])('an id of %s is named everywhere', async (_, id) => {
  const { wire, sim } = await openBench();
  await wire.call('subscribe', {});
  sim('vm1').jobs.start({ id, type: 'mirror', bytesPerSecond: 1 });
  sim('vm1').jobs.start({ id: `${id.slice(0, -1)}0`, type: 'mirror', bytesPerSecond: 1 });
  sim('vm1').jobs.start({ id: 'z', type: 'mirror', bytesPerSecond: 1 });
  await wire.status('z', 'running');
  // Page by page.
  const names: string[] = [];
  let pageToken: string | undefined;
  do {
    const page = await wire.call('job.list', { limit: 1, ...(pageToken !== undefined && { pageToken }) });
    names.push(...page.jobs.map(({ job }) => job));
    pageToken = page.pageToken;
    if (pageToken !== undefined) expect(pageToken.length).toBeLessThanOrEqual(512);
  } while (pageToken !== undefined);
  expect(new Set(names).size).toBe(3);
  for (const name of names) expect(Buffer.byteLength(name)).toBeLessThanOrEqual(1_024);
  const begun = wire.events.find(({ data }) => (data as { id?: string }).id === id);
  const name = begun?.job?.id ?? '';
  expect(names).toContain(name);
  if (Buffer.byteLength(id) <= 1_024) expect(name).toBe(id);
  const job = await wire.call('job.get', { source: 'vm1', job: name });
  expect(job).toMatchObject({ job: name, run: begun?.job?.run });
  const filtered = await wire.call('subscribe', { jobs: [name], types: ['GATEWAY_*'] });
  expect(filtered.jobs?.map((each) => each.job)).toEqual([name]);
  expect(await wire.call('job.pause', { source: 'vm1', job: name, run: job.run })).toMatchObject({ job: name });
  const ended = await wire.call('job.abort', { source: 'vm1', job: name, run: job.run, force: true, sync: true });
  expect(ended).toMatchObject({ outcome: 'cancelled', job: name });
  expect(wire.events.find(({ type }) => type === 'BLOCK_JOB_CANCELLED')).toMatchObject({
    job: { id: name },
    data: { device: id },
  });
  expect(await wire.call('job.wait', { source: 'vm1', job: name, run: job.run })).toMatchObject({
    outcome: 'cancelled',
  });
});
