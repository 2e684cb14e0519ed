// One row of the table of jobs; the job's name is a link to its page.

import { formatDuration, formatPercent, formatRate, isInSync } from 'qmp-gateway/protocol';
import { moment } from '../model/clock.js';
import { ratesOf, type Trail } from '../model/pace.js';
import type { Row } from '../model/rows.js';
import { hueOf, StateBadge } from './badge.js';
import { Spark } from './plot.js';

interface JobRowProps {
  row: Row;
  trail: Trail | undefined;
  index: number;
  top: number;
  href: string;
}

export function JobRow({ row, trail, index, top, href }: JobRowProps) {
  const { attention, ended } = row;
  return (
    <div
      role="row"
      class="grid row"
      data-index={index}
      data-job={row.job}
      data-run={row.run}
      data-mark={attention?.mark}
      aria-rowindex={index + 2}
      style={{ transform: `translateY(${top}px)` }}
    >
      <div role="cell" class="cell-job">
        <a href={href}>{row.job}</a>
        <span class="muted small">{row.source}</span>
      </div>
      <div role="cell" class="cell-type muted">
        {row.type ?? '—'}
      </div>
      <div role="cell" class="cell-state">
        <StateBadge state={row.state} />
      </div>
      <div role="cell" class="cell-progress">
        <Bar row={row} />
        <span class="num percent">{percentOf(row)}</span>
      </div>
      <div role="cell" class="cell-rate right">
        {trail && row.state === 'running' && trail.at.length > 2 && <Spark series={ratesOf(trail)} width={72} />}
        <span class="num">{ended ? tookOf(ended) : row.rate === undefined ? '' : formatRate(row.rate, row.type)}</span>
      </div>
      <div role="cell" class="cell-eta right num">
        {timeOf(row)}
      </div>
      <div role="cell" class="cell-attention">
        {attention && <Mark label={attention.label} advice={attention.advice} mark={attention.mark} />}
        {ended && !attention && (
          <span class="muted small note" title={ended.note}>
            {ended.note}
          </span>
        )}
      </div>
    </div>
  );
}

/** How long it took; in place of that, how an end is known that was not seen. */
function tookOf({ provenance, tookMs }: NonNullable<Row['ended']>): string {
  if (provenance !== 'observed') return provenance;
  return tookMs === null ? '' : formatDuration(tookMs);
}

/** The remaining time, or the time of the end. */
function timeOf({ ended, etaMs }: Row): string {
  if (ended) return ended.at > 0 ? moment(ended.at, Date.now()) : 'unseen';
  return etaMs === undefined ? '' : formatDuration(Math.max(1_000, etaMs));
}

/** A READY job's bar is full although the job is not done, so it is striped and labelled. */
const percentOf = (row: Row): string => {
  if (row.state === 'completed') return '100 %';
  return isInSync(row.state) ? 'in sync' : formatPercent(row.share, row.state);
};

export function Bar({ row }: { row: Pick<Row, 'state' | 'share'> }) {
  const part = row.share ?? 0;
  return (
    <span
      class={`progress hue-${hueOf(row.state)} ${row.state === 'ready' ? 'striped' : ''}`}
      role="progressbar"
      aria-label="Progress"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.floor(part * 1000) / 10}
      data-share={part}
    >
      <span class="fill" style={{ transform: `scaleX(${part})` }} />
    </span>
  );
}

export function Mark({ label, advice, mark }: { label: string; advice: string; mark: string }) {
  return (
    <span class={`mark mark-${mark}`} title={advice}>
      {label}
    </span>
  );
}
