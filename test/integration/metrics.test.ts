// Readiness and metrics of a whole gateway, also beside a monitor that sends what it likes.
import { expect, it } from 'vitest';
import { allUp, startApp } from '../support/app.js';
import { hostileMonitor } from '../support/hostile-monitor.js';
import { metric, openSims, until } from './stream/support.js';

const seriesOf = async (url: string): Promise<string[]> =>
  (await (await fetch(`${url}metrics`)).text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));

it('10,000 types of events and 10,000 names of jobs add fewer than 100 series', { timeout: 60_000 }, async () => {
  const hostile = await hostileMonitor();
  const app = await startApp({ vm1: hostile.uri });
  await allUp(await app.wire());
  const before = (await seriesOf(app.url)).length;
  for (let n = 0; n < 10_000; n += 1) {
    hostile.say(`HOSTILE_${n}`, {});
    hostile.say('JOB_STATUS_CHANGE', { id: `job${n}`, status: 'created' });
  }
  await until(async () => (await metric(app.url, 'qmp_gateway_events_total{type="other"}')) === 10_000);
  await until(async () => (await metric(app.url, 'qmp_gateway_events_total{type="JOB_STATUS_CHANGE"}')) === 10_000);
  const after = await seriesOf(app.url);
  expect(after.length).toBeLessThan(before + 100);
  expect(after.filter((line) => /HOSTILE|job\d/.test(line))).toEqual([]);
});

it('readiness names the parts that are unwell and, where it is asked, that a source does not answer', async () => {
  const { sims, paths } = await openSims('vm1');
  const app = await startApp(paths, { log: { total: 100 } });
  const wire = await app.wire();
  await allUp(wire);
  const ready = async (query = ''): Promise<unknown[]> => {
    const response = await fetch(`${app.url}readyz${query}`);
    return [response.status, await response.json()];
  };
  expect(await ready('?sources=all')).toEqual([200, { status: 'ready' }]);
  app.unread();
  for (let n = 0; n < 200; n += 1) sims.vm1?.faults.emit('RTC_CHANGE', { n });
  await until(async () => (await metric(app.url, 'qmp_gateway_log_evicted_total{bound="entries"}')) > 0);
  expect(await ready()).toEqual([200, { status: 'ready', degraded: ['log', 'credentials'] }]);
  expect(await metric(app.url, 'qmp_gateway_degraded{part="log"}')).toBe(1);
  app.reload(app.config);
  expect(await ready()).toEqual([200, { status: 'ready', degraded: ['log'] }]);
  await sims.vm1?.close();
  await until(async () => (await metric(app.url, 'qmp_gateway_source_up{source="vm1"}')) === 0);
  expect(await ready('?sources=all')).toEqual([503, { status: 'not-ready' }]);
  expect((await ready())[0]).toBe(200);
});
