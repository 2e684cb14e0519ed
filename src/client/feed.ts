// One filter on the wire and everybody who observes it. In: members, answers, frames. Out: their deliveries, and the next
// question for the server. No I/O: `feeds.ts` asks.
import { compareCursors } from '../protocol/cursor.js';
import { type Cut, cutOf, foldEvents, foldProgress, type JobTable, tableOf } from '../protocol/job-table.js';
import type { Notification, Notifications, Subscribed, SubscribeParams } from '../protocol/methods.js';
import type { Cursor, Filter, Progress } from '../protocol/types.js';
import type { GatewayError } from './errors.js';
import { Member } from './member.js';
import type { SnapshotReason } from './observer.js';

/** `id` is the subscription that delivers, where there is one: a second question on one line replaces it. */
type Stage =
  | { name: 'idle'; id?: string }
  | { name: 'asking'; id?: string; question: Question }
  | { name: 'paging'; id: string; cut: Cut; covered: ReadonlySet<Member>; reason: SnapshotReason | undefined }
  | { name: 'live'; id: string }
  | { name: 'postponed'; id?: string };

/** What to ask, and which members the answer is for. */
export interface Question {
  params: SubscribeParams;
  covered: ReadonlySet<Member>;
}

export class Feed {
  readonly filter: Filter;
  #stage: Stage = { name: 'idle' };
  #members = new Set<Member>();
  /** Folds what all members see, so that the next one needs no snapshot from the server. Without a `types` filter only. */
  #mirror: Member | undefined;
  #table: JobTable | undefined;
  #progressMs = Infinity;
  readonly #now: () => number;

  constructor(filter: Filter, now: () => number) {
    this.filter = filter;
    this.#now = now;
  }

  get id(): string | undefined {
    return this.#stage.id;
  }

  get isAsking(): boolean {
    return this.#stage.name === 'asking';
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  join(member: Member): void {
    this.#members.add(member);
    if (member.place.name !== 'new') return;
    if (member.wantsSnapshot) {
      if (this.#table) {
        member.rebase(cutOf(this.#table), 'initial');
        if (this.#mirror?.place.name === 'held') member.hold();
      } else if (!this.filter.types && !this.#mirror) this.#mirror = this.#newMirror();
    } else if (this.#stage.name === 'live') {
      const at = [...this.#members].find(({ place }) => place.name === 'at');
      if (at?.cursor !== undefined) member.start(at.cursor);
    }
  }

  leave(member: Member): void {
    this.#members.delete(member);
  }

  /** What the server has to be asked now; `undefined`: nothing, or an answer is awaited. */
  question(): Question | undefined {
    const stage = this.#stage.name;
    if (this.isEmpty || stage === 'asking' || stage === 'paging' || stage === 'postponed') return undefined;
    const all = this.#all();
    // Infinity where nobody wants figures.
    const progressMs = Math.min(...all.map(({ progressMs: ms }) => ms || Infinity));
    const common = {
      ...this.filter,
      snapshot: all.some(({ wantsSnapshot }) => wantsSnapshot),
      ...(progressMs < Infinity ? { progress: progressMs } : {}),
    };
    const ask = (covered: Member[], after?: Cursor): Question => {
      const question = { params: { ...common, ...(after === undefined ? {} : { after }) }, covered: new Set(covered) };
      this.#stage = { ...this.#stage, name: 'asking', question };
      this.#progressMs = progressMs;
      return question;
    };

    const fresh = all.filter(({ place }) => place.name === 'new');
    if (fresh.length > 0) return ask(fresh);
    const stays = stage === 'live' && progressMs === this.#progressMs;
    const behind = all.filter(({ place }) => !stays || place.name === 'held');
    const first = behind[0]?.cursor;
    if (first === undefined) return undefined;
    // Positions of another epoch can't be compared; those members get their own question next.
    const covered = behind.filter(({ cursor }) => cursor !== undefined && compareCursors(cursor, first) !== undefined);
    const after = covered.reduce(
      (least, { cursor = least }) => ((compareCursors(cursor, least) ?? 0) < 0 ? cursor : least),
      first,
    );
    return ask(covered, after);
  }

  /** Returns where the stream now starts, or `undefined` if nobody asked. */
  answered(reply: Subscribed): Cursor | undefined {
    if (this.#stage.name !== 'asking') return undefined;
    const { params, covered } = this.#stage.question;
    const id = reply.subscription;
    this.#stage = { name: 'live', id };
    if (reply.resumed && params.after !== undefined) {
      this.align(params.after);
      return params.after;
    }
    const { cursor, jobs = [], settled = [], sources } = reply;
    const from = params.after;
    const reason = from === undefined ? undefined : compareCursors(cursor, from) === undefined ? 'epoch' : 'retention';
    const cut: Cut = { cursor, jobs, settled, sources };
    if (reply.pages) this.#stage = { name: 'paging', id, cut, covered, reason };
    else this.#rebase(cut, covered, reason);
    return cursor;
  }

  /** The server said no. Those whom the question was for have ended; the others go on. */
  refused(error: GatewayError): void {
    if (this.#stage.name !== 'asking') return;
    const { id, question } = this.#stage;
    this.#stage = id === undefined ? { name: 'idle' } : { name: 'live', id };
    for (const member of question.covered) {
      this.#members.delete(member);
      if (member === this.#mirror) this.#mirror = undefined;
      member.end(error);
    }
  }

  /** The server said later. `resume()` lifts it. */
  postpone(): void {
    this.#stage = this.#without('postponed');
  }

  resume(): void {
    if (this.#stage.name === 'postponed') this.#stage = this.#without('idle');
  }

  /** The line is gone, and with it the subscription; the cursors stay. */
  lost(): void {
    this.#stage = { name: 'idle' };
  }

  /** The wire's stream starts at `start`, by this feed's question or by another's that has the same effective filter. */
  align(start: Cursor): void {
    for (const member of this.#all()) member.align(start);
  }

  notify(message: Notification): void {
    switch (message.method) {
      case 'events':
        this.#events(message.params);
        break;
      case 'bookmark':
        this.#bookmark(message.params.cursor);
        break;
      case 'progress':
        this.#progress(message.params.jobs);
        break;
      case 'snapshot':
        this.#page(message.params);
        break;
      case 'reset':
        this.#reset(message.params);
        break;
      default: // `bye` is the line's own business; others are of a later server
    }
  }

  end(error: GatewayError | undefined): void {
    for (const member of this.#all()) member.end(error);
    this.#members.clear();
  }

  #events({ events, cursor }: Notifications['events']): void {
    if (this.#stage.name === 'paging') return;
    for (const member of this.#all()) member.events(events, cursor);
    this.#mark();
  }

  #bookmark(cursor: Cursor): void {
    if (this.#stage.id === undefined || this.#stage.name === 'paging') return;
    for (const member of this.#all()) member.advance(cursor);
    this.#mark();
  }

  #progress(rows: readonly Progress[]): void {
    if (this.#stage.name === 'paging') return;
    if (this.#table) this.#table = foldProgress(this.#table, rows, new Date(this.#now()).toISOString());
    for (const member of this.#members) member.progress(rows);
  }

  #page({ jobs, settled = [], last }: Notifications['snapshot']): void {
    if (this.#stage.name !== 'paging') return;
    const { id, cut, covered, reason } = this.#stage;
    const whole = { ...cut, jobs: [...cut.jobs, ...jobs], settled: [...cut.settled, ...settled] };
    if (!last) {
      this.#stage = { ...this.#stage, cut: whole };
      return;
    }
    this.#stage = { name: 'live', id };
    this.#rebase(whole, covered, reason);
  }

  #reset({ reason, cursor, jobs, settled, sources, pages }: Notifications['reset']): void {
    const id = this.#stage.id;
    if (id === undefined) return;
    if (reason === 'grants') {
      // It ended the subscription: what the new grants show is asked anew.
      for (const member of this.#all()) member.uproot(reason);
      this.#table = undefined;
      this.#stage =
        this.#stage.name === 'asking' ? { name: 'asking', question: this.#stage.question } : { name: 'idle' };
      return;
    }
    const cut: Cut = { cursor, jobs, settled, sources };
    const covered = new Set(this.#all());
    if (pages) this.#stage = { name: 'paging', id, cut, covered, reason };
    else this.#rebase(cut, covered, reason);
  }

  /** The mirror hears everything before the members, so that one who joins in a callback gets the present. */
  #all(): Member[] {
    return this.#mirror ? [this.#mirror, ...this.#members] : [...this.#members];
  }

  /** The table's cursor follows the mirror's, event or not. */
  #mark(): void {
    const cursor = this.#mirror?.cursor;
    if (this.#table && cursor !== undefined) this.#table = { ...this.#table, cursor };
  }

  #without(name: 'idle' | 'postponed'): Stage {
    const { id } = this.#stage;
    return id === undefined ? { name } : { name, id };
  }

  #rebase(cut: Cut, covered: ReadonlySet<Member>, reason: SnapshotReason | undefined): void {
    for (const member of covered) {
      const own = member.place.name === 'new' ? member.place.reason : reason;
      member.rebase(cut, own ?? 'initial');
    }
    for (const member of this.#all()) if (!covered.has(member)) member.align(cut.cursor);
  }

  #newMirror(): Member {
    const observer = {
      snapshot: (cut: Cut) => {
        this.#table = tableOf(cut);
      },
      events: (events: Notifications['events']['events'], cursor: Cursor) => {
        if (this.#table) this.#table = foldEvents(this.#table, events, cursor);
      },
    };
    return new Member(observer, undefined, 0, (error) => {
      throw error;
    });
  }
}
