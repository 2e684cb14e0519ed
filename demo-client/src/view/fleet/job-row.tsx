// One row of the table of jobs; the job's name is a link to its page.
import { formatAmount, formatDuration, formatPercent, formatRate, isInSync } from 'qmp-gateway/protocol';
import { COLUMNS, type ColumnKey, type Fit } from '../../model/fleet/columns.js';
import { ratesOf, type Trail } from '../../model/fleet/pace.js';
import type { Row } from '../../model/fleet/rows.js';
import { jobHref } from '../../model/page/route.js';
import { beat } from '../../page/now.js';
import { cursor } from '../../page/selection.js';
import { hueOf, StateBadge } from '../parts/badge.js';
import { Spark } from '../parts/spark.js';
import { Time } from '../parts/time.js';

interface JobRowProps {
  row: Row;
  trail: Trail | undefined;
  fit: Fit;
  /** Under the name. */
  showSource: boolean;
  index: number;
  top: number;
  /** The keyboard is at it. */
  isAt: boolean;
  isChosen: boolean;
  onChoose(run: string, isRange: boolean): void;
  onMenu(row: Row): void;
}

export function JobRow({ row, trail, fit, showSource, index, top, isAt, isChosen, onChoose, onMenu }: JobRowProps) {
  return (
    <div
      role="row"
      class={`grid row ${isAt ? 'at' : ''} ${isChosen ? 'is-chosen' : ''}`}
      data-index={index}
      data-job={row.job}
      data-run={row.run}
      data-mark={row.attention?.mark}
      aria-rowindex={index + 2}
      style={{ '--top': `${top}px` }}
      onFocusIn={() => (cursor.value = row.run)}
    >
      <div role="cell" class="cell-box">
        <input
          type="checkbox"
          aria-label={`Choose ${row.job} of ${row.source}`}
          checked={isChosen}
          onClick={(event) => onChoose(row.run, event.shiftKey)}
        />
      </div>
      {fit.columns.map((key) => (
        <div key={key} role="cell" class={`cell-${key} ${COLUMNS[key].isNumeric ? 'right num' : ''}`}>
          <Cell column={key} row={row} trail={fit.hasSpark ? trail : undefined} showSource={showSource} />
        </div>
      ))}
      <div role="cell" class="cell-menu">
        <button
          type="button"
          class="quiet"
          aria-label={`Actions for ${row.job} of ${row.source}`}
          onClick={() => onMenu(row)}
        >
          ⋮
        </button>
      </div>
    </div>
  );
}

interface CellProps {
  column: ColumnKey;
  row: Row;
  trail: Trail | undefined;
  showSource: boolean;
}

function Cell({ column, row, trail, showSource }: CellProps) {
  const { attention, ended } = row;
  switch (column) {
    case 'job':
      return (
        <>
          <a href={jobHref(row.source, row.job, row.run)} title={row.job}>
            {row.job}
          </a>
          {showSource && <span class="muted small">{row.source}</span>}
        </>
      );
    case 'source':
      return <span class="muted">{row.source}</span>;
    case 'type':
      return <span class="muted">{row.type ?? '—'}</span>;
    case 'size':
      return <>{row.len === undefined ? '' : formatAmount(row.len, row.type)}</>;
    case 'state':
      return <StateBadge state={row.state} />;
    case 'progress':
      return (
        <>
          <Bar row={row} />
          <span class="num percent">{percentOf(row)}</span>
        </>
      );
    case 'rate':
      return (
        <>
          {trail && row.state === 'running' && trail.at.length > 2 && <Spark series={ratesOf(trail)} />}
          <span class="num">{row.rate === undefined ? '' : formatRate(row.rate, row.type)}</span>
        </>
      );
    case 'eta':
      return <>{row.etaMs === undefined ? '' : formatDuration(Math.max(1_000, row.etaMs))}</>;
    case 'started':
      return <Started row={row} />;
    case 'elapsed':
      return <Elapsed row={row} />;
    case 'ended':
      return ended ? ended.at > 0 ? <Time at={ended.at} /> : <>unseen</> : null;
    case 'attention':
      if (attention) return <Mark label={attention.label} advice={attention.advice} mark={attention.mark} />;
      return ended ? (
        <span class="muted small note" title={ended.note}>
          {ended.note}
        </span>
      ) : null;
  }
}

/** The time is drawn every 4 s, so a shorter one would not be right. */
const BRIEF_MS = 5_000;

const FOUND = 'It was already there when the gateway first saw it, so it began earlier.';

function Started({ row: { start } }: { row: Row }) {
  if (!start) return null;
  return (
    <span title={start.wasFound ? FOUND : undefined}>
      {start.wasFound && '≤ '}
      <Time at={start.at} />
    </span>
  );
}

/** How long it runs, or took; in place of that, how an end is known that was not seen. */
function Elapsed({ row: { start, ended } }: { row: Row }) {
  if (ended) {
    if (ended.provenance !== 'observed') return <span class="muted">{ended.provenance}</span>;
    return <>{ended.tookMs === null ? '' : formatDuration(ended.tookMs)}</>;
  }
  if (!start) return null;
  const ms = beat.value - start.at;
  const text = ms < BRIEF_MS ? '< 5 s' : formatDuration(ms);
  return (
    <span title={start.wasFound ? FOUND : undefined}>{start.wasFound && ms >= BRIEF_MS ? `> ${text}` : text}</span>
  );
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
