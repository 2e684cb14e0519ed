// QEMU's job state machine as a pure function: from one run (or none) and what happened to its id to the next run (or none) and the entries that
// record it, in order. Names and times come from `context`.
import type { LogPosition } from '../../protocol/draft.js';
import { isInSync } from '../../protocol/rules.js';
import type { GatewayEventData, IoStatus, Pivoted } from '../../protocol/types.js';
import type { QueriedJob, SourceEvent } from '../../sources/index.js';
import { applySignal, isCreation, statusAt } from './apply-signal.js';
import { absenceOf, concludedBy, continues, detailsOf, isAnother } from './continuity.js';
import { detailsEvidence, graphEvidence, RUN_EVIDENCE, type RunEvidence } from './evidence.js';
import type { GraphIndex } from './graph-index.js';
import type { EndedRun, JobInput, ReduceContext, Transition } from './input.js';
import type { JobSignal } from './job-event.js';
import type { JobDraft } from './journal.js';
import { decideOutcome, mayPivot, needsGraph } from './outcome.js';
import { comparePivot, readBaseline } from './pivot.js';
import { type CommandInput, commandDraft, misdeliveredChanges, requestChanges } from './request.js';
import { beginRun, copyRun, type EndEvidence, type MutableRun, type Run, unobservedChanges } from './run.js';

export function reduceJob(run: Run | undefined, input: JobInput, context: ReduceContext): Transition {
  const next = new NextRun(run, context);
  switch (input.kind) {
    case 'event':
      next.event(input.event, input.signal);
      break;
    case 'queried':
      next.queried(input.job);
      break;
    case 'absent':
      next.absent();
      break;
    case 'unobserved':
      next.unproven();
      next.change(next.run ? unobservedChanges(next.run) : {});
      break;
    case 'gone':
      next.unproven();
      next.replaced();
      break;
    case 'written':
    case 'answered':
      next.command(input);
      break;
    case 'misdelivered':
      next.misdelivered(input.by);
      break;
    case 'graph':
      next.graph(input.graph);
      break;
    case 'disturbed':
      next.disturbed();
      break;
    case 'unproven':
      next.unproven();
      break;
  }
  return next;
}

const NONE: readonly never[] = [];

/** Also the transition that is returned, which saves an object for each event. The run that came in is never changed. */
class NextRun implements Transition {
  run: Run | undefined;
  drafts: readonly JobDraft[] = NONE;
  ended: readonly EndedRun[] = NONE;
  needsQuery = false;
  #copied: MutableRun | undefined;
  #wantsGraph = false;
  /** Of a run that has begun, until its first entry. */
  #beginning: LogPosition | undefined;
  readonly #context: ReduceContext;

  constructor(run: Run | undefined, context: ReduceContext) {
    this.run = run;
    this.#context = context;
  }

  get needsGraph(): boolean {
    return this.#wantsGraph && this.run !== undefined && mayPivot(this.run);
  }

  change(fields: Partial<Run>): void {
    const copy = this.#edit();
    if (copy) Object.assign(copy, fields);
  }

  event(event: SourceEvent, signal: JobSignal): void {
    const created = isCreation(signal);
    // The id is free, so the event is of another run; the settlement of this one goes first.
    if (created || this.run?.end?.dismissed) this.unproven();
    // A concluded job raises nothing but its removal. After an unobserved time, any other event with its id is of another run.
    const ended = signal.kind === 'status' && (signal.status === 'null' || signal.status === 'concluded');
    const another = this.run?.unobserved && this.run.settled !== undefined && !ended;
    if (this.run?.unobserved && !created && !another) this.#recognise(signal);
    if (!this.run || created || another) this.#begin(signal);
    if (!this.run) return;
    const { type, time, data, bytes } = event;
    this.#push({ source: this.#context.source, type, time, job: this.run.ref, data, bytes });
    this.#apply(signal);
  }

  queried(job: QueriedJob): void {
    const now = this.#context.now();
    if (this.run?.end?.dismissed) this.unproven();
    if (this.run && isAnother(this.run, job, this.#context.legacy)) this.replaced();
    const before = this.run;
    if (!this.run) {
      this.run = this.#next(job.status, true);
      this.#found(job, 'new');
    } else if (this.run.unobserved || (this.#context.legacy && this.run.status !== job.status)) {
      this.#found(job, 'assumed');
    }
    const ended = this.run?.end !== undefined || this.run?.settled !== undefined;
    this.change({ ...detailsOf(job), ...(!ended && { updated: now }), absentFromQueries: 0, unobserved: false });
    this.note(detailsEvidence(before, this.run));
    this.#attend(job.ioStatus);
    // With auto-dismiss QEMU goes from concluded to null without returning to its main loop, so one that a query shows concluded must be dismissed.
    if (job.status === 'concluded' && this.run?.status === 'concluded' && !this.run.settled)
      this.#decideOutcome(concludedBy(job), false);
  }

  /** While events flow, one query may miss a job whose event an I/O thread is about to raise; two in a row do not. */
  absent(): void {
    // A run that awaits its proof is already known to have ended.
    if (!this.run || this.run.end) return;
    if (this.run.unobserved || this.run.absentFromQueries > 0) this.#end(absenceOf(this.run, this.#context));
    else {
      this.change({ absentFromQueries: 1 });
      this.needsQuery = true;
    }
  }

  /** The run is gone and something else is in its place: the block graph of now can't prove how it ended. */
  replaced(): void {
    this.change({ baseline: undefined });
    this.#end({ kind: 'vanished' });
  }

  command(input: CommandInput): void {
    this.#push(commandDraft(input, this.#context));
    const phase = input.kind === 'written' ? 'written' : input.answer.result;
    if (this.run?.run === input.ref.run) this.change(requestChanges(this.run, input.command, phase));
  }

  misdelivered(by: string): void {
    if (this.run) this.change(misdeliveredChanges(this.run, by));
    this.note({ misdelivered: by });
  }

  graph(graph: GraphIndex): void {
    if (!this.run || this.run.settled) return;
    const { baseline, end, id } = this.run;
    if (end) return this.#publish(end.evidence, end.dismissed, baseline ? comparePivot(baseline, graph) : 'unknown');
    const found = readBaseline(graph, id);
    if (found === undefined) return;
    const before = this.run;
    this.change(found === 'never' ? { neverPivots: true } : { neverPivots: false, baseline: found });
    this.note(graphEvidence(before, this.run));
  }

  disturbed(): void {
    this.unproven();
    if (this.run?.baseline === undefined) return;
    this.#wantsGraph = true;
    this.change({ baseline: undefined });
    this.note({ baseline: null });
  }

  /** Settles a run that awaits its proof, without the proof. */
  unproven(): void {
    if (this.run?.end) this.#publish(this.run.end.evidence, this.run.end.dismissed, 'unknown');
  }

  note(evidence: RunEvidence | undefined): void {
    if (!this.run || !evidence) return;
    const { source, now } = this.#context;
    this.#push({ source, type: RUN_EVIDENCE, time: now(), job: this.run.ref, data: evidence, internal: true });
  }

  /** Copies the run once in a step, however many fields change. */
  #edit(): MutableRun | undefined {
    if (this.run && this.#copied !== this.run) {
      this.#copied = copyRun(this.run);
      this.run = this.#copied;
    }
    return this.run && this.#copied;
  }

  #end(evidence: EndEvidence): void {
    if (this.run && !this.run.settled) this.#decideOutcome(evidence, true);
    else if (evidence.kind === 'vanished') this.note({ freed: true });
    // A run that awaits its proof stays, as `concluded`, until its settlement.
    if (!this.run?.end) this.run = undefined;
  }

  /** A new run, which the next entry begins. */
  #next(status: Run['status'], gap: boolean): Run {
    const { source, id, nextRun, now } = this.#context;
    this.#beginning = { cursor: undefined };
    return beginRun({ source, id, run: nextRun(), began: this.#beginning }, status, now(), gap);
  }

  #begin(signal: JobSignal): void {
    this.replaced();
    this.run = this.#next(statusAt(signal), !isCreation(signal));
    this.needsQuery = true;
    this.#wantsGraph = true;
  }

  /** An event after an unobserved time: the run goes on, unless the event contradicts that. */
  #recognise(signal: JobSignal): void {
    const run = this.run;
    if (!run) return;
    const data = 'data' in signal ? signal.data : undefined;
    const type = data && 'type' in data ? data.type : run.type;
    const offset = data && 'offset' in data ? data.offset : run.offset;
    const known = signal.kind === 'status' || signal.kind === 'ready' || signal.kind === 'pending';
    if (type === null || !continues(run, known ? statusAt(signal) : run.status, type, offset)) return this.replaced();
    this.#emitFound({ type, status: run.status, continuity: 'assumed' });
    this.change({ unobserved: false, continuity: 'assumed' });
  }

  #apply(signal: JobSignal): void {
    const { legacy, now } = this.#context;
    const run = this.#edit();
    if (!run) return;
    applySignal(run, signal, now, legacy);
    // The disk may have got users since the run began.
    if (signal.kind === 'ready') this.#wantsGraph = true;
    if (signal.kind === 'error' && signal.data.action === 'stop') this.needsQuery = true;
    const outcome = signal.kind === 'completed' || signal.kind === 'cancelled';
    const status = signal.kind === 'status' ? signal.status : undefined;
    if (status === 'null' || (outcome && legacy)) return this.#end({ kind: 'observed' });
    if (status !== 'concluded') return;
    if (run.autoDismiss === false && run.ending.kind !== 'none') this.#decideOutcome({ kind: 'observed' }, false);
    // Else null follows at once, or a query shows that it stays, and with which error.
    else this.needsQuery = true;
  }

  #decideOutcome(evidence: EndEvidence, dismissed: boolean): void {
    if (!this.run || this.run.settled) return;
    const waiting = this.run.end;
    if (!waiting && (!this.#context.canProve || !needsGraph(this.run)))
      return this.#publish(evidence, dismissed, 'unknown');
    const end = { evidence: waiting?.evidence ?? evidence, dismissed };
    this.change({ end });
    this.note({ end });
    if (!waiting) this.#wantsGraph = true;
  }

  #publish(evidence: EndEvidence, dismissed: boolean, graph: Pivoted): void {
    if (!this.run) return;
    const settled = decideOutcome(this.run, evidence, dismissed, graph);
    const { source, now } = this.#context;
    const [time, position]: [number, LogPosition] = [now(), { cursor: undefined }];
    this.#push({ source, type: 'GATEWAY_JOB_SETTLED', time, job: this.run.ref, data: settled, position });
    this.change({ settled, end: undefined, baseline: undefined });
    this.ended = [...this.ended, { run: copyRun(this.run), time, position }];
    if (dismissed) this.run = undefined;
  }

  #found(job: QueriedJob, continuity: 'new' | 'assumed'): void {
    this.change({ status: job.status, continuity, sawReady: this.run?.sawReady || isInSync(job.status) });
    this.#emitFound({
      type: job.type,
      status: job.status,
      ...(job.autoFinalize !== undefined && { autoFinalize: job.autoFinalize }),
      ...(job.autoDismiss !== undefined && { autoDismiss: job.autoDismiss }),
      continuity,
    });
  }

  #emitFound(data: GatewayEventData['GATEWAY_JOB_FOUND']): void {
    this.#wantsGraph = true;
    this.#emit('GATEWAY_JOB_FOUND', data);
  }

  #attend(ioStatus: IoStatus | undefined): void {
    if (ioStatus === 'ok') this.change({ attended: false });
    if (!this.run || ioStatus === undefined || ioStatus === 'ok' || this.run.attended) return;
    const { operation, action } = this.run.stoppedBy ?? { operation: 'unknown' as const, action: 'stop' };
    this.change({ attended: true });
    this.#emit('GATEWAY_JOB_ATTENTION', { ioStatus, operation, action });
  }

  #emit<Type extends keyof GatewayEventData>(type: Type, data: GatewayEventData[Type]): void {
    if (!this.run) return;
    const { source, now } = this.#context;
    this.#push({ source, type, time: now(), job: this.run.ref, data });
  }

  #push(draft: JobDraft): void {
    if (this.#beginning) this.#beginning.time = draft.time;
    const entry = this.#beginning ? { ...draft, position: this.#beginning } : draft;
    // Most steps have one entry: an array that grows by `push` has room for seventeen.
    this.drafts = this.drafts === NONE ? [entry] : [...this.drafts, entry];
    this.#beginning = undefined;
  }
}
