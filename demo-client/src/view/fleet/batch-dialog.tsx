// One verb for many runs: what will happen to each, then what became of each.

import { useEffect, useMemo, useState } from 'preact/hooks';
import type { JobTable } from 'qmp-gateway/client';
import { type JobVerb, VERB_LABELS } from 'qmp-gateway/protocol';
import { type Batch, openBatch } from '../../gateway/batch.js';
import { type Gateway, scopesOf } from '../../gateway/gateway.js';
import { sendVerb } from '../../gateway/send.js';
import { objectionTo, type Plan, type Target } from '../../model/fleet/batch.js';
import type { Intent } from '../../model/run/intent.js';
import { useModal } from '../parts/modal.js';
import { BatchAnswers } from './batch-answers.js';
import { BatchForm } from './batch-form.js';

interface BatchDialogProps {
  gateway: Gateway;
  table: JobTable;
  verb: JobVerb;
  targets: readonly Target[];
  onClose(): void;
}

interface Sent {
  plan: Plan;
  batch: Batch;
}

export function BatchDialog({ gateway, table, verb, targets: chosen, onClose }: BatchDialogProps) {
  const dialog = useModal();
  const [targets, setTargets] = useState(chosen);
  const [sent, setSent] = useState<Sent>();
  const scopes = scopesOf(gateway);
  const scene = useMemo(() => ({ table, scopes }), [table, scopes]);

  function start(intent: Intent, plan: Plan): void {
    const batch = openBatch({
      steps: plan.steps,
      objection: (step) => {
        const now = gateway.table.peek();
        return now && objectionTo(step, intent, { table: now, scopes: scopesOf(gateway) });
      },
      send: (step) => sendVerb(gateway, intent, step),
    });
    setSent({ plan, batch });
  }
  // However the dialog goes: nobody would see what became of the others.
  useEffect(() => () => sent?.batch.stop(), [sent]);

  return (
    <dialog
      ref={dialog}
      class="batch"
      aria-labelledby="batch-title"
      data-stage={sent ? 'sent' : 'asking'}
      onClose={onClose}
    >
      <h2 id="batch-title">
        {VERB_LABELS[verb]}{' '}
        {targets.length === 1 ? (
          <span class="mono">{targets[0]?.job}</span>
        ) : (
          `${targets.length.toLocaleString('en')} chosen`
        )}
      </h2>
      {sent ? (
        <BatchAnswers
          {...sent}
          table={table}
          onClose={() => dialog.current?.close()}
          onAgain={(again) => {
            setTargets(again);
            setSent(undefined);
          }}
        />
      ) : (
        <BatchForm
          verb={verb}
          targets={targets}
          scene={scene}
          onSend={start}
          onCancel={() => dialog.current?.close()}
        />
      )}
    </dialog>
  );
}
