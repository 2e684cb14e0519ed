// QEMU's job state machine as a pure function. In: one run (or none) and what happened to its id. Out: the run as it is then (or
// none) and the entries that tell it, in order. No clock, no socket, no name drawn: all of that comes with `context`.
import type { GatewayEventData, IoStatus, Pivoted } from '../../protocol/types.js';
import { cutText, type QmpEvent } from '../../qmp/index.js';
import { continues, detailsOf, isReadyStatus, measuresOf, statusAt } from './continuity.js';
import type { GraphIndex } from './graph-index.js';
import type { JobInput, ReduceContext, Transition } from './input.js';
import type { JobSignal } from './job-event.js';
import type { JobDraft } from './journal.js';
import { decideOutcome, mayPivot, needsGraph } from './outcome.js';
import { judgePivot, readBaseline } from './pivot.js';
import type { QueriedJob } from './queried-job.js';
import { requestChanges } from './request.js';
import { beginRun, copyRun, type EndEvidence, type Ending, ERROR_LENGTH, type Run } from './run.js';

export function reduceJob(run: Run | undefined, input: JobInput, context: ReduceContext): Transition {
  const transition = new NextRun(run, context);
  switch (input.kind) {
    case 'event':
      transition.event(input.event, input.signal);
      break;
    case 'shown':
      transition.shown(input.shown);
      break;
    case 'absent':
      transition.absent();
      break;
    case 'blind':
      transition.unproven();
      transition.blind();
      break;
    case 'gone':
      transition.unproven();
      transition.replaced();
      break;
    case 'command':
      if (run) transition.change(requestChanges(run, input));
      break;
    case 'misdelivered':
      if (run) transition.change({ misdelivered: true, requestedBy: [...run.requestedBy, input.by] });
      break;
    case 'graph':
      transition.graph(input.graph);
      break;
    case 'disturbed':
      transition.disturbed();
      break;
    case 'unproven':
      transition.unproven();
      break;
  }
  const { run: next, drafts, settled, ask } = transition;
  return { run: next, drafts, settled, ask, askGraph: transition.askGraph && next !== undefined && mayPivot(next) };
}

type Draft<Type> = { -readonly [Key in keyof Type]: Type[Key] };
/** The run moves on while entries are written. The run that came in is never changed. */
class NextRun {
  run: Run | undefined;
  #copied: Draft<Run> | undefined;
  readonly drafts: JobDraft[] = [];
  readonly settled: Run[] = [];
  ask = false;
  askGraph = false;
  readonly #context: ReduceContext;

  constructor(run: Run | undefined, context: ReduceContext) {
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
    // Its id is free: what is heard of it now is another run, and the settlement goes first.
    if (created || this.run?.end?.dismissed) this.unproven();
    // A concluded job raises nothing but its removal: anything else that is heard of its id after a blind spell is of another run.
    const ended = signal.kind === 'status' && (signal.status === 'null' || signal.status === 'concluded');
    const another = this.run?.blind && this.run.settled !== undefined && !ended;
    if (this.run?.blind && !created && !another) this.#recognise(signal);
    if (!this.run || created || another) this.#begin(signal);
    if (!this.run) return;
    const { type, time, data, bytes } = event;
    this.drafts.push({ source: this.#context.source, type, time, job: this.run.ref, data, bytes });
    this.#take(signal);
  }

  shown(shown: QueriedJob): void {
    const now = this.#context.now();
    if (this.run?.end?.dismissed) this.unproven();
    if (this.run?.blind && !continues(this.run, shown.status, shown.type, shown.offset)) this.replaced();
    if (!this.run) {
      this.run = this.#next(shown.status, true);
      this.#found(shown, 'new');
    } else if (this.run.blind || (this.#context.legacy && this.run.status !== shown.status)) {
      this.#found(shown, 'assumed');
    }
    const ended = this.run?.end !== undefined || this.run?.settled !== undefined;
    this.change({ ...detailsOf(shown), ...(!ended && { updated: now }), missed: 0, blind: false });
    this.#attend(shown.ioStatus);
    // With auto-dismiss QEMU goes from concluded to null in one turn: what a query shows as concluded stays until dismissed.
    if (shown.status === 'concluded' && this.run?.status === 'concluded' && !this.run.settled)
      this.#decideOutcome({ kind: 'shown', ...(shown.error !== undefined && { error: shown.error }) }, false);
  }

  /** While events flow one query may miss what an I/O thread's event is about to tell; two in a row may not. */
  absent(): void {
    // One that awaits its proof is known to be gone.
    if (!this.run || this.run.end) return;
    if (this.run.blind || this.run.missed > 0) this.end({ kind: 'vanished' });
    else {
      this.change({ missed: 1 });
      this.ask = true;
    }
  }

  end(evidence: EndEvidence): void {
    if (this.run && !this.run.settled) this.#decideOutcome(evidence, true);
    // One that awaits its proof stays, as `concluded`, until its settlement.
    if (!this.run?.end) this.run = undefined;
  }

  /** It is gone, and its place is taken: no graph of now can prove how it ended. */
  replaced(): void {
    this.change({ baseline: undefined });
    this.end({ kind: 'vanished' });
  }

  /** Exports that come and go are announced by events alone, so after a time without a connection the same number of backends may be others. */
  blind(): void {
    this.unproven();
    const baseline = this.run?.baseline;
    this.change({ blind: true, gap: true, missed: 0, completeObserved: false });
    if (baseline) this.change({ baseline: { ...baseline, countable: false } });
  }

  graph(graph: GraphIndex): void {
    if (!this.run || this.run.settled) return;
    const { baseline, end, id } = this.run;
    if (end) return this.#publish(end.evidence, end.dismissed, baseline ? judgePivot(baseline, graph) : 'unknown');
    const found = readBaseline(graph, id);
    if (found === 'never') this.change({ neverPivots: true });
    else if (found) this.change({ baseline: found, neverPivots: false });
  }

  disturbed(): void {
    this.unproven();
    this.askGraph = this.run?.baseline !== undefined;
    if (this.askGraph) this.change({ baseline: undefined });
  }

  /** Settles what awaits a proof without it. */
  unproven(): void {
    if (this.run?.end) this.#publish(this.run.end.evidence, this.run.end.dismissed, 'unknown');
  }

  /** The run that the entry that comes next begins. */
  #next(status: Run['status'], gap: boolean): Run {
    const { source, id, nextRun, cursorAt, now } = this.#context;
    return beginRun({ source, id, run: nextRun(), began: cursorAt(this.drafts.length) }, status, now(), gap);
  }

  #begin(signal: JobSignal): void {
    this.replaced();
    const seenFromTheStart = signal.kind === 'status' && signal.status === 'created';
    this.run = this.#next(statusAt(signal), !seenFromTheStart);
    this.ask = true;
    this.askGraph = true;
  }

  /** After a blind spell an event speaks of an id: of the same life, if nothing contradicts that. */
  #recognise(signal: JobSignal): void {
    const run = this.run;
    if (!run) return;
    const data = 'data' in signal ? signal.data : undefined;
    const type = data && 'type' in data ? data.type : run.type;
    const offset = data && 'offset' in data ? data.offset : run.offset;
    const known = signal.kind === 'status' || signal.kind === 'ready' || signal.kind === 'pending';
    if (type === null || !continues(run, known ? statusAt(signal) : run.status, type, offset)) return this.replaced();
    this.#tellFound({ type, status: run.status, continuity: 'assumed' });
    this.change({ blind: false, continuity: 'assumed' });
  }

  #take(signal: JobSignal): void {
    switch (signal.kind) {
      case 'status':
        return this.#status(signal.status);
      case 'ready':
        this.change({ ...measuresOf(signal.data, this.#context.now()), sawReady: true });
        // The disk may have got users since the run began.
        this.askGraph = true;
        if (this.#context.legacy) this.change({ status: 'ready' });
        return;
      case 'completed': {
        const error = signal.data.error === undefined ? undefined : cutText(signal.data.error, ERROR_LENGTH);
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
    if (this.run?.autoDismiss === false && this.run.ending.kind !== 'none')
      this.#decideOutcome({ kind: 'observed' }, false);
    // Else null follows at once, or a query shows that it stays, and with which error.
    else this.ask = true;
  }

  #decideOutcome(evidence: EndEvidence, dismissed: boolean): void {
    if (!this.run || this.run.settled) return;
    if (this.run.end) return this.change({ end: { ...this.run.end, dismissed } });
    if (!this.#context.canProve || !needsGraph(this.run)) return this.#publish(evidence, dismissed, 'unknown');
    this.change({ end: { evidence, dismissed } });
    this.askGraph = true;
  }

  /** @param graph what the block graph says of a pivot. */
  #publish(evidence: EndEvidence, dismissed: boolean, graph: Pivoted): void {
    if (!this.run) return;
    const settled = decideOutcome(this.run, evidence, dismissed, graph);
    this.#tell('GATEWAY_JOB_SETTLED', settled);
    this.change({ settled, end: undefined, baseline: undefined });
    this.settled.push(copyRun(this.run));
    if (dismissed) this.run = undefined;
  }

  #found(shown: QueriedJob, continuity: 'new' | 'assumed'): void {
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
    this.askGraph = true;
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
