// The metrics are valid Prometheus text: each has a help text, only counters end with `_total`, and the number of series is bounded.
import { describe, expect, it } from 'vitest';
import type { LoggedEntry, LogStatus } from '../../src/log/index.js';
import { type MetricReaders, openMetrics } from '../../src/metrics/index.js';
import type { Job } from '../../src/protocol/types.js';
import { FakeClock } from '../support/fake-clock.js';

const LOG: LogStatus = {
  ...{ entries: 9, bytes: 10, maxEntries: 90, maxBytes: 100, ageMs: 1_500, maxAgeMs: 900_000 },
  evicted: { source: 1, entries: 2, bytes: 3, age: 4 },
  ...{ waitingBytes: 0, maxWaitingBytes: 0, isRetrying: false },
};

function open(more: Partial<MetricReaders> = {}) {
  const clock = new FakeClock();
  const metrics = openMetrics(
    {
      gateway: () => ({
        ...{ connections: 1, unauthenticated: 1, subscribers: 2, parked: 3, caughtUp: 5, deliveries: 12 },
        ...{ deflatedFrames: 6, deflatedFrom: 7, deflatedTo: 8, sentBytes: 13, unsentBytes: 14 },
        resets: { retention: 4, grants: 1, epoch: 0 },
      }),
      log: { status: () => LOG, head: () => 11 },
      sources: () => [{ name: 'vm1', state: 'up', reason: 'stalled', since: '' }],
      history: () => ({ runs: 0, bytes: 0, isFailing: false }),
      libvirtds: () => [{ path: '/run/libvirt/libvirt-sock', fresh: 1, held: 2, maxHeld: 8 }],
      webhooks: () => [
        {
          ...{ name: 'w', results: { ok: 1, rejected: 2, failed: 3 } },
          ...{ deadLetters: 4, isPosting: true, lagSeconds: 5 },
        },
      ],
      jobs: () => [],
      health: () => ({ log: false, credentials: true }),
      ...more,
    },
    clock,
  );
  const read = async (): Promise<string[]> => (await metrics.text()).text.split('\n');
  return { metrics, clock, read };
}

const entry = (type: string, more: Partial<LoggedEntry> = {}): LoggedEntry => ({
  ...{ offset: 1, source: 'vm1', type, time: null, job: undefined, repeated: undefined, json: '{}', bytes: 2 },
  ...more,
});

const job = (run: string, more: Partial<Job>): Job => ({
  ...{ source: 'vm1', job: run, run, type: 'mirror', status: 'running', len: 1, offset: 0, speed: 0, began: 'e:1' },
  updated: '',
  ...more,
});

describe('metrics', () => {
  it('are named and described as Prometheus requires', async () => {
    const { metrics } = open();
    metrics.settled('completed', 'observed');
    metrics.replied('query-jobs', 3);
    const { text } = await metrics.text();
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => ({ name, type }));
    const helps = [...text.matchAll(/^# HELP (\S+) \S/gm)].map(([, name]) => name);
    expect(types.map(({ name }) => name)).toEqual(helps);
    expect(types.filter(({ name, type }) => name.endsWith('_total') !== (type === 'counter'))).toEqual([]);
    for (const line of [
      'qmp_gateway_parked_total 3',
      'qmp_gateway_settled_total{outcome="completed",provenance="observed"} 1',
      'qmp_gateway_settled_total{outcome="lost",provenance="unknown"} 0',
      'qmp_gateway_resets_total{reason="retention"} 4',
      'qmp_gateway_sources{state="stalled"} 1',
      'qmp_gateway_log_evicted_total{bound="bytes"} 3',
      'qmp_gateway_degraded{part="credentials"} 1',
      'qmp_gateway_sent_bytes_total 13',
      'qmp_gateway_webhook_deliveries_total{webhook="w",result="rejected"} 2',
      'qmp_gateway_webhook_posting{webhook="w"} 1',
      'qmp_gateway_webhook_lag_seconds{webhook="w"} 5',
      'qmp_gateway_webhook_dead_letters_total{webhook="w"} 4',
      'qmp_gateway_limit_hits_total{limit="upgrades_rate"} 0',
      'qmp_gateway_qmp_command_duration_seconds_bucket{command="query-jobs",le="0.0025"} 0',
      'qmp_gateway_qmp_command_duration_seconds_bucket{command="query-jobs",le="0.005"} 1',
      'qmp_gateway_qmp_command_duration_seconds_bucket{command="query-jobs",le="+Inf"} 1',
    ])
      expect(text.split('\n')).toContain(line);
    expect(text).toContain('nodejs_eventloop_lag_p99_seconds');
  });

  it('of a cluster are there for the parts that the member has', async () => {
    const counts = { owned: 1, standby: 2, waitingBytes: 50, largestWaitingBytes: 40, maxWaitingBytes: 100 };
    const owner = { ...counts, fenced: 3, dropped: 4, takeovers: 5 };
    const owning = open({ cluster: { owner: () => owner, edge: undefined } });
    owning.metrics.appended(2_000);
    const ofCluster = (lines: string[]): string[] => lines.filter((line) => /^qmp_gateway_cluster_/.test(line));
    const lines = ofCluster(await owning.read());
    expect(lines).toEqual(
      expect.arrayContaining([
        'qmp_gateway_cluster_sources{state="owned"} 1',
        'qmp_gateway_cluster_sources{state="standby"} 2',
        'qmp_gateway_cluster_waiting_bytes 50',
        'qmp_gateway_cluster_waiting_bytes_largest 40',
        'qmp_gateway_cluster_waiting_bytes_limit 100',
        'qmp_gateway_cluster_fenced_total 3',
        'qmp_gateway_cluster_dropped_entries_total 4',
        'qmp_gateway_cluster_takeovers_total 5',
        'qmp_gateway_cluster_append_duration_seconds_sum 2',
      ]),
    );
    const edge = open({ cluster: { owner: undefined, edge: () => ({ filled: 6, lagMs: 1_500 }) } });
    edge.metrics.appended(1);
    expect(ofCluster(await edge.read())).toEqual([
      'qmp_gateway_cluster_filled_messages_total 6',
      'qmp_gateway_cluster_fold_lag_seconds 1.5',
    ]);
    expect(ofCluster(await open().read())).toEqual([]);
  });

  it('count commands by their result, and time aborts by mode', async () => {
    const { metrics, read } = open();
    metrics.recorder.answered({ verb: 'abort', sync: true, result: 'cancelled', seconds: 0.3 });
    metrics.recorder.answered({ verb: 'abort', sync: false, result: 'SOURCE_BUSY', seconds: 0.001 });
    metrics.recorder.answered({ verb: 'wait', sync: true, result: 'RATE_LIMITED', seconds: 0 });
    const lines = await read();
    expect(lines).toContain('qmp_gateway_commands_total{verb="abort",result="cancelled"} 1');
    expect(lines).toContain('qmp_gateway_abort_duration_seconds_sum{mode="sync",result="cancelled"} 0.3');
    expect(lines).toContain('qmp_gateway_abort_duration_seconds_count{mode="async",result="SOURCE_BUSY"} 1');
    expect(lines).toContain('qmp_gateway_limit_hits_total{limit="waits"} 1');
    expect(lines).toContain('qmp_gateway_limit_hits_total{limit="commands_waiting"} 1');
  });

  it("measure the lag of QEMU's own events alone, and not of those that were merged", async () => {
    const { metrics, clock, read } = open();
    const at = clock.date() * 1_000;
    metrics.entry(entry('BLOCK_JOB_READY', { time: at - 2_000_000 }));
    metrics.entry(entry('STOP', { time: at + 5_000_000 }));
    metrics.entry(entry('GATEWAY_COMMAND', { time: at - 9_000_000 }));
    metrics.entry(entry('BLOCK_JOB_ERROR', { time: at - 9_000_000, repeated: 4 }));
    metrics.entry(entry('BLOCK_JOB_PENDING'));
    const lines = await read();
    expect(lines).toContain('qmp_gateway_event_lag_seconds_count 2');
    expect(lines).toContain('qmp_gateway_event_lag_seconds_sum 2');
    expect(lines).toContain('qmp_gateway_limit_hits_total{limit="block_job_errors"} 3');
    expect(lines).toContain('qmp_gateway_events_total{type="other"} 1');
    expect(lines).toContain('qmp_gateway_events_total{type="GATEWAY_COMMAND"} 1');
  });

  it('say how long the longest waiting job of a source has waited for the same decision', async () => {
    const jobs = [job('r1', { status: 'pending' }), job('r2', { ioStatus: 'nospace' })];
    const { clock, read } = open({ jobs: () => jobs });
    const wait = (why: string, seconds: number): string =>
      `qmp_gateway_decision_wait_seconds{source="vm1",why="${why}"} ${seconds}`;
    expect(await read()).toContain(wait('pending', 0));
    await clock.advance(60_000);
    jobs.push(job('r3', { status: 'pending' }));
    const lines = await read();
    expect(lines).toContain(wait('pending', 60));
    expect(lines).toContain('qmp_gateway_jobs_awaiting_decision{why="pending"} 2');
    expect(lines).toContain('qmp_gateway_jobs{status="pending"} 2');
    // Another job that waits does not inherit the time of the one before.
    jobs.shift();
    expect(await read()).toContain(wait('pending', 0));
    jobs.splice(0, jobs.length);
    expect((await read()).filter((line) => line.startsWith('qmp_gateway_decision_wait_seconds'))).toEqual([]);
  });

  it('have no more series after 10,000 types of events and 10,000 jobs with a name each', async () => {
    const jobs: Job[] = [];
    const { metrics, read } = open({ jobs: () => jobs });
    const series = async (): Promise<number> => (await read()).filter((line) => /^qmp_gateway_/.test(line)).length;
    const before = await series();
    for (let n = 0; n < 10_000; n += 1) {
      metrics.entry(entry(`HOSTILE_${n}`, { time: n, job: { id: `job${n}`, run: `r${n}` } }));
      jobs.push(job(`r${n}`, { type: `type${n}`, status: n % 2 === 0 ? 'ready' : 'running' }));
    }
    // The one is the wait of the source's ready jobs.
    expect(await series()).toBe(before + 1);
    expect(await read()).toContain('qmp_gateway_events_total{type="other"} 10000');
  });
});
