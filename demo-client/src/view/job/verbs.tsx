// Buttons for the verbs that the job's status allows, and the result of the last one.
import { useRef, useState } from 'preact/hooks';
import { type Job, type JobVerb, mayControl, offeredVerbs, VERB_LABELS } from 'qmp-gateway/protocol';
import type { Gateway } from '../../gateway/gateway.js';
import { sendVerb } from '../../gateway/send.js';
import { type Intent, isLasting, verbLabel } from '../../model/run/intent.js';
import { useActions } from '../../page/actions.js';
import { BatchDialog } from '../fleet/batch-dialog.js';
import { AbortDialog } from './abort-dialog.js';
import { SpeedForm } from './speed-form.js';

/** The answer to one press of a button, or that it is awaited. */
interface Said {
  press: number;
  tone: 'calm' | 'bad';
  text: string;
  isAwaited: boolean;
}

interface VerbsProps {
  gateway: Gateway;
  job: Job | undefined;
  run: string;
}

export function Verbs({ gateway, job, run }: VerbsProps) {
  const [said, setSaid] = useState<readonly Said[]>([]);
  const presses = useRef(0);
  const [open, setOpen] = useState<JobVerb>();
  const [target, setTarget] = useState<Job>();
  const table = gateway.table.value;
  const source = job && table?.sources.get(job.source);
  const verbs = job ? offeredVerbs(job, source) : [];
  const state = gateway.state.value;
  const { principal, scopes } = state.phase === 'open' ? state : {};
  const isGranted = !job || !scopes || mayControl(scopes, job.source);

  function ask(intent: Exclude<Intent, { verb: 'abort' }>): void {
    if (!job) return;
    const press = presses.current++;
    const asking: Said = { press, tone: 'calm', text: `${VERB_LABELS[intent.verb]}: asking…`, isAwaited: true };
    // Those before it that are still awaited are shown too, and answered in their place.
    setSaid((before) => [...before.filter(({ isAwaited }) => isAwaited), asking]);
    void sendVerb(gateway, intent, { source: job.source, job: job.job, run }).then(({ name, text }) => {
      const answer: Said = { press, tone: name === 'done' ? 'calm' : 'bad', text, isAwaited: false };
      setSaid((before) => before.map((each) => (each.press === press ? answer : each)));
    });
  }

  function press(verb: JobVerb): void {
    if (verb === 'setSpeed') return setOpen(open === 'setSpeed' ? undefined : 'setSpeed');
    if (!isLasting(verb)) return ask({ verb });
    setTarget(job);
    setOpen(verb);
  }

  // A dialog says late that it was closed: another one may be open by then.
  const close = (closed: JobVerb) => () => setOpen((now) => (now === closed ? undefined : now));

  useActions(isGranted && verbs.includes('abort') ? { abort: () => press('abort') } : {});

  return (
    <div class="verbs">
      <div class="buttons" role="group" aria-label="Verbs">
        {verbs.map((verb) => (
          <button
            key={verb}
            type="button"
            data-verb={verb}
            class={verb === 'abort' ? 'danger' : verb === 'complete' || verb === 'finalize' ? 'primary' : ''}
            disabled={!isGranted}
            onClick={() => press(verb)}
          >
            {verbLabel(verb)}
          </button>
        ))}
      </div>
      {open === 'setSpeed' && job && verbs.includes('setSpeed') && (
        <SpeedForm
          onSpeed={(speed) => {
            setOpen(undefined);
            ask({ verb: 'setSpeed', speed });
          }}
        />
      )}
      {!isGranted && verbs.length > 0 && (
        <p class="small muted" data-testid="not-granted">
          {principal} may see this job, and not control it: that needs a scope <code>control</code> for {job.source}.
        </p>
      )}
      <div role="status" class="said small">
        {said.map(({ press, tone, text }) => (
          <p key={press} class={tone === 'bad' ? 'text-bad' : 'muted'}>
            {text}
          </p>
        ))}
      </div>
      {open === 'abort' && target && (
        <AbortDialog
          gateway={gateway}
          job={target}
          // A job that began meanwhile with the same id is another one.
          now={job?.run === target.run ? job : undefined}
          source={source}
          onClose={close('abort')}
        />
      )}
      {open && open !== 'abort' && isLasting(open) && target && table && (
        <BatchDialog
          {...{ gateway, table, verb: open, onClose: close(open) }}
          targets={[{ source: target.source, job: target.job, run: target.run }]}
        />
      )}
    </div>
  );
}
