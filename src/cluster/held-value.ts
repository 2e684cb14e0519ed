// A value that all members share, and one at a time replaces: who has its lock. The bucket refuses who had the lock before, also one that has not heard
// yet that it is gone.
import type { Clock } from '../clock.js';
import type { Locks, Values } from '../nats/index.js';
import { Lock } from './lock.js';

export interface HeldValueOptions {
  name: string;
  member: string;
  locks: Locks;
  values: Values;
  clock: Clock;
  /** Milliseconds without a renewal after which another member may have it. */
  ttlMs: number;
  letGoMs: number;
  /** Milliseconds until what failed is tried again. */
  retryMs: number;
  /** Milliseconds between two writes. */
  saveMs: number;
}

export interface HeldValueListener {
  /** It is this member's. @param value JSON as the last holder has saved it; `undefined`: nobody has; `null`: it can't be read. */
  held(value: unknown): void;
  /** Another member has it, or may have. */
  lost(): void;
  /** Called once, until a call succeeds again. */
  failing(error: unknown): void;
}

export class HeldValue {
  readonly #options: HeldValueOptions;
  readonly #listener: HeldValueListener;
  readonly #lock: Lock;
  /** Tells a write of its own whose answer was lost from one of another member. */
  readonly #token: string;
  /** Of the value in the bucket, while it is held; 0: there is none. */
  #revision: number | undefined;
  #written = '';
  #newest: string | undefined;
  #writing: Promise<void> | undefined;
  #stopWaiting: (() => void) | undefined;
  #isClaiming = false;
  #isFailing = false;
  #isClosed = false;

  constructor(options: HeldValueOptions, listener: HeldValueListener) {
    const { locks, name, member, clock } = options;
    this.#options = options;
    this.#listener = listener;
    this.#token = clock.token(8);
    this.#lock = new Lock(locks, name, member, options, {
      held: () => void this.#claim(),
      lost: (why) => {
        if (why === 'expired') this.#lock.drop();
        this.#lose();
      },
    });
  }

  /** Within `saveMs`, the first one at once; of several the newest. Ignored unless it is held. */
  save(value: unknown): void {
    if (this.#revision === undefined || this.#isClosed) return;
    this.#newest = this.#textOf(value);
    if (this.#revision === 0) this.#write();
    else this.#schedule();
  }

  /** Resolves when the newest is saved, or can't be, and the lock is released. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopWaiting?.();
    await this.#writing;
    // A second time where the answer to a write before was lost.
    for (let attempt = 0; attempt < 2; attempt += 1) await this.#replace();
    this.#revision = undefined;
    await this.#lock.end();
  }

  /** Writes the value once under this member's token before `held` is called, so that no other member can replace what this one goes on from. */
  async #claim(): Promise<void> {
    if (this.#isClaiming) return;
    this.#isClaiming = true;
    const { clock, retryMs } = this.#options;
    while (this.#lock.isHeld && this.#revision === undefined && !this.#isClosed)
      try {
        await this.#take();
        this.#isFailing = false;
      } catch (error) {
        this.#note(error);
        await new Promise<void>((resume) => clock.after(retryMs, resume));
      }
    this.#isClaiming = false;
  }

  async #take(): Promise<void> {
    const { values, name } = this.#options;
    const found = await values.read(name);
    const value = found && readText(found.text).value;
    const text = this.#textOf(value);
    const revision = found ? await values.write(name, text, found.revision) : 0;
    // The holder before has saved once more: it is read again.
    if (revision === undefined || !this.#lock.isHeld || this.#isClosed) return;
    this.#revision = revision;
    this.#written = text;
    this.#newest = undefined;
    this.#listener.held(value);
  }

  #schedule(): void {
    const { clock, saveMs } = this.#options;
    if (this.#isClosed) return;
    this.#stopWaiting ??= clock.after(saveMs, () => this.#write());
  }

  #write(): void {
    this.#stopWaiting?.();
    this.#stopWaiting = undefined;
    this.#writing = (this.#writing ?? Promise.resolve()).then(() => this.#replace());
  }

  async #replace(): Promise<void> {
    const { values, name } = this.#options;
    const [revision, text] = [this.#revision, this.#newest];
    if (revision === undefined || text === undefined || text === this.#written) return;
    try {
      const next = await values.write(name, text, revision);
      // Of a write whose answer was lost the revision is learnt here.
      const now = next === undefined ? await this.#own() : { text, revision: next };
      if (this.#revision !== revision) return;
      if (now === undefined) return this.#refused();
      this.#revision = now.revision;
      this.#written = now.text;
      this.#isFailing = false;
      if (now.text !== text) this.#schedule();
    } catch (error) {
      this.#note(error);
      this.#schedule();
    }
  }

  /** What is in the bucket, where it is this member's. */
  async #own(): Promise<{ text: string; revision: number } | undefined> {
    const found = await this.#options.values.read(this.#options.name);
    return found && readText(found.text).holder === this.#token ? found : undefined;
  }

  #refused(): void {
    this.#lock.drop();
    this.#lose();
  }

  #lose(): void {
    if (this.#revision === undefined) return;
    this.#revision = undefined;
    this.#stopWaiting?.();
    this.#stopWaiting = undefined;
    this.#listener.lost();
  }

  #note(error: unknown): void {
    if (!this.#isFailing) this.#listener.failing(error);
    this.#isFailing = true;
  }

  #textOf(value: unknown): string {
    return JSON.stringify({ holder: this.#token, value: value ?? null });
  }
}

/** Never throws. */
function readText(text: string): { holder?: string | undefined; value: unknown } {
  try {
    const { holder, value } = JSON.parse(text) as { holder?: string; value?: unknown };
    return { holder, value: value ?? null };
  } catch {
    return { value: null };
  }
}
