// QEMU's job state machine as a pure function. In: one run (or none) and what happened to its id. Out: the run as it is then (or
// none) and the entries that tell it, in order. No clock, no socket, no number drawn: all of that comes with `context`.
import type { Micros } from '../protocol/time.js';
import type { GatewayEventData, IoStatus, JobVerb, RunId } from '../protocol/types.js';
import type { QmpEvent } from '../qmp/index.js';
import type { JobSignal } from './event.js';
import { continues, detailsOf, isReadyStatus, measuresOf, statusAt } from './evidence.js';
import type { JobDraft } from './journal.js';
import { beginRun, copyRun, type Ending, type Run } from './run.js';
import { type Evidence, settle } from './settle.js';
import type { Shown } from './shown.js';

/** What can happen to a job id. */
export type JobInput =
  | { kind: 'event'; event: QmpEvent; signal: JobSignal }
  /** A query shows it. `resync`: the first query of a connection. */
  | { kind: 'shown'; shown: Shown }
  /** A query does not show it. */
  | { kind: 'absent' }
  /** The connection was lost. */
  | { kind: 'blind' }
  /** The QEMU is gone: proven to be another one, removed, or nobody has listened for long. */
  | { kind: 'gone' }
  | {
      kind: 'command';
      verb: JobVerb;
      phase: 'written' | 'accepted' | 'refused';
      by: string;
      force: boolean;
      escalation: boolean;
    }
  /** A command for an earlier life of the id was answered in this one. */
  | { kind: 'stray'; by: string };

export interface StepContext {
  source: string;
  id: string;
  /** The run that the nth entry of this step would begin. */
  runAt: (nth: number) => RunId;
  /** One moment for the whole step. */
  now: () => Micros;
  /** QEMU before 3.0 raises no JOB_STATUS_CHANGE: the outcome event is the end. */
  legacy: boolean;
}

export interface Step {
  run: Run | undefined;
  drafts: JobDraft[];
  /** The runs that settled, as they were then, in the order of their entries. */
  settled: Run[];
  /** Only a query can tell what comes next. */
  ask: boolean;
}

export function step(run: Run | undefined, input: JobInput, context: StepContext): Step {
  const tale = new Tale(run, context);
  switch (input.kind) {
    case 'event':
      tale.event(input.event, input.signal);
      break;
    case 'shown':
      tale.shown(input.shown);
      break;
    case 'absent':
      tale.absent();
      break;
    case 'blind':
      tale.change({ blind: true, gap: true, missed: 0 });
      break;
    case 'gone':
      tale.end({ kind: 'vanished' });
      break;
    case 'command':
      tale.command(input);
      break;
    case 'stray':
      if (run) tale.change({ stray: true, requestedBy: [...run.requestedBy, input.by] });
      break;
  }
  return { run: tale.run, drafts: tale.drafts, settled: tale.settled, ask: tale.ask };
}

type Draft<Type> = { -readonly [Key in keyof Type]: Type[Key] };

/** The step as it is told: the run moves on while entries are written. The run that came in is never changed. */
class Tale {
  run: Run | undefined;
  #copied: Draft<Run> | undefined;
  readonly drafts: JobDraft[] = [];
  readonly settled: Run[] = [];
  ask = false;
  readonly #context: StepContext;

  constructor(run: Run | undefined, context: StepContext) {
    this.run = run;
    this.#context = context;
  }

  change(fields: Partial<Run>): void {
    const draft = this.#edit();
    if (draft) Object.assign(draft, fields);
  }

  /** One copy a step, however much changes. */
  #edit(): Draft<Run> | undefined {
    if (this.run && this.#copied !== this.run) {
      this.#copied = copyRun(this.run);
      this.run = this.#copied;
    }
    return this.run && this.#copied;
  }

  event(event: QmpEvent, signal: JobSignal): void {
    const created = signal.kind === 'status' && signal.status === 'created';
    // A concluded job raises nothing but its removal: whatever else is heard of its id after a blind spell is another life.
    const ended = signal.kind === 'status' && (signal.status === 'null' || signal.status === 'concluded');
    const another = this.run?.blind && this.run.settled !== undefined && !ended;
    if (this.run?.blind && !created && !another) this.#recognise(signal);
    if (!this.run || created || another) this.#begin(signal);
    if (!this.run) return;
    const { type, time, data } = event;
    this.drafts.push({ source: this.#context.source, type, time, job: this.run.ref, data });
    this.#take(signal);
  }

  shown(shown: Shown): void {
    const now = this.#context.now();
    if (this.run?.blind && !continues(this.run, shown.status, shown.type, shown.offset)) this.end({ kind: 'vanished' });
    if (!this.run) {
      this.run = beginRun(this.#context.source, this.#context.id, this.#next(), shown.status, now, true);
      this.#found(shown, 'new');
    } else if (this.run.blind || (this.#context.legacy && this.run.status !== shown.status)) {
      this.#found(shown, 'assumed');
    }
    this.change({ ...detailsOf(shown), updated: now, missed: 0, blind: false });
    this.#attend(shown.ioStatus);
    // With auto-dismiss QEMU goes from concluded to null in one turn: what a query shows as concluded stays until dismissed.
    if (shown.status === 'concluded' && this.run?.status === 'concluded' && !this.run.settled)
      this.#settle({ kind: 'shown', ...(shown.error !== undefined && { error: shown.error }) }, false);
  }

  /** While events flow one query may miss what an I/O thread's event is about to tell; two in a row may not. */
  absent(): void {
    if (!this.run) return;
    if (this.run.blind || this.run.missed > 0) this.end({ kind: 'vanished' });
    else {
      this.change({ missed: 1 });
      this.ask = true;
    }
  }

  end(evidence: Evidence): void {
    if (this.run && !this.run.settled) this.#settle(evidence, true);
    this.run = undefined;
  }

  command({ verb, phase, by, force, escalation }: Extract<JobInput, { kind: 'command' }>): void {
    if (!this.run) return;
    const ends = verb === 'abort' || verb === 'complete';
    if (!ends) return;
    const slot = verb === 'complete' ? 'complete' : force ? 'force' : 'soft';
    const { requestedBy } = this.run;
    if (phase === 'refused') {
      const at = requestedBy.lastIndexOf(by);
      this.change({ [slot]: 'none', requestedBy: requestedBy.filter((_, index) => index !== at) });
      if (escalation) this.change({ escalated: false });
      return;
    }
    if (phase === 'written') this.change({ requestedBy: [...requestedBy, by] });
    if (this.run[slot] !== 'accepted') this.change({ [slot]: phase });
    if (escalation) this.change({ escalated: true });
  }

  /** The run of the entry that comes next. */
  #next(): RunId {
    return this.#context.runAt(this.drafts.length);
  }

  #begin(signal: JobSignal): void {
    this.end({ kind: 'vanished' });
    const status = statusAt(signal);
    const { source, id } = this.#context;
    const now = this.#context.now();
    const seenFromTheStart = signal.kind === 'status' && signal.status === 'created';
    this.run = beginRun(source, id, this.#next(), status, now, !seenFromTheStart);
    this.ask = true;
  }

  /** After a blind spell an event speaks of an id: of the same life, if nothing contradicts that. */
  #recognise(signal: JobSignal): void {
    const run = this.run;
    if (!run) return;
    const data = 'data' in signal ? signal.data : undefined;
    const type = data && 'type' in data ? data.type : run.type;
    const offset = data && 'offset' in data ? data.offset : run.offset;
    const known = signal.kind === 'status' || signal.kind === 'ready' || signal.kind === 'pending';
    if (type === null || !continues(run, known ? statusAt(signal) : run.status, type, offset))
      return this.end({ kind: 'vanished' });
    this.#tellFound({ type, status: run.status, continuity: 'assumed' });
    this.change({ blind: false, continuity: 'assumed' });
  }

  #take(signal: JobSignal): void {
    switch (signal.kind) {
      case 'status':
        return this.#status(signal.status);
      case 'ready':
        this.change({ ...measuresOf(signal.data, this.#context.now()), sawReady: true });
        if (this.#context.legacy) this.change({ status: 'ready' });
        return;
      case 'completed': {
        const { error } = signal.data;
        const ending: Ending = error === undefined ? { kind: 'completed' } : { kind: 'completed', error };
        this.change({ ...measuresOf(signal.data, this.#context.now()), ending, ...(error !== undefined && { error }) });
        if (this.#context.legacy) this.end({ kind: 'observed' });
        return;
      }
      case 'cancelled':
        this.change({ ...measuresOf(signal.data, this.#context.now()), ending: { kind: 'cancelled' } });
        if (this.#context.legacy) this.end({ kind: 'observed' });
        return;
      case 'error':
        // Storms of thousands a second change nothing here; only a stop needs a decision.
        if (signal.data.action !== 'stop') return;
        this.change({ stoppedBy: { operation: signal.data.operation, action: signal.data.action }, attended: false });
        this.ask = true;
        return;
      case 'pending':
        this.change({ type: signal.data.type });
        return;
      case 'other':
        return;
    }
  }

  #status(status: Run['status'] | 'null'): void {
    if (status === 'null') return this.end({ kind: 'observed' });
    const draft = this.#edit();
    if (!draft) return;
    draft.status = status;
    if (status === 'ready') draft.sawReady = true;
    if (status === 'aborting') draft.sawAborting = true;
    // It runs again after an error had stopped it: resuming resets io-status.
    if ((status === 'running' || status === 'ready') && this.run?.attended)
      this.change({ attended: false, ioStatus: 'ok' });
    if (status !== 'concluded') return;
    if (this.run?.autoDismiss === false && this.run.ending.kind !== 'none') this.#settle({ kind: 'observed' }, false);
    // Else null follows at once, or a query shows that it stays, and with which error.
    else this.ask = true;
  }

  #settle(evidence: Evidence, dismissed: boolean): void {
    if (!this.run || this.run.settled) return;
    const settled = settle(this.run, evidence, dismissed);
    this.#tell('GATEWAY_JOB_SETTLED', settled);
    this.change({ settled });
    this.settled.push(copyRun(this.run));
  }

  #found(shown: Shown, continuity: 'new' | 'assumed'): void {
    this.change({ status: shown.status, continuity, sawReady: this.run?.sawReady || isReadyStatus(shown.status) });
    this.#tellFound({
      type: shown.type,
      status: shown.status,
      ...(shown.autoFinalize !== undefined && { autoFinalize: shown.autoFinalize }),
      ...(shown.autoDismiss !== undefined && { autoDismiss: shown.autoDismiss }),
      continuity,
    });
  }

  #tellFound(data: GatewayEventData['GATEWAY_JOB_FOUND']): void {
    this.#tell('GATEWAY_JOB_FOUND', data);
  }

  #attend(ioStatus: IoStatus | undefined): void {
    if (!this.run || ioStatus === undefined || ioStatus === 'ok' || this.run.attended) return;
    const { operation, action } = this.run.stoppedBy ?? { operation: 'unknown' as const, action: 'stop' };
    this.change({ attended: true });
    this.#tell('GATEWAY_JOB_ATTENTION', { ioStatus, operation, action });
  }

  #tell<Type extends keyof GatewayEventData>(type: Type, data: GatewayEventData[Type]): void {
    if (!this.run) return;
    this.drafts.push({ source: this.#context.source, type, time: this.#context.now(), job: this.run.ref, data });
  }
}
