// Runs that have ended, from the gateway's history: the newest of them, and older ones when they are asked for. Only this file writes its signals.
import { signal } from '@preact/signals';
import type { Client } from 'qmp-gateway/client';
import type { HistoryRun } from 'qmp-gateway/protocol';

/** Runs that are requested at once. */
const PAGE = 100;
/** Milliseconds for which runs that end together are collected. */
const GATHER_MS = 500;

export type Older = 'none' | 'some' | 'loading';

export function openPastRuns(client: Client) {
  const runs = signal<ReadonlyMap<string, HistoryRun>>(new Map());
  /** Whether there are older runs than those that were read. */
  const older = signal<Older>('none');
  /** Whether the gateway has a history. */
  const isKept = signal(false);
  /** Why the last reading failed. */
  const problem = signal<string | undefined>(undefined);
  let pageToken: string | undefined;
  let isRead = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function read(token: string | undefined): Promise<string | undefined> {
    const page = await client.history({ limit: PAGE, ...(token !== undefined && { pageToken: token }) });
    problem.value = undefined;
    runs.value = new Map([...runs.peek(), ...page.runs.map((run) => [run.run, run] as const)]);
    return page.pageToken;
  }

  /** What failed is asked for again with the next run that ends, or by the reader. */
  const fail = (error: unknown): void => {
    problem.value = (error as Error).message;
  };

  async function newest(): Promise<void> {
    timer = undefined;
    try {
      const next = await read(undefined);
      if (isRead) return;
      isRead = true;
      pageToken = next;
      older.value = next === undefined ? 'none' : 'some';
    } catch (error) {
      fail(error);
    }
  }

  return {
    runs,
    older,
    isKept,
    problem,
    /** @param features of the gateway that the client is connected to now. */
    learn(features: readonly string[]): void {
      isKept.value = features.includes('history');
    },
    /** Reads the newest runs soon: a view of them is open, or another run has ended. */
    refresh(): void {
      if (isKept.peek()) timer ??= setTimeout(() => void newest(), isRead ? GATHER_MS : 0);
    },
    /** Reads the next older ones. */
    async more(): Promise<void> {
      if (older.peek() !== 'some') return;
      older.value = 'loading';
      try {
        pageToken = await read(pageToken);
        older.value = pageToken === undefined ? 'none' : 'some';
      } catch (error) {
        older.value = 'some';
        fail(error);
      }
    },
    close: (): void => clearTimeout(timer),
  };
}
