// Figures of a live or settled job: one large bar with the figures under it.
import type { Signal } from '@preact/signals';
import {
  formatAmount,
  formatDuration,
  formatLimit,
  formatPercent,
  formatRate,
  isInSync,
  type Job,
  type Settlement,
  shareDone,
} from 'qmp-gateway/protocol';
import { etaOf, rateOf, type Trail } from '../model/pace.js';
import { beat, now } from '../now.js';
import { Bar } from './job-row.js';

interface JobFiguresProps {
  job: Job | undefined;
  settled: Settlement | undefined;
  trail: Signal<Trail>;
  /** Whether the figures are current: if not, there is no speed and no ETA. */
  current: boolean;
}

export function JobFigures({ job, settled, trail, current }: JobFiguresProps) {
  const type = job?.type ?? settled?.type ?? null;
  const len = settled?.len ?? job?.len ?? 0;
  const offset = settled?.offset ?? job?.offset ?? 0;
  const part = shareDone({ len, offset });
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
        <Fact label="Done" value={`${formatAmount(offset, type)} of ${formatAmount(len, type)}`} />
        {settled ? (
          <Fact label="Figures from" value="its end" />
        ) : (
          <>
            <Fact label="Speed" value={speed === undefined ? '—' : formatRate(speed, type)} />
            <Fact
              label="ETA"
              value={inSync ? 'waits for you' : eta === undefined ? '—' : formatDuration(Math.max(1_000, eta))}
            />
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

const yesNo = (value: boolean | undefined): string => (value === undefined ? '—' : value ? 'yes' : 'no');

function ago(time: string): string {
  const at = Date.parse(time);
  return Number.isNaN(at) ? '—' : `${formatDuration(Math.max(0, now.value - at))} ago`;
}

function Fact({ label, value }: { label: string; value: string }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd class="num">{value}</dd>
    </div>
  );
}
