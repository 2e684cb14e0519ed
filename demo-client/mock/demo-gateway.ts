// The tests' mock gateway, extended for a page with several sources: real time, progress, and all verbs. The log, cursors, snapshots and resume are
// MockGateway's own.
import {
  type Entry,
  type Job,
  type JobStatus,
  type MethodName,
  type Outcome,
  type Pivoted,
  parseCursor,
  type RpcErrorBody,
  type RpcRequest,
  type Settlement,
  type SubscribeParams,
} from 'qmp-gateway/protocol';
import { type Connection, MockGateway } from '../../test/client/msw/gateway.js';
import { answer, type Line, type NewJob, type Target, wants } from './asked.js';

/** Milliseconds from a cancel to the end of its job. */
const CANCEL_MS = 900;
const SYNC_MS = 2_600;

export class DemoGateway extends MockGateway {
  /** Jobs by run, since two sources may use the same id. */
  readonly live = new Map<string, Job>();
  readonly #lines = new Set<Line>();
  readonly #stamps = new Map<number, { source: string; time: string }>();
  readonly #waits = new Map<string, (() => void)[]>();
  readonly #ending = new Set<string>();

  override connect(connection: Connection): { receive(text: string): void; closed(): void } {
    const line: Line = { connection, wanted: new Map(), asked: new Map() };
    this.#lines.add(line);
    const inner = super.connect({
      send: (text) => this.#passOn(line, text),
      close: (code, reason) => connection.close(code, reason),
    });
    return {
      receive: (text) => {
        const request = JSON.parse(text) as RpcRequest;
        if (!this.#take(line, request)) inner.receive(JSON.stringify(request));
      },
      closed: () => {
        this.#lines.delete(line);
        inner.closed();
      },
    };
  }

  /** An entry of any source, with the present time. */
  say(source: string, type: string, data: unknown, job?: { id: string; run?: string }): Entry {
    const offset = (parseCursor(this.cursor)?.offset ?? 0) + 1;
    const stamp = { source, time: `${new Date().toISOString().slice(0, -1)}000Z` };
    this.#stamps.set(offset, stamp);
    return Object.assign(this.emit(type, data, job), stamp);
  }

  begin({ source, job: id, ...rest }: NewJob): Job {
    const entry = this.say(source, 'JOB_STATUS_CHANGE', { id, status: 'created' }, { id });
    const run = entry.job?.run ?? '';
    const figures = { offset: 0, speed: 0, updated: new Date().toISOString() };
    const job: Job = {
      ...figures,
      autoFinalize: true,
      autoDismiss: true,
      ...rest,
      source,
      job: id,
      run,
      began: run,
      status: 'created',
    };
    this.live.set(run, job);
    this.jobs.set(run, job);
    this.status(job, 'running');
    return job;
  }

  status(job: Job, status: JobStatus): void {
    job.status = status;
    this.say(job.source, 'JOB_STATUS_CHANGE', { id: job.job, status }, { id: job.job, run: job.run });
  }

  about(job: Job, type: string, data: object): void {
    this.say(job.source, type, data, { id: job.job, run: job.run });
  }

  figures(job: Job): object {
    return { type: job.type, device: job.job, len: job.len, offset: job.offset, speed: job.speed };
  }

  end(job: Job, outcome: Outcome, more: Partial<Settlement> = {}): void {
    if (!this.live.has(job.run)) return;
    if (outcome === 'cancelled') this.about(job, 'BLOCK_JOB_CANCELLED', this.figures(job));
    else this.about(job, 'BLOCK_JOB_COMPLETED', { ...this.figures(job), ...(more.error ? { error: more.error } : {}) });
    this.status(job, 'concluded');
    const dismissed = job.autoDismiss !== false;
    const settled: Settlement = {
      ...{
        outcome,
        provenance: 'observed',
        pivoted: false,
        pivotProof: 'graph',
        forced: false,
        escalated: false,
        requestedBy: [],
        dismissed,
      },
      ...{ type: job.type, len: job.len, offset: job.offset, ...more },
    };
    if (dismissed) {
      this.about(job, 'JOB_STATUS_CHANGE', { id: job.job, status: 'null' });
      this.forget(job);
    } else job.settled = settled;
    this.about(job, 'GATEWAY_JOB_SETTLED', settled);
    const { source, job: id, run } = job;
    this.settled.push({ source, job: id, run, cursor: this.cursor, time: new Date().toISOString(), settled });
    for (const tell of this.#waits.get(run) ?? []) tell();
    this.#waits.delete(run);
  }

  forget(job: Job): void {
    this.live.delete(job.run);
    this.jobs.delete(job.run);
  }

  /** Sends the figures of all active jobs to the subscriptions that want them. */
  report(): void {
    const rows = [...this.live.values()].filter(({ settled }) => !settled);
    for (const job of rows) job.updated = new Date().toISOString();
    const jobs = rows.map(({ source, job, run, status, len, offset, speed }) => ({
      source,
      job,
      run,
      status,
      len,
      offset,
      speed,
    }));
    for (const line of this.#lines) {
      for (const [subscription, params] of line.wanted) {
        if (!params.progress) continue;
        const own = jobs.filter((row) => wants(params, row.source, row.job));
        if (own.length > 0) this.#send(line, { method: 'progress', params: { subscription, jobs: own } });
      }
    }
  }

  #send(line: Line, message: object): void {
    line.connection.send(JSON.stringify({ jsonrpc: '2.0', ...message }));
  }

  /** MockGateway sends every event to every subscription and has one source; here filters apply, and there are several sources. */
  #passOn(line: Line, text: string): void {
    const message = JSON.parse(text);
    const asked = line.asked.get(String(message.id));
    if (asked && message.result) {
      line.asked.delete(String(message.id));
      line.wanted.set(message.result.subscription, asked);
    }
    if (message.method === 'events') {
      const { subscription } = message.params;
      const params = line.wanted.get(subscription) ?? [...line.asked.values()][0] ?? {};
      message.params.events = message.params.events
        .map((entry: Entry) => ({ ...entry, ...this.#stamps.get(entry.offset) }))
        .filter((entry: Entry) => wants(params, entry.source, entry.job?.id));
      if (message.params.events.length === 0) return;
    }
    line.connection.send(JSON.stringify(message));
  }

  /** `true`: the request is answered here, now or later. */
  #take(line: Line, { id, method, params }: RpcRequest): boolean {
    const target = (params ?? {}) as Target;
    const result = (value: unknown): true => {
      this.#send(line, { id, result: value });
      return true;
    };
    const refuse = (code: number, reason: string, message: string, data = {}): true => {
      const error: RpcErrorBody = { code, message, data: { reason, ...data } };
      this.#send(line, { id, error });
      return true;
    };
    if (method === 'subscribe') {
      line.asked.set(String(id), target as SubscribeParams);
    }
    if (method === 'unsubscribe') line.wanted.delete(target.subscription ?? '');
    if (!method.startsWith('job.') || method === 'job.list') return false;

    const job = target.run
      ? this.live.get(target.run)
      : [...this.live.values()].find((each) => each.source === target.source && each.job === target.job);
    const ended = this.settled.find(({ run }) => run === (target.run ?? job?.run));
    if (!job && !ended) return refuse(-32004, 'JOB_NOT_FOUND', `no job ${target.job} on ${target.source}`);
    const at = { source: target.source, job: target.job, run: job?.run ?? ended?.run ?? '', cursor: this.cursor };
    const requested = { status: 'requested', ...at };
    const wait = (): true => this.#wait(at.run, target.timeoutMs ?? 30_000, result, refuse);
    if (ended && (method === 'job.abort' || method === 'job.wait')) return result(answer(ended));
    if (!job) return refuse(-32010, 'STALE_RUN', 'that run is over');
    const wrong = (hint: string): true =>
      refuse(-32009, 'JOB_STATE', `${target.job} is ${job.status}`, { status: job.status, hint });

    const command = method as MethodName;
    if (command !== 'job.get' && command !== 'job.wait') {
      this.about(job, 'GATEWAY_COMMAND', {
        verb: method.slice(4),
        by: 'you',
        args:
          command === 'job.setSpeed'
            ? { speed: target.speed }
            : command === 'job.abort'
              ? { force: target.force ?? false }
              : {},
      });
    }
    switch (command) {
      case 'job.get':
        return result(job);
      case 'job.wait':
        return wait();
      case 'job.pause':
        this.status(job, job.status === 'ready' ? 'standby' : 'paused');
        return result(requested);
      case 'job.resume':
        if (job.ioStatus) job.ioStatus = 'ok';
        this.status(job, job.status === 'standby' ? 'ready' : 'running');
        return result(requested);
      case 'job.setSpeed':
        job.speed = target.speed ?? 0;
        return result(requested);
      case 'job.finalize':
        setTimeout(() => this.end(job, 'completed'), 300);
        return result(requested);
      case 'job.dismiss':
        this.about(job, 'JOB_STATUS_CHANGE', { id: job.job, status: 'null' });
        this.forget(job);
        return result(requested);
      case 'job.complete':
        if (job.status !== 'ready') return wrong('Complete needs a READY mirror.');
        this.#endSoon(job, 'completed', 700, { pivoted: true, requestedBy: ['you'] });
        return result(requested);
      case 'job.abort': {
        if (!target.force && (job.status === 'paused' || job.status === 'standby'))
          return wrong('Use force, or resume it first.');
        const soft = job.status === 'ready' && !target.force;
        const more = { forced: target.force ?? false, requestedBy: ['you'], pivoted: false as Pivoted };
        if (soft) this.#endSoon(job, 'completed', SYNC_MS, more);
        else {
          this.status(job, 'aborting');
          this.#endSoon(job, 'cancelled', CANCEL_MS, more);
        }
        return target.sync ? wait() : result(requested);
      }
      default:
        return false;
    }
  }

  #endSoon(job: Job, outcome: Outcome, ms: number, more: Partial<Settlement>): void {
    if (this.#ending.has(job.run)) return;
    this.#ending.add(job.run);
    setTimeout(() => this.end(job, outcome, more), ms);
  }

  #wait(
    run: string,
    timeoutMs: number,
    result: (value: unknown) => true,
    refuse: (code: number, reason: string, message: string, data?: object) => true,
  ): true {
    const timer = setTimeout(() => {
      this.#waits.set(
        run,
        (this.#waits.get(run) ?? []).filter((each) => each !== tell),
      );
      refuse(-32008, 'TIMEOUT', 'the bound has passed', { accepted: true });
    }, timeoutMs);
    const tell = (): void => {
      clearTimeout(timer);
      const ended = this.settled.find((each) => each.run === run);
      if (ended) result(answer(ended));
    };
    this.#waits.set(run, [...(this.#waits.get(run) ?? []), tell]);
    return true;
  }
}
