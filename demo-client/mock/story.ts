// The mock's jobs, which go on without end: some fail, some stop until a person acts.
import type { Job } from '../../src/protocol/types.js';
import type { DemoGateway } from './demo-gateway.js';

const MIB = 1_048_576;
const GIB = 1024 * MIB;
const BEAT_MS = 1_000;

/** mulberry32: the same jobs on every load. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const NAMES = ['web-01', 'web-02', 'db-primary', 'db-replica', 'build-7', 'mail'] as const;
const CAST = ['system', 'data', 'logs', 'home'] as const;

export function tellStory(gateway: DemoGateway, many: number): void {
  const roll = dice(7);
  const pace = new Map<string, number>();
  const now = (): string => new Date().toISOString();
  gateway.sources.splice(0);
  for (const name of NAMES)
    gateway.sources.push({ name, state: 'up', since: now(), qemu: name === 'mail' ? '7.2.22' : '10.0.13' });
  gateway.sources.push({ name: 'ci-runner', state: 'down', reason: 'refused', since: now() });

  const start = (source: string, id: string, done = 0): Job => {
    const kind = roll();
    const type = kind < 0.5 ? 'mirror' : kind < 0.75 ? 'backup' : kind < 0.9 ? 'stream' : 'commit';
    const len = Math.round((8 + roll() * 120) * GIB);
    const job = gateway.begin({ source, job: id, type, len, autoFinalize: type !== 'backup' || roll() < 0.5 });
    job.offset = Math.round(len * done);
    pace.set(job.run, (60 + roll() * 540) * MIB);
    return job;
  };

  for (const source of NAMES)
    for (const [n, id] of CAST.entries())
      if (roll() < 0.75) start(source, `${id}${n === 1 ? '-mirror' : ''}`, roll() * 0.95);
  for (let n = 0; n < many; n += 1) start(NAMES[n % NAMES.length] ?? 'mail', `disk${n}`, roll() * 0.9);
  const cast = [...gateway.live.values()];
  if (cast[2]) stopAtError(gateway, cast[2], 'nospace');
  const mirror = cast.find((job) => job.type === 'mirror' && job !== cast[2]);
  if (mirror) becomeReady(gateway, mirror);
  const lost = start('mail', 'archive', 0.4);
  gateway.end(lost, 'lost', { provenance: 'unknown', pivoted: 'unknown', pivotProof: null });

  function beat(): void {
    for (const job of [...gateway.live.values()]) {
      if (job.status !== 'running') continue;
      const speed = (pace.get(job.run) ?? 0) * (0.7 + roll() * 0.6);
      const capped = Number(job.speed) > 0 ? Math.min(speed, Number(job.speed)) : speed;
      job.offset = Math.min(Number(job.len), Number(job.offset) + Math.round((capped * BEAT_MS) / 1_000));
      if (job.offset === job.len) arrive(job);
      else if (roll() < 0.0006) stopAtError(gateway, job, 'failed');
    }
    gateway.report();
    if (gateway.live.size < 18 + many)
      start(NAMES[Math.floor(roll() * NAMES.length)] ?? 'mail', `snap-${Math.floor(roll() * 9_000) + 1_000}`);
  }

  function arrive(job: Job): void {
    if (job.type === 'mirror') becomeReady(gateway, job);
    else if (job.autoFinalize === false) {
      gateway.status(job, 'pending');
      gateway.about(job, 'BLOCK_JOB_PENDING', { type: job.type, id: job.job });
    } else if (roll() < 0.12) gateway.end(job, 'failed', { error: 'Input/output error' });
    else gateway.end(job, 'completed');
  }

  setInterval(beat, BEAT_MS);
}

function becomeReady(gateway: DemoGateway, job: Job): void {
  job.offset = job.len;
  gateway.status(job, 'ready');
  gateway.about(job, 'BLOCK_JOB_READY', gateway.figures(job));
}

function stopAtError(gateway: DemoGateway, job: Job, ioStatus: 'failed' | 'nospace'): void {
  gateway.about(job, 'BLOCK_JOB_ERROR', { device: job.job, operation: 'write', action: 'stop' });
  job.ioStatus = ioStatus;
  gateway.status(job, 'paused');
  gateway.about(job, 'GATEWAY_JOB_ATTENTION', { ioStatus, operation: 'write', action: 'stop' });
}
