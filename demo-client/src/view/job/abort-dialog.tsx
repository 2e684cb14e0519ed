// The dialog of an abort, from the question to the outcome.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { GatewayError } from 'qmp-gateway/client';
import { type AbortParams, type Job, type SourceInfo, softCancel } from 'qmp-gateway/protocol';
import type { Gateway } from '../../gateway/gateway.js';
import { GATEWAY_SILENT, mayBeInForce, refusalText } from '../../model/run/abort.js';
import type { Stage } from '../../model/run/abort-stage.js';
import type { Asked } from '../../model/run/outcome.js';
import { useModal } from '../parts/modal.js';
import { AbortForm } from './abort-form.js';
import { AbortEnd, AbortWait } from './abort-stages.js';

/** Milliseconds added to the bound for the way of the gateway's answer. */
const WAY_MS = 250;

const STOPPED = 'You stopped waiting. What was sent stays in force, and the end shows here when it comes.';

interface AbortDialogProps {
  gateway: Gateway;
  job: Job;
  /** The job as it is now; `undefined`: it has ended. */
  now: Job | undefined;
  source: SourceInfo | undefined;
  onClose(): void;
}

export function AbortDialog({ gateway, job, now: current, source, onClose }: AbortDialogProps) {
  const dialog = useModal();
  const waiting = useRef<AbortController | undefined>(undefined);
  const [stage, setStage] = useState<Stage>({ name: 'asking' });
  const [asked, setAsked] = useState<Asked>({ force: false, wasInSync: false, sent: false });
  useEffect(() => () => waiting.current?.abort(), []);

  // The settlement comes from the log, whatever the answer to the request was.
  const settled = gateway.table.value?.settled.get(job.run)?.settled ?? current?.settled;
  useEffect(() => {
    if (stage.name === 'asking' || stage.name === 'settled' || !settled) return;
    setStage({ name: 'settled', ending: settled, tookMs: performance.now() - stage.since });
  }, [stage, settled]);

  // A gateway that hangs does not answer at the bound.
  useEffect(() => {
    if (stage.name !== 'waiting') return undefined;
    const { since, params } = stage;
    const timer = setTimeout(() => refuse(GATEWAY_SILENT, since, true), params.timeoutMs + WAY_MS);
    return () => clearTimeout(timer);
  }, [stage]);

  function refuse(text: string, since: number, inForce: boolean): void {
    setAsked((before) => ({ ...before, sent: inForce }));
    const tookMs = performance.now() - since;
    setStage((before) => (before.name === 'settled' ? before : { name: 'refused', since, text, tookMs, inForce }));
  }

  function send(params: AbortParams & { timeoutMs: number }): void {
    const since = performance.now();
    const abort = new AbortController();
    waiting.current = abort;
    setAsked({ force: params.force ?? false, wasInSync: softCancel(current ?? job) === 'finishes', sent: true });
    setStage({ name: 'waiting', since, params });
    gateway.requested.add(job.run);
    gateway.client.abort(params, { signal: abort.signal }).then(
      (answer) => {
        if (waiting.current !== abort) return;
        const tookMs = performance.now() - since;
        if (answer.status === 'settled') setStage({ name: 'settled', ending: answer, tookMs });
        else setStage({ name: 'requested', since });
      },
      (error: GatewayError) => {
        if (waiting.current !== abort) return;
        if (abort.signal.aborted) return refuse(STOPPED, since, true);
        const { reason, message, data } = error;
        refuse(refusalText(reason, message, data), since, mayBeInForce(reason, data));
      },
    );
  }

  /** A late answer to the earlier request must not affect the next one. */
  function again(): void {
    waiting.current = undefined;
    setStage({ name: 'asking' });
  }

  return (
    <dialog ref={dialog} class="abort" aria-labelledby="abort-title" onClose={onClose} data-stage={stage.name}>
      <h2 id="abort-title">
        Abort <span class="mono">{job.job}</span> <span class="muted">on {job.source}</span>
      </h2>
      {stage.name === 'asking' ? (
        <AbortForm job={current ?? job} source={source} onSend={send} onCancel={() => dialog.current?.close()} />
      ) : stage.name === 'waiting' ? (
        <AbortWait stage={stage} onStop={() => waiting.current?.abort()} />
      ) : (
        <AbortEnd stage={stage} asked={asked} onClose={() => dialog.current?.close()} onAgain={again} />
      )}
    </dialog>
  );
}
