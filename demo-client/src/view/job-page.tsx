// One job. In: a run by its address. Out: its figures, what it needs, what can be done, how it moved, and its life so far.
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Job, SettledRun } from 'qmp-gateway/protocol';
import type { Gateway } from '../gateway.js';
import { openLife } from '../life.js';
import { attentionOf } from '../model/attention.js';
import { jobHref } from '../model/route.js';
import { StateBadge } from './badge.js';
import { Loading } from './fleet.js';
import { JobFigures } from './job-figures.js';
import { Notice } from './notice.js';
import { OutcomeCard } from './outcome-card.js';
import { Throughput } from './throughput.js';
import { Timeline } from './timeline.js';
import { Verbs } from './verbs.js';

interface JobPageProps {
  gateway: Gateway;
  source: string;
  job: string;
  run: string | undefined;
}

export function JobPage({ gateway, source, job: id, run: asked }: JobPageProps) {
  const table = gateway.table.value;
  const ofId = (each: Job): boolean => each.source === source && each.job === id;
  const run = asked ?? (table && [...table.jobs.values()].find(ofId)?.run);
  const job = run === undefined ? undefined : table?.jobs.get(run);
  const ended = run === undefined ? undefined : (table?.settled.get(run) ?? gateway.unseen.value.get(run));
  const [older, setOlder] = useState<Job | string>();
  const missing = table !== undefined && !job && !ended;
  useEffect(() => {
    if (!missing) return undefined;
    const abort = new AbortController();
    gateway.client
      .jobGet({ source, job: id, ...(run ? { run } : {}) }, { signal: abort.signal })
      .then(setOlder, (error: Error) => !abort.signal.aborted && setOlder(error.message));
    return () => abort.abort();
  }, [missing, gateway, source, id, run]);

  if (!table) return <Loading gateway={gateway} />;
  const shown = job ?? (typeof older === 'object' ? older : undefined);
  if ((!shown && !ended) || run === undefined) {
    const other = [...table.jobs.values()].find(ofId);
    return (
      <Notice title={older === undefined ? 'Looking for the job…' : `No job ${id} on ${source}`}>
        {typeof older === 'string' && <p>{older}. Its run may have ended more than 24 hours ago.</p>}
        {other ? (
          <p>
            The id lives in another run: <a href={jobHref(source, id, other.run)}>go there</a>.
          </p>
        ) : (
          <a href="#/">Go to the fleet</a>
        )}
      </Notice>
    );
  }
  return <Known gateway={gateway} job={shown} ended={ended} source={source} id={id} run={run} />;
}

interface KnownProps {
  gateway: Gateway;
  job: Job | undefined;
  ended: SettledRun | undefined;
  source: string;
  id: string;
  run: string;
}

function Known({ gateway, job, ended, source, id, run }: KnownProps) {
  const life = useMemo(
    () => openLife(gateway.client, { source, job: id, run }, gateway.trails.get(run)),
    [gateway, source, id, run],
  );
  useEffect(() => life.close, [life]);
  const settled = ended?.settled ?? job?.settled;
  const attention = job && attentionOf(job);
  return (
    <div class="job">
      <div class="job-head">
        <p class="crumbs">
          <a href="#/">Fleet</a> <span aria-hidden="true">/</span> {source}
        </p>
        <h1>
          <span class="job-name">{id}</span>
          <StateBadge state={settled?.outcome ?? job?.status ?? 'concluded'} />
          <span class="muted job-type">{job?.type ?? settled?.type ?? ''}</span>
        </h1>
        <p class="muted small mono">run {run}</p>
        <Verbs gateway={gateway} job={job} run={run} />
      </div>
      {attention && (
        <p class={`banner inset mark-${attention.mark}`} role="status">
          <strong>{attention.label}.</strong> {attention.advice}
        </p>
      )}
      {settled && <OutcomeCard settled={settled} time={ended?.time ?? null} />}
      <JobFigures job={job} settled={settled} trail={life.trail} />
      <Throughput trail={life.trail} type={job?.type ?? settled?.type ?? null} live={settled === undefined} />
      <Timeline life={life} />
    </div>
  );
}
