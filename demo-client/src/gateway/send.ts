// One verb sent for one run, with its answer as a text. Every command of the page goes through here and names the run that was shown.
import type { Client, GatewayError } from 'qmp-gateway/client';
import { type Requested, type Settled, softCancel, VERB_LABELS } from 'qmp-gateway/protocol';
import type { Progress, Target } from '../model/fleet/batch.js';
import { mayBeInForce, planAbort, refusalText } from '../model/run/abort.js';
import type { Intent } from '../model/run/intent.js';
import { abortText, OUTCOME_TONE } from '../model/run/outcome.js';
import type { Gateway } from './gateway.js';

/** Milliseconds for the answer to a verb that has no bound of its own. */
const ANSWER_MS = 30_000;

type Answer = Extract<Progress, { name: 'done' | 'failed' }>;

/** Never rejects. */
export async function sendVerb(gateway: Gateway, intent: Intent, { source, job, run }: Target): Promise<Answer> {
  const known = gateway.table.peek()?.jobs.get(run);
  const wasInSync = known !== undefined && softCancel(known) === 'finishes';
  gateway.requested.add(run);
  try {
    const answer = await call(gateway.client, intent, { source, job, run });
    if (answer.status === 'requested' || intent.verb !== 'abort')
      return { name: 'done', text: `${VERB_LABELS[intent.verb]}: QEMU has accepted.`, tone: 'calm' };
    const text = abortText(answer, { force: intent.form.force, wasInSync, sent: true });
    return { name: 'done', text, tone: OUTCOME_TONE[answer.outcome] };
  } catch (error) {
    const { reason, message, data = {} } = error as GatewayError;
    return { name: 'failed', text: refusalText(reason, message, data), inForce: mayBeInForce(reason, data) };
  }
}

async function call(client: Client, intent: Intent, target: Target): Promise<Requested | Settled> {
  const options = { timeoutMs: ANSWER_MS };
  switch (intent.verb) {
    case 'abort': {
      const plan = planAbort(target, intent.form);
      if (!plan.ok) throw new Error(plan.why);
      return client.abort(plan.params);
    }
    case 'complete':
      return client.jobComplete({ ...target, timeoutMs: ANSWER_MS });
    case 'pause':
      return client.jobPause(target, options);
    case 'resume':
      return client.jobResume(target, options);
    case 'finalize':
      return client.jobFinalize(target, options);
    case 'dismiss':
      return client.jobDismiss(target, options);
    case 'setSpeed':
      return client.jobSetSpeed({ ...target, speed: intent.speed }, options);
  }
}
