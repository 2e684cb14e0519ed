// A real Prometheus reads a real gateway: its text, the rules and the queries of the board.
import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { allUp, startApp } from '../support/app.js';
import { havePrometheus, promtool, startPrometheus } from '../support/prometheus.js';
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
});
