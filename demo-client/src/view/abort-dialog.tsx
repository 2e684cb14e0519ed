// Abort, from the question to what happened. In: the job as it was when asked. Out: one request, its wait counted, its outcome.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { GatewayError } from 'qmp-gateway/client';
import type { AbortParams, Job } from 'qmp-gateway/protocol';
import type { Gateway } from '../gateway.js';
import { refusalText } from '../model/abort.js';
import type { Asked, Ending } from '../model/outcome.js';
import { AbortForm } from './abort-form.js';
import { AbortEnd, AbortWait } from './abort-stages.js';

/** Where the dialog stands. `requested` goes on to `settled` when the log says so. */
export type Stage =
  | { name: 'asking' }
  | { name: 'waiting'; since: number; params: AbortParams & { timeoutMs: number } }
  | { name: 'requested'; since: number }
  | { name: 'settled'; ending: Ending; tookMs: number }
  | { name: 'refused'; text: string; tookMs: number };

interface AbortDialogProps {
  gateway: Gateway;
  job: Job;
  /** The job as it is now; gone when it has ended. */
  now: Job | undefined;
  onClose(): void;
}

export function AbortDialog({ gateway, job, now: current, onClose }: AbortDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const waiting = useRef<AbortController | undefined>(undefined);
  const [stage, setStage] = useState<Stage>({ name: 'asking' });
  const [asked, setAsked] = useState<Asked>({ force: false, wasReady: false });
  useEffect(() => {
    const element = dialog.current;
    if (element && !element.open) element.showModal();
    return () => waiting.current?.abort();
  }, []);

  // Returned at once: the settlement arrives in the log like everybody's.
  const settled = gateway.table.value?.settled.get(job.run)?.settled ?? current?.settled;
  useEffect(() => {
    if (stage.name === 'requested' && settled)
      setStage({ name: 'settled', ending: settled, tookMs: performance.now() - stage.since });
  }, [stage, settled]);

  function send(params: AbortParams & { timeoutMs: number }): void {
    const since = performance.now();
    const abort = new AbortController();
    waiting.current = abort;
    setAsked({ force: params.force ?? false, wasReady: (current ?? job).status === 'ready' });
    setStage({ name: 'waiting', since, params });
    gateway.client.abort(params, { signal: abort.signal }).then(
      (answer) => {
        const tookMs = performance.now() - since;
        if (answer.status === 'settled') setStage({ name: 'settled', ending: answer, tookMs });
        else setStage({ name: 'requested', since });
      },
      (error: GatewayError) => {
        const text = abort.signal.aborted
          ? 'You stopped waiting. What was sent stays in force, and its event will still come.'
          : refusalText(error.reason, error.message, error.data ?? {});
        setStage({ name: 'refused', text, tookMs: performance.now() - since });
      },
    );
  }

  return (
    <dialog ref={dialog} class="abort" aria-labelledby="abort-title" onClose={onClose} data-stage={stage.name}>
      <h2 id="abort-title">
        Abort <span class="mono">{job.job}</span> <span class="muted">on {job.source}</span>
      </h2>
      {stage.name === 'asking' ? (
        <AbortForm job={current ?? job} onSend={send} onCancel={() => dialog.current?.close()} />
      ) : stage.name === 'waiting' ? (
        <AbortWait stage={stage} onStop={() => waiting.current?.abort()} />
      ) : (
        <AbortEnd
          stage={stage}
          asked={asked}
          onClose={() => dialog.current?.close()}
          onAgain={() => setStage({ name: 'asking' })}
        />
      )}
    </dialog>
  );
}
