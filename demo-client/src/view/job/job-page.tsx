// The page of one run: its figures, what it needs, the verbs, its speed, and its events.
import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { type Entry, type Job, parseCursor, type SettledRun } from 'qmp-gateway/protocol';
import type { Gateway } from '../../gateway/gateway.js';
import { openRunEvents } from '../../gateway/run-events.js';
import { useStory } from '../../gateway/run-story.js';
import { attentionOf } from '../../model/fleet/attention.js';
import { currentIn } from '../../model/fleet/current.js';
import { parseRoute } from '../../model/page/route.js';
import { finalizedBy } from '../../model/run/outcome.js';
import { settlementOf, withPast } from '../../model/run/past.js';
import { findRun } from '../../model/run/run.js';
import { noFiguresText, storyOf } from '../../model/run/story.js';
import { useActions } from '../../page/actions.js';
import { fleetHref, go } from '../../page/location.js';
import { Loading } from '../fleet/fleet.js';
import { StateBadge } from '../parts/badge.js';
import { Notice } from '../parts/notice.js';
import { JobCopies } from './job-copies.js';
import { JobFigures } from './job-figures.js';
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
  if (!table) return <Loading gateway={gateway} />;
  const found = findRun({ table, unseen: gateway.unseen.value }, { source, job: id, run: asked });
  switch (found.kind) {
    case 'known':
      return <Known key={asked ?? found.run} gateway={gateway} {...found} source={source} id={id} />;
    case 'unknown':
      return <Older key={asked} gateway={gateway} {...found} source={source} id={id} asked={asked} />;
  }
}

interface OlderProps {
  gateway: Gateway;
  source: string;
  id: string;
  asked: string | undefined;
  /** The newest run of the id. */
  job: Job | undefined;
  ended: SettledRun | undefined;
  waits: boolean;
}

/** The run is not in the table, but the gateway may have its settlement. */
function Older({ gateway, source, id, asked, job, ended, waits }: OlderProps) {
  const [answer, setAnswer] = useState<Job | string>();
  useEffect(() => {
    const abort = new AbortController();
    gateway.client
      .jobGet({ source, job: id, ...(asked ? { run: asked } : {}) }, { signal: abort.signal })
      .then(setAnswer, (error: Error) => !abort.signal.aborted && setAnswer(error.message));
    return () => abort.abort();
    // A source that is in sync again may have the run.
  }, [gateway, source, id, asked, waits]);
  const story = useStory(gateway, { source, job: id, run: asked }, waits);
  const record = typeof story === 'object' ? story.record : undefined;
  // The settlements of a day are older runs' too, but only the history has those from before a restart of a gateway without a log on disk.
  if (record && typeof answer !== 'object') {
    const ended = settlementOf(record);
    return <Known gateway={gateway} job={undefined} ended={ended} source={source} id={id} run={record.run} />;
  }
  if (typeof answer === 'object')
    return <Known gateway={gateway} job={answer} ended={undefined} source={source} id={id} run={answer.run} />;
  const newest = job?.run ?? ended?.run;
  if (answer !== undefined && story !== undefined && newest !== undefined)
    return <Known gateway={gateway} job={job} ended={ended} source={source} id={id} run={newest} former={asked} />;
  if (answer === undefined || story === undefined) return <Notice title="Looking for the job…">{null}</Notice>;
  return (
    <Notice title={waits ? `Waiting for ${source}…` : `No job ${id} on ${source} now`}>
      <p>
        {waits
          ? 'When the source is connected, the job is shown here if it still runs.'
          : `${answer}. The run of this link ended long ago, or is of before a restart of the gateway, which does not know how it ended.`}
      </p>
      <a href={fleetHref()}>Go to the fleet</a>
    </Notice>
  );
}

interface KnownProps {
  gateway: Gateway;
  job: Job | undefined;
  ended: SettledRun | undefined;
  source: string;
  id: string;
  run: string;
  /** The run that the link names, which the gateway does not know. */
  former?: string | undefined;
}

function Known({ gateway, job, ended, source, id, run, former }: KnownProps) {
  const began = job?.began ?? ended?.settled.began;
  const runEvents = useMemo(
    () => openRunEvents(gateway.client, { source, job: id, run, began }, gateway.trails.get(run)),
    [gateway, source, id, run, began],
  );
  useEffect(() => runEvents.close, [runEvents]);
  const settled = ended?.settled ?? job?.settled;
  const found = useStory(gateway, { source, job: id, run }, settled !== undefined);
  const story = typeof found === 'object' ? found : undefined;
  useActions({ back: () => go(parseRoute(fleetHref())) });
  const attention = job && attentionOf(job);
  const table = gateway.table.value;
  const start = story?.record?.start ?? story?.entries[0]?.time ?? firstTime(runEvents.events.value, began);
  const events = runEvents.events.value;
  const chapters = useMemo(() => storyOf(events, story?.entries ?? [], story?.record), [events, story]);
  const trail = withPast(runEvents.trail.value, start, story?.progress ?? []);
  const at = useSignal<number | undefined>(undefined);
  const current = table !== undefined && currentIn(gateway.state.value.phase, table)(source);
  return (
    <div class="job">
      <div class="job-head">
        <p class="crumbs">
          <a href={fleetHref()}>Fleet</a> <span aria-hidden="true">/</span> {source}
        </p>
        <h1>
          <span class="job-name">{id}</span>
          <StateBadge state={settled?.outcome ?? job?.status ?? 'concluded'} />
          <span class="muted job-type">{job?.type ?? settled?.type ?? ''}</span>
        </h1>
        <JobCopies source={source} id={id} run={run} job={job} ended={ended} />
        <Verbs gateway={gateway} job={job} run={run} />
      </div>
      {former && (
        <p class="banner inset tone-calm" role="status" data-testid="renamed">
          This gateway does not know run <span class="mono">{former}</span>, of which the link is: it ended long ago, or
          is of before a restart. This is the newest run of that id; whether it is the same job is not known.
        </p>
      )}
      {attention && (
        <p class={`banner inset mark-${attention.mark}`} role="status">
          <strong>{attention.label}.</strong> {attention.advice}
        </p>
      )}
      {settled && (
        <OutcomeCard
          settled={settled}
          time={ended?.time ?? story?.record?.end ?? null}
          past={story?.record}
          finalizedBy={finalizedBy(runEvents.events.value)}
        />
      )}
      <JobFigures job={job} settled={settled} trail={runEvents.trail} start={start} current={current} />
      <Throughput
        trail={trail}
        chapters={chapters}
        type={job?.type ?? settled?.type ?? null}
        len={Number(job?.len ?? settled?.len ?? 0)}
        empty={noFiguresText(settled === undefined, found)}
        at={at}
      />
      <Timeline chapters={chapters} gap={runEvents.gap.value} at={at} />
    </div>
  );
}

/** Of the entry that began the run, where the log still has it. */
function firstTime(events: readonly Entry[], began: string | undefined): string | null | undefined {
  const first = events[0];
  return first && began !== undefined && parseCursor(began)?.offset === first.offset ? first.time : undefined;
}
