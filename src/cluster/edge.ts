// The edge's part of a member: what all owners have written, as clients see it, and commands that go to the owners.
import { map, type Observable } from 'rxjs';
import type { Clock } from '../clock.js';
import type { CommandPort, ViewPort } from '../gateway/index.js';
import { FollowedRuns, type SettledJob, settledJob } from '../jobs/index.js';
import { type LogLimits, type SharedStream, StreamLog, type StreamLogListener } from '../log/index.js';
import type { Bus, Subjects } from '../nats/index.js';
import type { Progress } from '../protocol/types.js';
import { commandsByOwners } from './command-client.js';
import { MeasureClient } from './measures.js';
import type { ClusterOptions } from './options.js';
import { Owners } from './owners.js';

export interface EdgeDeps {
  member: string;
  stream: SharedStream;
  bus: Bus;
  subjects: Subjects;
  clock: Clock;
  options: ClusterOptions;
  limits: Partial<LogLimits>;
  listener: StreamLogListener;
}

export class Edge {
  readonly log: StreamLog;
  /** Every settlement that is new. */
  readonly ended$: Observable<SettledJob>;
  readonly commands: CommandPort;
  readonly view: ViewPort;
  readonly #runs: FollowedRuns;
  readonly #measures: MeasureClient;
  readonly #owners: Owners;

  constructor({ member, stream, bus, subjects, clock, options, limits, listener }: EdgeDeps) {
    const runs = new FollowedRuns(clock);
    this.#runs = runs;
    this.ended$ = runs.ended$.pipe(map(settledJob));
    this.log = new StreamLog(stream, runs, { clock, limits }, listener);
    this.#owners = new Owners(bus, subjects, clock, options.unownedMs);
    const names = (): string[] => runs.sources().map(({ name }) => name);
    const measured = (rows: readonly Progress[]): void => runs.measured(rows);
    this.#measures = new MeasureClient({ bus, subjects, clock, member, sources: names, measured });
    this.commands = commandsByOwners({
      ...{ bus, subjects, clock, owners: this.#owners, graceMs: options.graceMs },
      sourceOf: (name) => runs.source(name),
      reached: (offset) => this.log.reached(offset),
    });
    this.view = {
      sources: () => runs.sources().map((info) => this.#owners.judge(info)),
      jobs: (wants) => runs.jobs(wants),
      settled: () => runs.settled(),
      isLive: (source, job, run) => runs.isLive(source, job, run),
      progress$: runs.progress$,
      freshen: (wants, maxAgeMs, waitMs) => this.#measures.freshen(wants, maxAgeMs, waitMs),
      demand: (key, demand) => this.#measures.demand(key, demand),
    };
  }

  /** Settlements that are known, the oldest first. */
  settled(): SettledJob[] {
    return this.#runs.all().map(settledJob);
  }

  /** Milliseconds since 1970 at which the present run of the job began, by QEMU's clock. */
  startOf(source: string, job: string): number | undefined {
    const micros = this.#runs.startOf(source, job);
    return micros === undefined ? undefined : micros / 1_000;
  }

  /** Resolves when it has the state of every source. */
  open(): Promise<void> {
    return this.log.open();
  }

  async close(): Promise<void> {
    this.#measures.close();
    this.#owners.close();
    await this.log.close();
    this.#runs.close();
  }
}
