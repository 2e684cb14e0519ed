// An abort: the form's fields as a request, or what is wrong with them; and an error as a text. Pure.
import {
  type AbortParams,
  describeTimeout,
  formatDuration,
  type JobTarget,
  LIMITS,
  refuserOf,
} from 'qmp-gateway/protocol';

export interface AbortForm {
  /** `return`: the answer comes when QEMU has accepted; `wait`: when the run has ended. */
  mode: 'return' | 'wait';
  boundSeconds: string;
  force: boolean;
  /** Empty: never. */
  escalateSeconds: string;
}

export const ABORT_FORM: AbortForm = { mode: 'wait', boundSeconds: '30', force: false, escalateSeconds: '' };

export type AbortPlan =
  | { ok: true; params: AbortParams & { timeoutMs: number } }
  | { ok: false; field: 'bound' | 'escalate'; why: string };

export function planAbort({ source, job, run }: JobTarget, form: AbortForm): AbortPlan {
  const timeoutMs = Math.round(Number(form.boundSeconds) * 1_000);
  if (form.boundSeconds.trim() === '' || !(timeoutMs >= LIMITS.timeoutMinMs && timeoutMs <= LIMITS.timeoutMaxMs)) {
    const why = `Between ${LIMITS.timeoutMinMs / 1_000} and ${LIMITS.timeoutMaxMs / 1_000} seconds.`;
    return { ok: false, field: 'bound', why };
  }
  const params = {
    source,
    job,
    ...(run === undefined ? {} : { run }),
    sync: form.mode === 'wait',
    timeoutMs,
    force: form.force,
  };
  if (form.force || form.escalateSeconds.trim() === '') return { ok: true, params };
  const escalateAfterMs = Math.round(Number(form.escalateSeconds) * 1_000);
  if (!(escalateAfterMs >= 0)) return { ok: false, field: 'escalate', why: 'Seconds, or empty for never.' };
  return { ok: true, params: { ...params, escalateAfterMs } };
}

export const GATEWAY_SILENT =
  'The bound has passed, and the gateway has not answered: it is not known whether the cancel reached QEMU. If it did, the end shows here.';

/** Whether QEMU may have got the cancel although the answer is this error. */
export function mayBeInForce(reason: string, { accepted, sent }: Readonly<Record<string, unknown>>): boolean {
  if (reason === 'TIMEOUT') return accepted !== false;
  if (reason === 'NO_ANSWER') return sent !== false;
  return reason === 'OUTCOME_UNKNOWN' || reason === 'CONNECTION_LOST';
}

/** An error as a text: what happened to the command, and what would help. `accepted` is that of a TIMEOUT. */
export function refusalText(reason: string, message: string, data: Readonly<Record<string, unknown>>): string {
  const hint = typeof data.hint === 'string' ? ` ${data.hint}` : '';
  switch (reason) {
    case 'TIMEOUT':
      return `The bound has passed. ${describeTimeout(data.accepted)}${data.accepted === null ? ' If it does, the end shows here.' : ''}`;
    case 'JOB_STATE':
      return `QEMU would refuse this now (${String(data.status ?? 'its status')}).${hint}`;
    case 'NO_ANSWER':
      return data.sent === false ? 'There was no connection to the gateway. Nothing was sent.' : GATEWAY_SILENT;
    case 'STALE_RUN':
      return 'This run is over, and the id has another run now. Nothing was sent.';
    case 'JOB_NOT_FOUND':
      return 'QEMU has no such job.';
    case 'SOURCE_DOWN':
      return 'The source is not connected. Nothing was sent.';
    case 'OUTCOME_UNKNOWN':
      return 'The command was sent; whether it had its effect is unknown.';
    case 'CONNECTION_LOST':
      return 'The connection to the gateway was lost while waiting: the command may have been executed.';
    case 'RATE_LIMITED':
      return `Too many commands${typeof data.retryAfterMs === 'number' ? `; try again in ${formatDuration(data.retryAfterMs)}` : ''}.`;
    case 'QMP_ERROR':
      return `${refuserOf(data.class)} says: ${String(data.desc ?? message)}`;
    default:
      return `${message}.${hint}`;
  }
}
