// QEMUs that connect to a socket of the gateway (`server=off,reconnect=2`), as sources. The name of a source is the operator's, by the socket; QEMU's own
// is a label. A connection gets a name when it has negotiated, so one that does not speak QMP disturbs nobody.
import type { Socket } from 'node:net';
import { type BehaviorSubject, Observable, Subscription } from 'rxjs';
import { converse, type MonitorState, type QmpOptions } from '../../qmp/index.js';
import type { TlsMaterial } from '../../tls.js';
import type { JobSource, ProvidedSource, SourceProvider } from '../port.js';
import type { MonitorSignal } from '../qmp/supervise.js';
import { Listener } from './listener.js';
import { ACCEPT_DEFAULTS, type AcceptLimitName, type AcceptOptions, type AcceptSettings } from './options.js';
import { Place } from './place.js';

export interface DialInHooks {
  open: (name: string, monitor$: Observable<MonitorSignal>) => JobSource;
  /** Whether a source that does not connect here has that name. */
  isTaken: (name: string) => boolean;
  /** Called each time that a limit is met. */
  limited: (limit: AcceptLimitName) => void;
  note: (what: string, details: object) => void;
  /** Of each connection. */
  qmp: Partial<QmpOptions>;
  /** Of a TCP socket, from its next connection on. */
  tls$: BehaviorSubject<TlsMaterial | undefined>;
}

const REFUSED: Readonly<Record<AcceptLimitName, string>> = {
  accept_connected: 'a connection is refused: its name has one',
  accept_sources: 'a connection is refused: all names of the prefix are connected',
  accept_pending: 'a connection is refused: too many have not negotiated',
  accept_rate: 'a connection is refused: there were too many in a second',
  accept_greeting: 'a connection is closed: no greeting in time',
};

export class DialIn implements SourceProvider {
  /** One subscriber at a time. */
  readonly sources$: Observable<ProvidedSource>;
  /** Resolves when it listens, or with the error of the first try. */
  readonly listening: Promise<Error | undefined>;
  readonly #settings: AcceptSettings;
  readonly #hooks: DialInHooks;
  readonly #options: AcceptOptions;
  readonly #listener: Listener;
  readonly #places = new Map<string, Place>();
  /** Connections that have not negotiated, and whether QEMU has greeted. */
  readonly #pending = new Map<Subscription, { hasGreeted: boolean }>();
  /** How many may connect now, and when that was so. */
  #tokens: number;
  #countedAt: number;
  /** By kind: when it was last logged, and how often it has happened since. */
  readonly #noted = new Map<string, { at: number; since: number }>();
  #emit: (change: ProvidedSource) => void = () => {};
  #tried: (error: Error | undefined) => void = () => {};

  constructor(settings: AcceptSettings, hooks: DialInHooks, options: Partial<AcceptOptions> = {}) {
    this.#settings = settings;
    this.#hooks = hooks;
    this.#options = { ...ACCEPT_DEFAULTS, ...options };
    this.#tokens = this.#options.burst;
    this.#countedAt = this.#options.clock.now();
    this.listening = new Promise((resolve) => {
      this.#tried = resolve;
    });
    this.#listener = new Listener(settings.address, hooks.tls$, this.#handlers(), this.#options);
    this.sources$ = new Observable((subscriber) => {
      this.#emit = (change) => subscriber.next(change);
      if (!settings.many) this.#add(settings.name);
      const running = this.#listener.open();
      if (settings.many) running.add(this.#options.clock.every(this.#options.goneMs / 4, () => this.#removeVacant()));
      running.add(() => {
        for (const connection of [...this.#pending.keys()]) connection.unsubscribe();
        this.#pending.clear();
        this.#places.clear();
      });
      return running;
    });
  }

  #handlers(): ConstructorParameters<typeof Listener>[2] {
    return {
      admits: () => this.#admits(),
      opened: (socket) => this.#converse(socket),
      unsafe: (why, late) => (late ? this.#limited('accept_greeting') : this.#note('a TLS handshake failed', { why })),
      listening: () => this.#tried(undefined),
      failed: (error) => {
        this.#tried(error);
        this.#note('the socket for QEMUs to connect to does not listen', { why: error.message });
      },
    };
  }

  #admits(): boolean {
    const { pending, sources } = this.#options;
    const { many } = this.#settings;
    if (!this.#takeToken()) return this.#limited('accept_rate');
    const connected = [...this.#places.values()].filter((place) => place.isConnected).length;
    if (connected >= (many ? sources : 1)) return this.#limited(many ? 'accept_sources' : 'accept_connected');
    if (this.#pending.size + this.#listener.handshaking >= pending) return this.#limited('accept_pending');
    return true;
  }

  #takeToken(): boolean {
    const { clock, perSecond, burst } = this.#options;
    const now = clock.now();
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#countedAt) / 1_000) * perSecond);
    this.#countedAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  #converse(socket: Socket): void {
    const connection = new Subscription();
    const { qmp } = this.#hooks;
    const { greetingMs, negotiationMs, earlyBytes: maxEarlyBytes } = this.#options;
    let place: Place | undefined;
    const ended = (): void => void this.#pending.delete(connection);
    this.#pending.set(connection, { hasGreeted: false });
    connection.add(
      converse(socket, { ...qmp, greetingMs, negotiationMs, maxEarlyBytes }).subscribe({
        next: (state) => {
          place = this.#next(state, connection);
        },
        error: (lost) => {
          ended();
          if (place) place.lose(lost);
          else this.#note('a connection has ended before it had negotiated', { why: lost.message });
        },
      }),
    );
    connection.add(ended);
  }

  /** @returns its place, once it has one. */
  #next(state: MonitorState, connection: Subscription): Place | undefined {
    if (state.kind === 'waiting') {
      if (state.reason === 'stalled') this.#pending.set(connection, { hasGreeted: true });
      else {
        this.#limited('accept_greeting');
        connection.unsubscribe();
      }
      return undefined;
    }
    this.#pending.delete(connection);
    const place = this.#vacantPlace();
    if (place?.take(state.session, connection)) return place;
    // Another one was faster.
    this.#limited(this.#settings.many ? 'accept_sources' : 'accept_connected');
    connection.unsubscribe();
    return undefined;
  }

  /** With a prefix that of the lowest number that has no connection. */
  #vacantPlace(): Place | undefined {
    const { name, many } = this.#settings;
    if (!many) return this.#places.get(name);
    for (let nth = 1, taken = 0; taken < this.#options.sources; nth += 1) {
      const own = `${name}-${nth}`;
      const place = this.#places.get(own);
      if (place ? !place.isConnected : !this.#hooks.isTaken(own)) return place ?? this.#add(own);
      if (place) taken += 1;
    }
    return undefined;
  }

  #add(name: string): Place {
    const { clock, absentMs } = this.#options;
    const place = new Place({
      clock,
      absentMs,
      // A closed connection on this host is the end of a process, or its own doing; in a network it may be a cable.
      absence: this.#settings.address.kind === 'unix' ? 'absent' : 'unreachable',
      isAwaited: () => this.#isAwaited(),
    });
    this.#places.set(name, place);
    this.#emit({ kind: 'added', source: this.#hooks.open(name, place.monitor$) });
    return place;
  }

  /** A QEMU whose main loop is blocked may be that of any name. */
  #isAwaited(): boolean {
    return [...this.#pending.values()].some(({ hasGreeted }) => hasGreeted);
  }

  #removeVacant(): void {
    if (this.#isAwaited()) return;
    for (const [name, place] of this.#places) {
      if (place.vacantMs < this.#options.goneMs) continue;
      this.#places.delete(name);
      this.#emit({ kind: 'removed', name });
    }
  }

  #limited(limit: AcceptLimitName): false {
    this.#hooks.limited(limit);
    this.#note(REFUSED[limit], { limit });
    return false;
  }

  /** Whoever can connect can cause these lines, so each kind has one in `noteMs`. */
  #note(what: string, details: object): void {
    const now = this.#options.clock.now();
    const before = this.#noted.get(what);
    if (before && now - before.at < this.#options.noteMs) {
      before.since += 1;
      return;
    }
    this.#noted.set(what, { at: now, since: 0 });
    const { name } = this.#settings;
    this.#hooks.note(what, { accept: name, ...details, ...(before && before.since > 0 && { more: before.since }) });
  }
}
