// Checks G1, G2 and "no success is invented" against what the monitor did: events that were read and not published, published and not raised, or
// published in another order, and every `completed` that the monitor does not confirm.
import type { Entry, Settlement } from '../../src/protocol/index.js';
import { canonical, type Log } from './log.js';
import type { MonitorRecord, Raised, Violation } from './record.js';

/** Milliseconds between the clocks of two processes, and from the socket to the log on a busy machine. */
const SLACK_MS = 1_500;

type Item = { kind: 'down' } | { kind: 'up'; at: number } | { kind: 'event'; where: string; entry: Entry };

interface Numbered extends Raised {
  index: number;
}

const jobOf = (type: string, data: unknown): string => {
  if (!type.startsWith('BLOCK_JOB_') && !type.startsWith('JOB_')) return '';
  const { id, device } = (data ?? {}) as { id?: unknown; device?: unknown };
  return String(id ?? device ?? '');
};
const isError = (type: string): boolean => type === 'BLOCK_JOB_ERROR';
const kindOf = (data: unknown): string => {
  const { operation, action } = data as { operation: string; action: string };
  return `${operation} ${action}`;
};
const millis = (time: string | null): number => (time === null ? Number.NaN : Date.parse(time));

export function checkMonitor(record: MonitorRecord, logs: readonly Log[]): Violation[] {
  const walk = new MonitorWalk(record, logs);
  walk.walk();
  walk.judge(logs);
  return walk.violations;
}

class MonitorWalk {
  readonly violations: Violation[] = [];
  readonly #record: MonitorRecord;
  readonly #items: Item[] = [];
  /** Where in the log, to which raised event. */
  readonly #places = new Map<string, number>();

  constructor(record: MonitorRecord, logs: readonly Log[]) {
    this.#record = record;
    for (const { epoch, entries } of logs) {
      // A gateway begins without a connection, and what it read in its last moments is lost with it.
      this.#items.push({ kind: 'down' });
      for (const entry of entries) {
        if (entry.source !== record.source) continue;
        if (entry.type === 'GATEWAY_SOURCE_DOWN') this.#items.push({ kind: 'down' });
        else if (entry.type === 'GATEWAY_SOURCE_UP') this.#items.push({ kind: 'up', at: millis(entry.time) });
        else if (!entry.type.startsWith('GATEWAY_'))
          this.#items.push({ kind: 'event', where: `${epoch}:${entry.offset}`, entry });
      }
    }
  }

  walk(): void {
    const raised = new Map<string, Numbered[]>();
    for (const [index, event] of this.#record.raised.entries()) {
      if (!event.delivered) continue;
      const key = jobOf(event.type, event.data);
      const list = raised.get(key);
      if (list) list.push({ ...event, index });
      else raised.set(key, [{ ...event, index }]);
    }
    const keys = new Set(raised.keys());
    for (const item of this.#items) if (item.kind === 'event') keys.add(jobOf(item.entry.type, item.entry.data));
    for (const key of keys) this.#lane(key, raised.get(key) ?? []);
    this.#order();
  }

  /** What was not collapsed keeps its order over all jobs, and what lacks between two is explained by a loss of the connection between them. */
  #order(): void {
    let last = -1;
    let down = true;
    let up = Number.POSITIVE_INFINITY;
    const pass = (to: number, where: string): void => {
      for (let index = last + 1; index < to; index += 1) {
        const { type, data, time, delivered } = this.#record.raised[index] as Raised;
        if (!delivered || isError(type)) continue;
        const what = `gap: ${type} ${canonical(data)} of ${time} was not told`;
        if (!down) this.#wrong('monitor', where, what);
        else if (millis(time) > up + SLACK_MS) this.#wrong('monitor', where, `${what}, after the source was up`);
      }
    };
    for (const item of this.#items) {
      if (item.kind === 'down') {
        down = true;
        up = Number.POSITIVE_INFINITY;
      } else if (item.kind === 'up') up = item.at;
      else {
        const index = this.#places.get(item.where);
        if (index === undefined) continue;
        if (index < last) {
          this.#wrong('monitor', item.where, 'reorder: it was raised before the one that it follows');
          continue;
        }
        pass(index, item.where);
        last = index;
        down = false;
      }
    }
    pass(this.#record.raised.length, 'at the end');
  }

  #wrong(rule: Violation['rule'], who: string, what: string): void {
    this.violations.push({ rule, who: `${this.#record.source} ${who}`, what });
  }

  /** One job's events, or those of none. Errors may be collapsed, so between two others only their numbers count. */
  #lane(key: string, raised: readonly Numbered[]): void {
    const tokens = raised.map((each) => tokenOf(each.type, each.data, each.time));
    let at = 0;
    let blind = true;
    let told = new Map<string, number>();
    const close = (to: number, where: string): void => {
      const missed = raised.slice(at, to);
      const errors = new Map<string, number>();
      for (const each of missed)
        if (isError(each.type)) errors.set(kindOf(each.data), (errors.get(kindOf(each.data)) ?? 0) + 1);
      for (const kind of new Set([...errors.keys(), ...told.keys()])) {
        const [said, were] = [told.get(kind) ?? 0, errors.get(kind) ?? 0];
        if (said > were && !(this.#record.aside && blind))
          this.#wrong('monitor', where, `${said} errors of ${key} (${kind}) told, ${were} raised`);
        if (said < were && !blind)
          this.#wrong('monitor', where, `gap: ${said} errors of ${key} (${kind}) told, ${were} raised`);
      }
      told = new Map();
    };
    for (const [index, item] of this.#items.entries()) {
      if (item.kind === 'down') blind = true;
      if (item.kind !== 'event' || jobOf(item.entry.type, item.entry.data) !== key) continue;
      const { entry, where } = item;
      if (isError(entry.type)) {
        told.set(kindOf(entry.data), (told.get(kindOf(entry.data)) ?? 0) + (entry.repeated ?? 1));
        continue;
      }
      if (entry.repeated !== undefined) this.#wrong('monitor', where, 'only errors may be collapsed');
      const found = tokens.indexOf(tokenOf(entry.type, entry.data, entry.time), at);
      if (found < 0) {
        if (isPlanted(entry) || (this.#record.aside && this.#beforeDeath(index))) continue;
        const before = tokens.indexOf(tokenOf(entry.type, entry.data, entry.time));
        this.#wrong(
          'monitor',
          where,
          `${before < 0 ? 'was never raised' : 'duplicate or reorder'}: ${entry.type} ${canonical(entry.data)} ${entry.time}`,
        );
        continue;
      }
      close(found, where);
      this.#places.set(where, raised[found]?.index ?? -1);
      at = found + 1;
      blind = false;
    }
    close(raised.length, 'at the end');
  }

  /** The second monitor of a QEMU that was killed may have got less than ours. */
  #beforeDeath(index: number): boolean {
    for (const item of this.#items.slice(index + 1)) {
      if (item.kind === 'down') return true;
      if (item.kind === 'event' && this.#places.has(item.where)) return false;
    }
    return false;
  }

  /** What is said of an end must be so. */
  judge(logs: readonly Log[]): void {
    const lives = livesOf(this.#record);
    for (const { epoch, entries } of logs) {
      // A restarted gateway may publish again what its predecessor published, so each epoch is checked by itself.
      const claimed = new Set<LifeTruth>();
      const lastPlace = new Map<string, number>();
      for (const entry of entries) {
        if (entry.source !== this.#record.source || !entry.job) continue;
        const place = this.#places.get(`${epoch}:${entry.offset}`);
        if (place !== undefined) lastPlace.set(entry.job.run, place);
        if (entry.type !== 'GATEWAY_JOB_SETTLED') continue;
        const { outcome, provenance, pivoted, pivotProof } = entry.data as Settlement;
        const seen = lastPlace.get(entry.job.run);
        const mine = lives.filter(({ id }) => id === entry.job?.id);
        const life = mine.find(({ from, to }) => seen !== undefined && seen >= from && seen <= to);
        const who = `${epoch}:${entry.offset}`;
        // The graph says where the disk is, type and event what this very job did.
        const lost = outcome === 'lost' && pivotProof === 'graph';
        const disk = lost ? diskAt(mine, life, millis(entry.time)) : life?.pivoted;
        if (disk !== undefined && pivoted !== 'unknown' && pivoted !== disk)
          this.#wrong('truth', who, `${entry.job.id} pivoted:${pivoted} by ${pivotProof}, but the disk says ${disk}`);
        if ((pivotProof === null) !== (pivoted === 'unknown'))
          this.#wrong('truth', who, `${entry.job.id} pivoted:${pivoted} by ${pivotProof}`);
        if (outcome === 'lost') continue;
        if (provenance === 'observed') {
          if (this.#record.aside && seen === undefined) continue;
          if (!isSo(outcome, life?.outcome))
            this.#wrong('truth', who, `${entry.job.id} ${outcome}, but the monitor says ${life?.outcome ?? 'nothing'}`);
        } else if (outcome === 'completed') {
          const proof = mine.find(
            (each) =>
              each.outcome === 'completed' && !claimed.has(each) && !(each.endedAt > millis(entry.time) + SLACK_MS),
          );
          if (!proof)
            this.#wrong('truth', who, `${entry.job.id} completed (${provenance}), which the monitor never did`);
          else claimed.add(proof);
        }
        if (life && outcome === 'completed') claimed.add(life);
      }
    }
  }
}

/**
 * Where the disk is when a lost run is settled: a later run to the same copy, which was not seen, may have moved it there. `undefined`: the clocks are
 * too near to tell.
 */
function diskAt(lives: readonly LifeTruth[], life: LifeTruth | undefined, at: number): boolean | undefined {
  if (life === undefined || Number.isNaN(at)) return undefined;
  const pivots = lives.filter(({ from, pivoted }) => from >= life.from && pivoted);
  if (pivots.some(({ endedAt }) => endedAt < at - SLACK_MS)) return true;
  return pivots.some(({ endedAt }) => !(endedAt > at + SLACK_MS)) ? undefined : false;
}

const isSo = (said: Settlement['outcome'], truth: LifeTruth['outcome'] | undefined): boolean =>
  said === truth || (truth === 'aborted' && said !== 'completed');
const tokenOf = (type: string, data: unknown, time: string | null): string =>
  `${type} ${time} ${canonical(data ?? {})}`;
/** An event before a greeting is written beside the record. */
const isPlanted = ({ data }: Entry): boolean => (data as { planted?: unknown } | null)?.planted === true;

interface LifeTruth {
  id: string;
  /** Numbers of its first and last raised event. */
  from: number;
  to: number;
  endedAt: number;
  /** Where its disk is; `undefined` where the monitor does not say, or it had not ended. */
  pivoted: boolean | undefined;
  /** `aborted`: no event says whether it failed or was cancelled. */
  outcome: 'completed' | 'cancelled' | 'failed' | 'aborted' | 'vanished';
}

function livesOf({ raised, deaths }: MonitorRecord): LifeTruth[] {
  const lives: (LifeTruth & { aborting: boolean; decided: boolean; concluded: boolean })[] = [];
  const live = new Map<string, (typeof lives)[number]>();
  for (const [index, { type, data, time, pivoted }] of raised.entries()) {
    if (deaths.includes(index)) live.clear();
    const id = jobOf(type, data);
    if (id === '') continue;
    const { status, error } = (data ?? {}) as { status?: string; error?: string };
    if (type === 'JOB_STATUS_CHANGE' && status === 'created') {
      const life = {
        id,
        from: index,
        to: index,
        endedAt: Number.NaN,
        pivoted: undefined,
        outcome: 'vanished' as const,
        aborting: false,
        decided: false,
        concluded: false,
      };
      lives.push(life);
      live.set(id, life);
    }
    const life = live.get(id);
    if (!life) continue;
    life.to = index;
    if (pivoted !== undefined) life.pivoted = pivoted;
    if (type === 'BLOCK_JOB_COMPLETED')
      Object.assign(life, { outcome: error === undefined ? 'completed' : 'failed', decided: true });
    if (type === 'BLOCK_JOB_CANCELLED') Object.assign(life, { outcome: 'cancelled', decided: true });
    if (status === 'aborting') life.aborting = true;
    if (status === 'concluded') {
      life.endedAt = millis(time);
      life.concluded = true;
      // A create raises no event of its own; it did not abort, so it is done.
      if (!life.decided) life.outcome = life.aborting ? 'aborted' : 'completed';
    }
    // A job that never started ends without a conclusion.
    if (status === 'null' && !life.concluded) life.outcome = 'failed';
    if (status === 'null') live.delete(id);
  }
  return lives;
}
