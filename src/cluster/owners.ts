// Which member has which source, as the members say. A source whose owner is gone is in the stream as it was last, and nobody is left to write otherwise.
import { filter, map, type Observable, Subject } from 'rxjs';
import type { Clock } from '../clock.js';
import type { Bus, Subjects } from '../nats/index.js';
import type { SourceInfo } from '../protocol/types.js';
import { type HoldMessage, isHold } from './words.js';

export interface OwnerSeen {
  member: string;
  /** Of its process: another after a restart. */
  instance: string;
  /** When it said so last, by a monotone clock and by the date. */
  at: number;
  date: string;
}

export class Owners {
  readonly #clock: Clock;
  readonly #unownedMs: number;
  readonly #beganAt: number;
  readonly #seen = new Map<string, OwnerSeen>();
  readonly #held$ = new Subject<{ source: string; instance: string }>();
  readonly #stop: () => void;

  /** @param unownedMs milliseconds without a word of its owner after which a source counts as without one. */
  constructor(bus: Bus, subjects: Subjects, clock: Clock, unownedMs: number) {
    this.#clock = clock;
    this.#unownedMs = unownedMs;
    this.#beganAt = clock.now();
    this.#stop = bus.subscribe(subjects.hold, (body) => {
      if (isHold(body)) this.#hear(body);
    });
  }

  of(source: string): OwnerSeen | undefined {
    return this.#seen.get(source);
  }

  /** The instance that has the source, each time that it says so. */
  holdsOf(source: string): Observable<string> {
    return this.#held$.pipe(
      filter((held) => held.source === source),
      map(({ instance }) => instance),
    );
  }

  /** The source, as down where nobody has it. */
  judge(info: SourceInfo): SourceInfo {
    const seen = this.#seen.get(info.name);
    if (this.#clock.now() - (seen?.at ?? this.#beganAt) <= this.#unownedMs) return info;
    const { reason: _reason, owner: _owner, ...rest } = info;
    return { ...rest, state: 'down', reason: 'unowned', since: seen?.date ?? info.since };
  }

  close(): void {
    this.#stop();
    this.#seen.clear();
    this.#held$.complete();
  }

  #hear({ member, instance, owned }: HoldMessage): void {
    const seen: OwnerSeen = {
      ...{ member, instance },
      at: this.#clock.now(),
      date: new Date(this.#clock.date()).toISOString(),
    };
    for (const source of owned) {
      this.#seen.set(source, seen);
      this.#held$.next({ source, instance });
    }
  }
}
