// One verb on one job, asked of the gateway.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, GatewayError } from '../../client/node.js';
import type { Target } from '../refusal.js';
import type { VerbAnswer } from './answer.js';
import type { VerbRow } from './verb-table.js';

export interface CallOptions {
  sync?: boolean;
  /** Milliseconds. */
  timeout?: number;
  force?: boolean;
  escalateAfter?: number;
  dryRun?: boolean;
  /** Bytes per second. */
  speed?: string;
}

/** Refusals that say that nothing was sent, and when to ask again. */
const LATER = ['RATE_LIMITED', 'SOURCE_BUSY'];
const TRIES = 10;

/** Asks again where the gateway is asked too much at once. Rejects with a GatewayError. */
export async function callVerb(
  client: Client,
  row: VerbRow,
  target: Target,
  options: CallOptions,
): Promise<VerbAnswer> {
  for (let tries = 1; ; tries += 1)
    try {
      return await askOnce(client, row, target, options);
    } catch (error) {
      if (!(error instanceof GatewayError) || !LATER.includes(error.reason) || tries === TRIES) throw error;
      await sleep(Number(error.data.retryAfterMs) || 1_000);
    }
}

function askOnce(client: Client, { verb }: VerbRow, target: Target, options: CallOptions): Promise<VerbAnswer> {
  const { sync, timeout, force, escalateAfter, dryRun, speed } = options;
  const abort = { ...(force && { force }), ...(escalateAfter !== undefined && { escalateAfterMs: escalateAfter }) };
  const bound = timeout === undefined ? {} : { timeoutMs: timeout };
  const wait = { ...(sync && { sync }), ...bound };
  if (dryRun && verb !== undefined)
    return client.dryRun(verb, { ...target, ...abort, ...(speed !== undefined && { speed }) });
  switch (verb) {
    case undefined:
      return client.jobWait({ ...target, ...bound });
    case 'abort':
      return client.abort({ ...target, ...wait, ...abort });
    case 'complete':
      return client.jobComplete({ ...target, ...wait });
    case 'pause':
      return client.jobPause(target);
    case 'resume':
      return client.jobResume(target);
    case 'finalize':
      return client.jobFinalize(target);
    case 'dismiss':
      return client.jobDismiss(target);
    case 'setSpeed':
      return client.jobSetSpeed({ ...target, speed: speed ?? '0' });
  }
}
