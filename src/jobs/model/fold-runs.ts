// The runs of one source, rebuilt from its log: what a restart knows. It decides nothing, since every decision is an entry.
import { isInSync } from '../../protocol/rules.js';
import type { Micros } from '../../protocol/time.js';
import type { CommandId, Cursor, GatewayEventData, JobRef } from '../../protocol/types.js';
import { applySignal, isCreation, statusAt } from './apply-signal.js';
import { applyEvidence, RUN_EVIDENCE, type RunEvidence } from './evidence.js';
import { type JobEvent, readJobEvent } from './job-event.js';
import { requestChanges } from './request.js';
import { beginRun, copyRun, type MutableRun, type Run, unobservedChanges } from './run.js';

/** An entry of the log, of clients or for a restart alone. */
export interface FoldedEntry {
  cursor: Cursor;
  source: string;
  type: string;
  time: Micros | null;
  job?: JobRef | undefined;
  data: unknown;
}

/** A command that was written, and that nothing has answered. */
export interface UnansweredCommand {
  /** QEMU's id of the job, which may be longer than that of `ref`. */
  id: string;
  ref: JobRef;
  command: GatewayEventData['GATEWAY_COMMAND'];
}

export class RunFold {
  /** Present runs, by id. */
  readonly runs = new Map<string, Run>();
  /** QEMU before 3.0: it raises no JOB_STATUS_CHANGE. */
  legacy: boolean;
  /** Commands that are not answered. */
  readonly commands = new Map<CommandId, UnansweredCommand>();
  readonly #settled: (run: Run, entry: FoldedEntry) => void;
  readonly #check: (run: Run) => void;

  /**
   * @param settled called for each settlement with the run in its last state.
   * @param check called before a change of a run counts; what it throws is that of {@link apply}.
   */
  constructor(
    legacy = false,
    settled: (run: Run, entry: FoldedEntry) => void = () => undefined,
    check: (run: Run) => void = () => undefined,
  ) {
    this.legacy = legacy;
    this.#settled = settled;
    this.#check = check;
  }

  apply(entry: FoldedEntry): void {
    const { type, job, data } = entry;
    if (type === 'GATEWAY_SOURCE_DOWN') return this.#unobserved(data as GatewayEventData['GATEWAY_SOURCE_DOWN']);
    if (!job) return;
    if (type === 'GATEWAY_COMMAND') return this.#written(job, data as GatewayEventData['GATEWAY_COMMAND']);
    if (type === 'GATEWAY_COMMAND_ANSWERED')
      return this.#answered(job, data as GatewayEventData['GATEWAY_COMMAND_ANSWERED']);
    if (type.startsWith('GATEWAY_')) return this.#gateway(entry, job);
    const event = readJobEvent({ type, time: entry.time, data });
    if (event) this.#event(entry, job, event);
  }

  #event(entry: FoldedEntry, job: JobRef, { id, signal }: JobEvent): void {
    const run =
      this.#present(job) ??
      begin(entry, { ...job, id }, { status: statusAt(signal), gap: !isCreation(signal), ref: job });
    applySignal(run, signal, () => entry.time ?? run.updated, this.legacy);
    const outcome = signal.kind === 'completed' || signal.kind === 'cancelled';
    const isEnd = (this.legacy && outcome) || (signal.kind === 'status' && signal.status === 'null');
    // The settlement of a run that is not settled follows as an entry of its own.
    if (isEnd && run.settled) this.runs.delete(run.id);
    else this.#keep(run);
  }

  #gateway(entry: FoldedEntry, job: JobRef): void {
    const { type, data } = entry;
    let run = this.#present(job);
    if (type === 'GATEWAY_JOB_FOUND') {
      const found = data as GatewayEventData['GATEWAY_JOB_FOUND'];
      run ??= begin(entry, job, { status: found.status, gap: true, ref: job });
      const { continuity, ...details } = found;
      Object.assign(run, details, { continuity, unobserved: false, absentFromQueries: 0 });
      run.sawReady ||= isInSync(found.status);
    }
    // The entries of its beginning were dropped.
    if (!run && type === 'GATEWAY_JOB_SETTLED') run = begin(entry, job, { status: 'concluded', gap: true, ref: job });
    if (!run) return;
    if (type === RUN_EVIDENCE) {
      const evidence = data as RunEvidence;
      if (evidence.freed) return void this.runs.delete(run.id);
      applyEvidence(run, evidence);
    }
    if (type === 'GATEWAY_JOB_ATTENTION') {
      run.attended = true;
      run.ioStatus = (data as GatewayEventData['GATEWAY_JOB_ATTENTION']).ioStatus;
    }
    if (type === 'GATEWAY_JOB_SETTLED') {
      run.settled = data as GatewayEventData['GATEWAY_JOB_SETTLED'];
      run.end = undefined;
      run.baseline = undefined;
      this.#check(run);
      this.#settled(run, entry);
      if (run.settled.dismissed) return void this.runs.delete(run.id);
    }
    this.#keep(run);
  }

  #keep(run: Run): void {
    this.#check(run);
    this.runs.set(run.id, run);
  }

  #written(job: JobRef, command: GatewayEventData['GATEWAY_COMMAND']): void {
    this.commands.set(command.command, { id: this.#present(job)?.id ?? job.id, ref: job, command });
    this.#request(job, command, 'written');
  }

  #answered(job: JobRef, { command, result }: GatewayEventData['GATEWAY_COMMAND_ANSWERED']): void {
    const written = this.commands.get(command);
    this.commands.delete(command);
    if (written) this.#request(job, written.command, result);
  }

  #request(
    job: JobRef,
    command: GatewayEventData['GATEWAY_COMMAND'],
    phase: Parameters<typeof requestChanges>[2],
  ): void {
    const run = this.#present(job);
    if (run) this.#keep(Object.assign(run, requestChanges(run, command, phase)));
  }

  /** GATEWAY_SOURCE_DOWN with any other reason means that a connection was lost; with this one the connection stands. */
  #unobserved({ reason }: GatewayEventData['GATEWAY_SOURCE_DOWN']): void {
    if (reason === 'refused-query') return;
    for (const [id, run] of this.runs) this.runs.set(id, Object.assign(copyRun(run), unobservedChanges(run)));
  }

  /** A copy of the run, if it is the present one of its id. */
  #present({ id, run }: JobRef): MutableRun | undefined {
    const exact = this.runs.get(id);
    if (exact?.run === run) return copyRun(exact);
    // A long id has another name on the wire, so the wire's name does not tell the id.
    for (const each of this.runs.values()) if (each.run === run) return copyRun(each);
    return undefined;
  }
}

function begin(
  { source, cursor, time }: FoldedEntry,
  { id, run }: JobRef,
  { status, gap, ref }: { status: Run['status']; gap: boolean; ref: JobRef },
): MutableRun {
  return { ...beginRun({ source, id, run, began: { cursor, time } }, status, time ?? 0, gap), ref };
}
