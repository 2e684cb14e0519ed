// Figures of a live or settled job: one large bar with the figures under it.
import type { Signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import {
  formatDone,
  formatDuration,
  formatLimit,
  formatPercent,
  formatRate,
  isInSync,
  type Job,
  type Settlement,
  shareDone,
} from 'qmp-gateway/protocol';
import { etaOf, rateOf, type Trail } from '../../model/fleet/pace.js';
import { parseTime } from '../../model/page/clock.js';
import { beat, now } from '../../page/now.js';
import { Bar } from '../fleet/job-row.js';
import { Time } from '../parts/time.js';

interface JobFiguresProps {
  job: Job | undefined;
  settled: Settlement | undefined;
  trail: Signal<Trail>;
  /** When the run began, ISO 8601; `undefined` while it is not known. */
  start: string | null | undefined;
  /** Whether the figures are current: if not, there is no speed and no ETA. */
  current: boolean;
}

export function JobFigures({ job, settled, trail, start, current }: JobFiguresProps) {
  const type = job?.type ?? settled?.type ?? null;
  const len = settled?.len ?? job?.len ?? 0;
  const offset = settled?.offset ?? job?.offset ?? 0;
  const part = shareDone({ len, offset });
  const began = parseTime(start);
  const moving = job?.status === 'running' && !settled;
  const speed = moving && current ? rateOf(trail.value, beat.value) : undefined;
  const eta = etaOf(Number(len), Number(offset), speed);
  const inSync = !settled && job !== undefined && isInSync(job.status);
  const state = settled?.outcome ?? job?.status ?? 'concluded';
  return (
    <section class="card pad job-figures" aria-label="Progress">
      <div class="big-progress">
        <span class="big num" data-testid="percent">
          {inSync ? 'In sync' : settled?.outcome === 'completed' ? '100 %' : formatPercent(part, state)}
        </span>
        <Bar row={{ state, share: part }} />
      </div>
      <dl class="facts">
        <Fact label="Done" value={formatDone({ offset, len, type })} />
        {settled ? (
          <Fact label="Figures from" value="its end" />
        ) : (
          <>
            <Fact label="Speed" value={speed === undefined ? '—' : formatRate(speed, type)} />
            <Fact
              label="ETA"
              value={inSync ? 'waits for you' : eta === undefined ? '—' : formatDuration(Math.max(1_000, eta))}
            />
            <Fact label="Started" value={began === undefined ? '—' : <Time at={began} />} />
            <Fact label="Elapsed" value={began === undefined ? '—' : formatAge(now.value - began)} />
            <Fact label="Limit" value={job ? formatLimit(job.speed) : '—'} />
            <Fact label="Auto-finalize" value={yesNo(job?.autoFinalize)} />
            <Fact label="Auto-dismiss" value={yesNo(job?.autoDismiss)} />
            <Fact label="Figures from" value={job ? ago(job.updated) : '—'} />
          </>
        )}
      </dl>
    </section>
  );
}

/** In whole seconds: it is drawn while it grows. */
const formatAge = (ms: number): string =>
  ms < 60_000 ? `${Math.max(0, Math.floor(ms / 1_000))} s` : formatDuration(ms);

const yesNo = (value: boolean | undefined): string => (value === undefined ? '—' : value ? 'yes' : 'no');

function ago(time: string): string {
  const at = Date.parse(time);
  return Number.isNaN(at) ? '—' : `${formatDuration(Math.max(0, now.value - at))} ago`;
}

function Fact({ label, value }: { label: string; value: ComponentChildren }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd class="num">{value}</dd>
    </div>
  );
}
