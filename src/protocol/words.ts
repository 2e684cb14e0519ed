// Texts for people about figures, outcomes and states, shared by the command line and the dashboard. Pure. The texts may change with any release:
// programs read the members of the wire that they are made from.
import type { DryRun, Notifications } from './methods.js';
import { allows, hasVerb, isBlockJob, type SoftCancel, softCancel } from './rules.js';
import type {
  DownReason,
  Int64,
  JobStatus,
  JobType,
  JobVerb,
  Outcome,
  Pivoted,
  PivotProof,
  Provenance,
  ProviderName,
  Settlement,
  SourceInfo,
} from './types.js';

type ResetReason = Notifications['reset']['reason'];

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;

/** Three significant digits: `512 B`, `1.50 GiB`, `20.0 MiB`. Beyond 2^53 the last digits are lost, which "8.00 EiB" does not show. */
export function formatBytes(count: Int64): string {
  let value = Number(count);
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const size = Math.abs(value);
  const decimals = unit === 0 || size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
  return `${value.toFixed(decimals)} ${UNITS[unit]}`;
}

/** `len` and `offset` in their unit: bytes for block jobs, for all others a bare number, since QEMU promises no unit. */
export function formatAmount(count: Int64, type: JobType | null): string {
  if (countsBytes(type)) return formatBytes(count);
  const value = Number(count);
  const compact =
    value < 100_000 ? { maximumFractionDigits: 0 } : ({ notation: 'compact', maximumSignificantDigits: 3 } as const);
  return value.toLocaleString('en', compact);
}

/** Whether `len` and `offset` of such a job are bytes. */
export function countsBytes(type: JobType | null): boolean {
  return type !== null && isBlockJob(type);
}

/** `12.0 MiB/s`, in the unit of `len` and `offset`. Below 0 it is 0. */
export function formatRate(perSecond: number, type: JobType | null): string {
  return `${formatAmount(Math.max(0, perSecond), type)}/s`;
}

/** `1.00 GiB of 2.00 GiB`. A job without a total has no figures yet: it has just begun, or its source was not asked since. */
export function formatDone(
  { len, offset, type }: { len: Int64; offset: Int64; type: JobType | null },
  between = 'of',
): string {
  if (Number(len) === 0 && Number(offset) === 0) return '—';
  return `${formatAmount(offset, type)} ${between} ${formatAmount(len, type)}`;
}

/** A job's `speed`, which is a limit: bytes per second, 0 for none. */
export function formatLimit(speed: Int64): string {
  return Number(speed) === 0 ? 'unlimited' : `${formatBytes(speed)}/s`;
}

/** The part that is done, 0 to 1; `undefined` where there is no total. */
export function shareDone({ len, offset }: { len: Int64; offset: Int64 }): number | undefined {
  const whole = Number(len);
  return whole > 0 ? Math.min(1, Math.max(0, Number(offset) / whole)) : undefined;
}

/** Whether more may still be copied: before a mirror is READY, writes may make copied parts dirty again. */
const COPYING: readonly (JobStatus | Outcome)[] = ['created', 'running', 'paused'];

/** Rounded down, one decimal; `100 %` only where everything is copied and stays so. */
export function formatPercent(share: number | undefined, state: JobStatus | Outcome): string {
  if (share === undefined) return '—';
  return share >= 1 && !COPYING.includes(state)
    ? '100 %'
    : `${Math.min(99.9, Math.floor(share * 1000) / 10).toFixed(1)} %`;
}

/** `850 ms`, `4.2 s`, `3 min 12 s`, `2 h 05 min`, `3 d 4 h`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${twoDigits(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${twoDigits(minutes % 60)} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Milliseconds that a run of the history took. Of one that is `lost` nobody knows when it ended: its settlement is when that was found. */
export function durationOf({
  durationMs,
  outcome,
}: {
  durationMs: number | null;
  outcome: Outcome;
}): number | undefined {
  return durationMs === null || outcome === 'lost' ? undefined : durationMs;
}

const twoDigits = (value: number): string => String(value).padStart(2, '0');

export const VERB_LABELS: Readonly<Record<JobVerb, string>> = {
  abort: 'Abort',
  complete: 'Complete',
  pause: 'Pause',
  resume: 'Resume',
  finalize: 'Finalize',
  dismiss: 'Dismiss',
  setSpeed: 'Limit speed',
};

const SOFT_CANCEL: Readonly<Record<SoftCancel, string>> = {
  cancels: 'QEMU stops the job at its next safe point.',
  finishes:
    'QEMU finishes the copy instead of cancelling: it is consistent, and the disk does not switch. It may take long under load.',
  refused: 'QEMU refuses to cancel a job that stands still. Use force, or resume it first.',
};

const FORCED = 'QEMU gives the job up at once; the copy is not usable.';

/** What a verb would do, by a dry run; a later gateway may have an effect that is not known here. */
export function describeEffect(effect: DryRun['effect']): string {
  return EFFECT_TEXT[effect] ?? `The effect is "${effect}".`;
}

const EFFECT_TEXT: Readonly<Record<DryRun['effect'], string>> = {
  cancels: SOFT_CANCEL.cancels,
  finishes: SOFT_CANCEL.finishes,
  forces: FORCED,
  completes: 'The job ends, and the disk switches to the copy.',
  pauses: 'The job stands still until it is resumed.',
  resumes: 'The job goes on.',
  finalizes: 'The job makes its changes to the block graph, and ends.',
  dismisses: 'The job frees its id.',
  limits: 'The job keeps to that speed from then on.',
  underway: 'The same command was sent before; nothing is sent again.',
  ended: 'The job has ended; nothing is sent.',
};

/** Where a source has neither force nor resume. */
const REFUSED_FOR_GOOD =
  'QEMU refuses to cancel a job that stands still, and this source can neither force nor resume it: who has paused it must resume it.';

/** What an abort would do to this job. @param source of the job; by default one with every verb. */
export function describeAbort(
  job: { status: JobStatus; type: JobType | null },
  force: boolean,
  source?: Pick<SourceInfo, 'verbs'>,
): string {
  if (!allows(job.status, 'abort')) return 'The job has ended, or is ending already.';
  if (force) return FORCED;
  const soft = softCancel(job);
  const isStuck = soft === 'refused' && !hasVerb(source, 'force') && !hasVerb(source, 'resume');
  return isStuck ? REFUSED_FOR_GOOD : SOFT_CANCEL[soft];
}

export function describePivot(pivoted: Pivoted): string {
  if (pivoted === 'unknown') return "It is not known whether the disk switched to the copy: don't delete it.";
  return pivoted ? 'The disk has switched to the copy.' : 'The disk did not switch; it is where it was.';
}

/** How `pivoted` is known, to follow "Known because"; the settlement of an older gateway does not say. */
export function describeProof(proof: PivotProof | undefined): string | undefined {
  switch (proof) {
    case 'type':
      return 'a job of this type never switches the disk';
    case 'event':
      return 'QEMU said that it was cancelled';
    case 'graph':
      return 'QEMU’s block graph shows it';
    case 'command':
      return 'QEMU accepted job.complete from here, and the job ended without an error';
    case null:
    case undefined:
      return undefined;
  }
}

export const PROVENANCE_TEXT: Readonly<Record<Provenance, string>> = {
  observed: 'Observed: the gateway saw every event of this ending.',
  reconciled: 'Reconciled: the gateway did not see it happen; a query proved it afterwards.',
  unknown: 'Unknown: the job vanished while the gateway had no connection. Success is not assumed.',
};

export const HOLDS_ID_TEXT = 'It still holds its id: dismiss it.';

/** A settlement on one line: the outcome, then only what is unusual. */
export function summarizeSettlement({
  outcome,
  provenance,
  pivoted,
  escalated,
  requestedBy,
  dismissed,
  error,
}: Settlement): string {
  const parts = [
    provenance === 'observed' ? outcome : `${outcome} (${provenance})`,
    ...(pivoted === 'unknown' ? ['pivot unknown'] : pivoted ? ['disk switched'] : []),
    ...(escalated ? ['escalated to force'] : []),
    ...(requestedBy.length > 0 ? [`requested by ${requestedBy.join(', ')}`] : []),
    ...(dismissed ? [] : ['holds its id']),
  ];
  return `${parts.join(', ')}${error === undefined ? '' : `: ${error}`}`;
}

const GAP_TEXT: Readonly<Record<ResetReason, string>> = {
  epoch: 'The gateway began a new log.',
  retention: 'They are older than what the gateway keeps.',
  grants: 'The access rights of this client have changed.',
};

/** Why events may be missing. A later gateway may send a reason that is not known here. */
export function describeGap(reason: ResetReason): string {
  return GAP_TEXT[reason] ?? `The reason is "${reason}".`;
}

/** The result of a command whose bound has passed: `data.accepted` of a TIMEOUT. */
export function describeTimeout(accepted: unknown): string {
  if (accepted === true) return 'QEMU has accepted it: it stays in force, and its events still come.';
  if (accepted === false) return 'The command had no effect, and will have none.';
  return 'QEMU has not answered: it may still carry it out.';
}

const REASON_TEXT: Readonly<Record<DownReason, string>> = {
  absent: 'No such socket or host, or QEMU has not connected. Is the VM running?',
  denied: 'The gateway may not open the socket. Check its permissions.',
  refused: 'Nothing listens on the socket. Is the VM running?',
  occupied: 'Another client holds the monitor. Give the gateway one of its own.',
  silent: 'Connected, but QEMU sends no greeting. Is another client holding it?',
  stalled: 'QEMU has stopped answering.',
  closed: 'QEMU closed the connection.',
  protocol: 'The peer does not speak QMP.',
  unreachable: 'No connection with the host. Is the network up? Its jobs may go on.',
  restarted: 'The gateway was restarted and has not reached the source since. It tries again.',
  gap: 'Events were dropped while they could not be published. The gateway reconnects to see what has become of the jobs.',
  unowned: 'No gateway of the cluster has this source now. Its jobs may go on.',
  'refused-query': 'QEMU refuses to list its jobs yet. The gateway tries again.',
};

/** Between the gateway and a domain's QEMU stands libvirtd. */
const LIBVIRT_REASON_TEXT: Readonly<Partial<Record<DownReason, string>>> = {
  absent: 'The domain is not running.',
  denied:
    'libvirtd refuses this client. Check its group, the polkit rule, and that the socket is not the read-only one.',
  silent: 'libvirtd does not open the connection.',
  stalled: 'QEMU or libvirtd has stopped answering.',
  closed: 'libvirtd closed the connection. The domain and its jobs may go on.',
  protocol: 'What libvirtd sends is not understood.',
  unreachable: 'libvirtd is not there. The domain and its jobs may go on.',
};

/**
 * Why a source is not up or does not answer, and what would help. A later gateway may send a reason that is not known here.
 *
 * @param provider of the source.
 */
export function describeReason(reason: DownReason, provider: ProviderName = 'qmp'): string {
  const own = provider === 'libvirt' ? LIBVIRT_REASON_TEXT[reason] : undefined;
  return own ?? REASON_TEXT[reason] ?? `The reason is "${reason}".`;
}

/** Who gives the text of a refusal. @param errorClass of QMP, or libvirt's. */
export function refuserOf(errorClass: unknown): 'QEMU' | 'libvirt' {
  return String(errorClass).startsWith('VIR_ERR_') ? 'libvirt' : 'QEMU';
}
