// A domain read by libvirt's own calls, so that it is never tainted. libvirt has no ids of jobs, so a job is known from its first event on; figures
// are libvirt's (virDomainGetBlockJobInfo), statuses those of the last event, and the disks those of the domain's XML. Of a job that libvirt did not
// begin, or does not tell, all is as its events say.
import type { QmpEvent } from '../../qmp/index.js';
import type { GraphReply, QueriedJob } from '../port.js';
import type { JobQueries } from '../qmp/job-sync.js';
import { Turns } from '../qmp/turns.js';
import type { CallLane } from './budget.js';
import type { CallReply, DomainCalls } from './calls.js';
import { type DomainReader, laneOf, type ReaderHooks } from './domain-reader.js';
import { type Disk, readDisks } from './domain-xml.js';
import { statusOf } from './events.js';
import type { HeardJobs } from './heard-jobs.js';
import { targetOf } from './names.js';
import type { LibvirtOptions } from './options.js';
import { type Domain, PROCEDURES, type Procedure } from './procedures.js';
import { LOCKED } from './replies.js';
import { graphOf } from './xml-graph.js';

export type NativeOptions = Pick<LibvirtOptions, 'clock' | 'queryMs'>;

/** Statuses of a job that has ended, or is about to be gone. */
const ENDED: readonly string[] = ['concluded', 'null'];

/** Milliseconds between two readings of a disk that libvirt has yet to change. */
const REREAD_MS = 25;

export class NativeReader implements DomainReader, JobQueries {
  readonly queries = this;
  readonly hasGraph = true;
  readonly #calls: DomainCalls;
  readonly #domain: Domain;
  readonly #jobs: HeardJobs;
  readonly #options: NativeOptions;
  readonly #hooks: ReaderHooks;
  readonly #turns = new Turns(() => this.#ask());
  /** Targets whose job has ended, and whose disk libvirt has not yet been seen to have without that job's copy. */
  readonly #changing = new Set<string>();
  #isClosed = false;

  constructor(calls: DomainCalls, domain: Domain, jobs: HeardJobs, options: NativeOptions, hooks: ReaderHooks) {
    this.#calls = calls;
    this.#domain = domain;
    this.#jobs = jobs;
    this.#options = options;
    this.#hooks = hooks;
  }

  has(): boolean {
    return true;
  }

  hear(event: QmpEvent): void {
    this.#jobs.hear(event);
    const changed = statusOf(event);
    if (!changed) return;
    const target = targetOf(changed.id);
    if (target !== undefined) this.#changing[ENDED.includes(changed.status) ? 'add' : 'delete'](target);
  }

  async version(): Promise<string | undefined> {
    const reply = await this.#call(PROCEDURES.version, {});
    if (reply.kind === 'timeout') return undefined;
    if (reply.kind !== 'return') return 'unknown';
    const version = reply.value;
    return [version / 1_000_000, (version / 1_000) % 1_000, version % 1_000].map(Math.trunc).join('.');
  }

  fresh(): Promise<boolean> {
    return this.#turns.fresh();
  }

  probe(): Promise<boolean> {
    return this.current();
  }

  current(): Promise<boolean> {
    return this.#turns.current();
  }

  close(): void {
    this.#isClosed = true;
  }

  readGraph(lane: 'verb' | 'query', reply: (graph: GraphReply) => void): void {
    void this.#readDisks(laneOf(lane)).then((disks) => {
      const jobs = new Map([...this.#jobs.runs.keys()].map((id) => [targetOf(id) ?? '', id]));
      reply(disks ? { kind: 'graph', graph: graphOf(disks, jobs) } : { kind: 'none' });
    });
  }

  /**
   * libvirt hears of a job's end as we do, and changes its disk some time later: an XML of between shows the disk of before the end. It is read again
   * until it shows that of after, for `queryMs` at most.
   */
  async #readDisks(lane: CallLane): Promise<Disk[] | undefined> {
    const { clock, queryMs } = this.#options;
    const until = clock.now() + queryMs;
    for (;;) {
      const answer = await this.#call(PROCEDURES.xml, { domain: this.#domain }, lane);
      const disks = answer.kind === 'return' ? readDisks(answer.value) : undefined;
      if (!disks) return undefined;
      for (const { target, mirror } of disks) if (mirror === undefined) this.#changing.delete(target);
      const isChanging = disks.some(({ target }) => this.#changing.has(target));
      if (!isChanging || this.#isClosed || clock.now() >= until) return disks;
      await new Promise<void>((resume) => clock.after(REREAD_MS, resume));
    }
  }

  async #ask(): Promise<boolean> {
    while (!this.#isClosed) {
      const rows = await this.#rows();
      if (rows === 'refused') return false;
      this.#hooks.stalled(rows === 'timeout');
      if (rows === 'timeout') continue;
      if (!this.#isClosed)
        await new Promise<void>((merged) => {
          this.#hooks.inOrder(() => {
            this.#hooks.merge(rows, { legacy: false, quietCancel: false });
            merged();
          });
        });
      return true;
    }
    return false;
  }

  async #rows(): Promise<QueriedJob[] | 'timeout' | 'refused'> {
    this.#hooks.asked();
    for (const [id, run] of this.#jobs.runs) {
      const target = targetOf(id);
      if (target === undefined) continue;
      const reply = await this.#call(PROCEDURES.jobInfo, { domain: this.#domain, target });
      if (reply.kind === 'timeout' || (reply.kind === 'error' && reply.code === LOCKED)) return 'timeout';
      // Of a disk that has gone libvirt tells nothing, which says nothing of the other jobs.
      if (reply.kind === 'error') continue;
      if (reply.kind !== 'return') return 'refused';
      if (reply.value) this.#jobs.measure(id, run, reply.value);
      // libvirt is done with a job before QEMU's last event of it has come.
      else this.#jobs.done(id, run);
    }
    return this.#jobs.rows;
  }

  #call<Args, Result>(
    procedure: Procedure<Args, Result>,
    args: Args,
    lane: CallLane = 'query',
  ): Promise<CallReply<Result>> {
    return new Promise((answer) => {
      this.#calls.send(procedure, args, { lane, timeoutMs: this.#options.queryMs, answer });
    });
  }
}
