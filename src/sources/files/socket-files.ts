// Monitors found by the files of their sockets: each that matches a pattern is a source, as long as its file is there or it is connected. Folders are
// watched (inotify), so nothing is polled while nothing changes.
import { type FSWatcher, watch } from 'node:fs';
import { Observable } from 'rxjs';
import { CLOCK, type Clock } from '../../clock.js';
import type { JobSource, ProvidedSource, SourceProvider } from '../port.js';
import { nameOfPath, type PathPattern } from './pattern.js';
import { inodeOf, type Scan, scan } from './scan.js';

export interface SocketFilesOptions {
  clock: Clock;
  /** Milliseconds after a change until the folders are read: a start of many QEMUs is many changes. */
  settleMs: number;
  /** Milliseconds for which a source outlives its file, and then until it is looked at again while it is still connected. */
  goneMs: number;
  /** Sockets of one pattern, and folders that are watched for it. */
  max: number;
}

export const SOCKET_FILES_DEFAULTS: SocketFilesOptions = { clock: CLOCK, settleMs: 20, goneMs: 15_000, max: 4_096 };

/** A source that says whether its monitor is connected: QEMU goes on when somebody removes the file of its socket. */
export type FoundSource = JobSource & { readonly isConnected: boolean };

interface Found {
  source: FoundSource;
  /** Stops the timer that runs while its file is gone. */
  stop: (() => void) | undefined;
}

export interface SocketFilesHooks {
  open: (name: string, path: string) => FoundSource;
  /** Whether a source that this does not find has that name. */
  isTaken: (name: string) => boolean;
  note: (what: string, details: object) => void;
}

export class SocketFiles implements SourceProvider {
  readonly sources$: Observable<ProvidedSource>;
  readonly #pattern: PathPattern;
  readonly #hooks: SocketFilesHooks;
  readonly #options: SocketFilesOptions;
  /** By path. */
  readonly #found = new Map<string, Found>();
  /** By folder, each with the inode that it watches: a folder that is removed and made again has another. */
  readonly #watchers = new Map<string, { watcher: FSWatcher; inode: string | undefined }>();
  #emit: (change: ProvidedSource) => void = () => {};
  #stopTimer: (() => void) | undefined;
  #wasCut = false;

  constructor(pattern: PathPattern, hooks: SocketFilesHooks, options: Partial<SocketFilesOptions> = {}) {
    this.#pattern = pattern;
    this.#hooks = hooks;
    this.#options = { ...SOCKET_FILES_DEFAULTS, ...options };
    this.sources$ = new Observable((subscriber) => {
      this.#emit = (change) => subscriber.next(change);
      this.#look();
      return () => {
        this.#stopTimer?.();
        for (const { watcher } of this.#watchers.values()) watcher.close();
        for (const { stop } of this.#found.values()) stop?.();
        this.#watchers.clear();
        this.#found.clear();
      };
    });
  }

  #look(): void {
    let now = scan(this.#pattern, this.#options.max);
    // What comes between the reading of a folder and the watch of it is seen by reading it once more.
    while (this.#watch(now)) now = scan(this.#pattern, this.#options.max);
    if (now.isCut && !this.#wasCut)
      this.#hooks.note('more sockets match than are taken', { pattern: this.#pattern.text, max: this.#options.max });
    this.#wasCut = now.isCut;
    for (const [path, stars] of now.found) this.#there(path, stars);
    for (const path of this.#found.keys()) if (!now.found.has(path)) this.#gone(path);
  }

  /** @returns whether there is a new watch. */
  #watch({ folders }: Scan): boolean {
    let isNew = false;
    for (const [folder, { watcher, inode }] of this.#watchers)
      if (!folders.has(folder) || inodeOf(folder) !== inode) {
        watcher.close();
        this.#watchers.delete(folder);
      }
    for (const folder of folders) {
      if (this.#watchers.has(folder)) continue;
      const inode = inodeOf(folder);
      const watcher = this.#open(folder);
      if (!watcher) continue;
      this.#watchers.set(folder, { watcher, inode });
      isNew = true;
    }
    return isNew;
  }

  #open(folder: string): FSWatcher | undefined {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#changed());
      const over = (): void => {
        if (this.#watchers.get(folder)?.watcher === watcher) this.#watchers.delete(folder);
        watcher.close();
        this.#changed();
      };
      return watcher.on('error', over);
    } catch {
      // It is not there, or may not be read: its parent is watched.
      return undefined;
    }
  }

  #changed(): void {
    this.#stopTimer ??= this.#options.clock.after(this.#options.settleMs, () => {
      this.#stopTimer = undefined;
      this.#look();
    });
  }

  #there(path: string, stars: readonly string[]): void {
    const known = this.#found.get(path);
    if (known) {
      known.stop?.();
      known.stop = undefined;
      return;
    }
    const own = new Set([...this.#found.values()].map(({ source }) => source.name));
    const name = nameOfPath(path, stars, (each) => own.has(each) || this.#hooks.isTaken(each));
    const source = this.#hooks.open(name, path);
    this.#found.set(path, { source, stop: undefined });
    this.#emit({ kind: 'added', source });
  }

  #gone(path: string): void {
    const known = this.#found.get(path);
    if (!known || known.stop) return;
    known.stop = this.#options.clock.after(this.#options.goneMs, () => {
      known.stop = undefined;
      if (known.source.isConnected) return this.#gone(path);
      this.#found.delete(path);
      this.#emit({ kind: 'removed', name: known.source.name });
    });
  }
}
