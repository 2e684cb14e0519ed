// A real Prometheus reads a real gateway: its text, the rules and the queries of the board.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/simulator/clock.js';
import { startSimulator } from '../../src/simulator/index.js';
import { allUp, startApp } from '../support/app.js';
import { newFolder } from '../support/folder.js';
import { havePrometheus, promtool, startPrometheus } from '../support/prometheus.js';
import { openReceiver } from '../support/receiver.js';
import { openSims, until } from './stream/support.js';

describe.skipIf(!havePrometheus)('Prometheus', () => {
  it('finds no fault in the rules and in the metrics of a gateway that is used', async () => {
    expect(promtool(['check', 'rules', 'docs/alerts.yml'])).toMatchObject({ code: 0 });
    const { sims, paths } = await openSims('vm1');
    const app = await startApp(paths);
    const wire = await app.wire();
    await allUp(wire);
    await wire.call('subscribe', {});
    sims.vm1?.jobs.start({ id: 'j', type: 'mirror', bytesPerSecond: 1 });
    await wire.typed('JOB_STATUS_CHANGE', 'j');
    await wire.call('job.abort', { source: 'vm1', job: 'j', sync: true, force: true });
    const text = await (await fetch(`${app.url}metrics`)).text();
    expect(promtool(['check', 'metrics'], text)).toEqual({ code: 0, said: '' });
    expect(text).toContain('qmp_gateway_abort_duration_seconds_count{mode="sync",result="cancelled"} 1');
    expect(text).toMatch(/^qmp_gateway_qmp_command_duration_seconds_count\{command="job-cancel"\} 1$/m);
    expect(text).toMatch(/^qmp_gateway_deliveries_total [1-9]/m);
    expect(text).toMatch(/^qmp_gateway_sent_bytes_total [1-9]/m);
    expect(text).toMatch(/^qmp_gateway_event_lag_seconds_count [1-9]/m);
  });

  it('raises the alerts of a source and of a gateway that are down, and understands every query of the board', {
    timeout: 60_000,
  }, async () => {
    const { sims, paths } = await openSims('vm1', 'vm2');
    const app = await startApp(paths);
    const wire = await app.wire();
    await allUp(wire);
    const prometheus = await startPrometheus(app.port);
    onTestFinished(() => prometheus.close());
    await until(() => prometheus.isReady());
    await until(async () => (await prometheus.query('qmp_gateway_source_up == 1')).result.length === 2);
    expect(await prometheus.alerts('QmpSourceDown')).toEqual([]);
    await sims.vm2?.close();
    const firing = expect.objectContaining({
      state: 'firing',
      labels: expect.objectContaining({ source: 'vm2', severity: 'warning' }),
    });
    await expect.poll(() => prometheus.alerts('QmpSourceDown'), { timeout: 30_000 }).toEqual([firing]);
    expect(await prometheus.alerts('QmpGatewayDown')).toEqual([]);
    const { groups } = await prometheus.get<{ groups: { rules: { name: string; health: string }[] }[] }>('rules');
    expect(groups.flatMap(({ rules }) => rules).filter(({ health }) => health !== 'ok')).toEqual([]);
    const board = JSON.parse(readFileSync('docs/grafana.json', 'utf8')) as {
      panels: { title: string; targets: { expr: string }[] }[];
    };
    for (const { title, targets } of board.panels)
      for (const { expr } of targets) {
        const asked = expr.replaceAll('$__rate_interval', '5s').replaceAll('$instance', '.*');
        await expect(prometheus.query(asked), title).resolves.toHaveProperty('result');
      }
    await app.close();
    await expect
      .poll(() => prometheus.alerts('QmpGatewayDown'), { timeout: 30_000 })
      .toMatchObject([{ state: 'firing' }]);
  });

  it('raises the alerts of webhooks whose receiver is down, or refuses', { timeout: 60_000 }, async () => {
    const folder = newFolder();
    // An event of ten minutes ago, by QEMU's clock.
    const clock = { ...systemClock, now: () => systemClock.now() - 600_000 };
    const sim = await startSimulator({ listen: { path: join(folder, 'sim') }, clock });
    onTestFinished(() => sim.close());
    const [down, refuses, good] = [await openReceiver(), await openReceiver(), await openReceiver()];
    await down.close();
    refuses.answer = 400;
    const hooks = Object.entries({ down, refuses, good }).map(([name, { url }]) => {
      return { name, url, secret: 'sixteen-letters-long', allowPrivate: true, types: ['BLOCK_WRITE_THRESHOLD'] };
    });
    const config = join(folder, 'gateway.yaml');
    // YAML takes JSON.
    writeFileSync(config, JSON.stringify({ webhooks: hooks }));
    const app = await startApp({ vm1: `unix:${join(folder, 'sim')}` }, { webhooks: { baseMs: 20 } }, { config });
    await allUp(await app.wire());
    const prometheus = await startPrometheus(app.port);
    onTestFinished(() => prometheus.close());
    await until(() => prometheus.isReady());
    await until(async () => (await prometheus.query('qmp_gateway_webhook_dead_letters_total')).result.length === 3);
    sim.faults.emit('BLOCK_WRITE_THRESHOLD', { n: 1 });
    const firing = (webhook: string) => [
      expect.objectContaining({ state: 'firing', labels: expect.objectContaining({ webhook }) }),
    ];
    await expect.poll(() => prometheus.alerts('QmpWebhookBehind'), { timeout: 30_000 }).toEqual(firing('down'));
    await expect.poll(() => prometheus.alerts('QmpWebhookDeadLetters'), { timeout: 30_000 }).toEqual(firing('refuses'));
    expect(await prometheus.alerts('QmpWebhookBehind')).toEqual(firing('down'));
  });
});
