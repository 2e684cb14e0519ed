// What a source is, as its clients see it: up, connecting or down, and why. Every change is published once.
import type { Clock } from '../../clock.js';
import type { DownReason, GatewayEventData, Same, SourceInfo, SourceVerb } from '../../protocol/types.js';
import type { RunStore } from './run-store.js';
import { isAll } from './source-verbs.js';

export interface SourceStateOptions {
  /** Milliseconds without a listener at the source's address after which its runs are lost. */
  lostAfterMs: number;
  clock: Clock;
}

/**
 * Reasons that mean that nothing listens at the address: if it stays so, QEMU has ended. With any other reason there may be a QEMU whose jobs go on.
 */
const NOBODY_LISTENS: readonly DownReason[] = ['absent', 'refused'];

/** What a source is, beside its state; `verbs` is missing where it has always had all. */
export type SourceIdentity = Pick<SourceInfo, 'name' | 'provider' | 'verbs' | 'label'>;

export class SourceState {
  /** As it was given. */
  readonly #given: Omit<SourceIdentity, 'verbs'>;
  /** With the verbs and the label of the present QEMU. */
  #source: SourceIdentity;
  #verbs: readonly SourceVerb[];
  readonly #store: RunStore;
  readonly #options: SourceStateOptions;
  readonly #onLost: () => void;
  /** As decided, and as the log shows it. */
  #info: SourceInfo;
  #shown: SourceInfo;
  /** Stops the timer that runs while nobody listens. */
  #stopLosing: (() => void) | undefined;
  #stalledAt: number | undefined;

  /** @param onLost called when nothing has listened for `lostAfterMs`. */
  constructor(
    source: Omit<SourceIdentity, 'verbs'>,
    verbs: readonly SourceVerb[],
    store: RunStore,
    options: SourceStateOptions,
    onLost: () => void,
  ) {
    this.#given = source;
    this.#source = isAll(verbs) ? source : { ...source, verbs };
    this.#verbs = verbs;
    this.#store = store;
    this.#options = options;
    this.#onLost = onLost;
    this.#info = { ...this.#source, state: 'connecting', since: store.timestamp() };
    this.#shown = this.#info;
  }

  /** As the log shows it. */
  get info(): SourceInfo {
    return this.#shown;
  }

  get isStalled(): boolean {
    return this.#stalledAt !== undefined;
  }

  /** Negotiated and not yet identified. */
  connected(qemu: string): void {
    this.#listens();
    this.#become({ ...this.#source, state: 'connecting', since: this.#info.since, qemu });
  }

  /** Identified; its jobs are queried next. @param label what that QEMU calls itself. */
  identified(qemu: string, same: Same, label?: string): void {
    const { verbs } = this.#source;
    this.#source = { ...this.#given, ...(verbs && { verbs }), ...(label !== undefined && { label }) };
    const { name: _name, ...about } = this.#source;
    const { provider } = about;
    this.#become({ ...this.#source, state: 'connecting', since: this.#info.since, qemu }, 'GATEWAY_SOURCE_UP', {
      qemu,
      same,
      ...(provider === 'qmp' ? label !== undefined && { label } : about),
    });
  }

  /** @param verbs of a monitor: those of its present QEMU. */
  synced(jobs: number, qemu: string, verbs: readonly SourceVerb[]): void {
    this.#stalledAt = undefined;
    const since = this.#store.timestamp();
    const isOther = String(verbs) !== String(this.#verbs);
    this.#verbs = verbs;
    if (isOther) this.#source = { ...this.#source, verbs };
    const data = { jobs, ...(isOther && { verbs }) };
    this.#become({ ...this.#source, state: 'up', since, qemu }, 'GATEWAY_SOURCE_SYNCED', data);
  }

  /** @param lost a connection has ended: published even where the reason is the same as before. */
  down(reason: DownReason, lost = false): void {
    this.#stalledAt = undefined;
    const changed = this.#info.state !== 'down' || this.#info.reason !== reason;
    const since = changed ? this.#store.timestamp() : this.#info.since;
    if (lost || changed)
      this.#become({ ...this.#source, state: 'down', reason, since }, 'GATEWAY_SOURCE_DOWN', { reason });
    if (!NOBODY_LISTENS.includes(reason)) this.#listens();
    else if (this.#stopLosing === undefined && this.#store.runs.size > 0)
      this.#stopLosing = this.#options.clock.after(this.#options.lostAfterMs, () => {
        this.#stopLosing = undefined;
        this.#onLost();
      });
  }

  /** Connected, but QEMU's main loop does not answer; the connection is kept. @param waitedMs milliseconds since the query. */
  stalled(waitedMs: number): void {
    if (this.#stalledAt !== undefined) return;
    this.#stalledAt = this.#options.clock.now() - waitedMs;
    const since = this.#store.timestamp();
    this.#become({ ...this.#info, reason: 'stalled', since }, 'GATEWAY_SOURCE_STALLED', { waitedMs });
  }

  responsive(): void {
    if (this.#stalledAt === undefined) return;
    const stalledMs = Math.round(this.#options.clock.now() - this.#stalledAt);
    this.#stalledAt = undefined;
    const { reason: _stalled, ...rest } = this.#info;
    this.#become({ ...rest, since: this.#store.timestamp() }, 'GATEWAY_SOURCE_RESPONSIVE', { stalledMs });
  }

  /** @param info of before, from the one whose place this takes. */
  continue({ state, reason, since, qemu }: SourceInfo): void {
    this.#info = { ...this.#info, state, since, ...(reason && { reason }), ...(qemu !== undefined && { qemu }) };
    this.#shown = this.#info;
  }

  close(): void {
    this.#listens();
  }

  /** Changes the state and publishes the entry; clients see the change when the log shows that. */
  #become(info: SourceInfo): void;
  #become<Type extends keyof GatewayEventData>(info: SourceInfo, type: Type, data: GatewayEventData[Type]): void;
  #become<Type extends keyof GatewayEventData>(info: SourceInfo, type?: Type, data?: GatewayEventData[Type]): void {
    this.#info = info;
    const shown = (): void => {
      this.#shown = info;
    };
    if (type !== undefined && data !== undefined) this.#store.emit(type, data, shown);
    else this.#store.whenShown(shown);
  }

  #listens(): void {
    this.#stopLosing?.();
    this.#stopLosing = undefined;
  }
}
