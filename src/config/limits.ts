// The bounds that an operator may set: what each means, its default, and how far it may go.
import { z } from 'zod';
import { GATEWAY_LIMITS, type GatewayLimits } from '../gateway/index.js';
import { HISTORY_LIMITS, type HistoryLimits } from '../history/index.js';
import { DISK_LOG_LIMITS, type DiskLogLimits, LOG_LIMITS, type LogLimits } from '../log/index.js';
import { BUDGET_LIMITS, type BudgetLimits } from '../sources/index.js';

const bound = (description: string, ofDefault: number, min: number, max: number): z.ZodOptional<z.ZodInt> =>
  z.int().min(min).max(max).describe(`${description} Default ${ofDefault}.`).optional();

const { connections, requestsPerSecond, requestsBurst, subscribesPerSecond, subscribesBurst } = GATEWAY_LIMITS;
const { connectionsPerSecond, connectionsBurst, postsInFlight, unauthenticated, highWaterBytes } = GATEWAY_LIMITS;
const { stuckMs, deadMs } = GATEWAY_LIMITS;
const { perSource, total, totalBytes, ageMs } = LOG_LIMITS;

export const LIMIT_SETTINGS = z.strictObject({
  connections: bound('WebSocket connections.', connections, 1, 1_000_000),
  connectionsPerSecond: bound('Upgrades a second of one address.', connectionsPerSecond, 1, 100_000),
  connectionsBurst: bound('Upgrades at once of one address.', connectionsBurst, 1, 1_000_000),
  unauthenticated: bound('Connections that have not said who they are.', unauthenticated, 1, 100_000),
  requestsPerSecond: bound(
    'Requests a second of a connection, and of an address by POST.',
    requestsPerSecond,
    1,
    1_000_000,
  ),
  requestsBurst: bound('Requests at once of these.', requestsBurst, 1, 1_000_000),
  subscribesPerSecond: bound('subscribe requests a second of a connection.', subscribesPerSecond, 1, 100_000),
  subscribesBurst: bound('subscribe requests at once of a connection.', subscribesBurst, 1, 100_000),
  postsInFlight: bound('POSTs of one address that wait.', postsInFlight, 1, 100_000),
  highWaterBytes: bound('Unsent bytes of a socket beyond which it is parked.', highWaterBytes, 16_384, 67_108_864),
  stuckMs: bound('Milliseconds without drain progress until a parked client is closed.', stuckMs, 1_000, 3_600_000),
  deadMs: bound('Milliseconds without a sign of life until a client is closed.', deadMs, 20_000, 3_600_000),
  logEntries: bound('Entries that the log retains.', total, 1_000, 100_000_000),
  logEntriesPerSource: bound('Entries that it retains of one source.', perSource, 100, 100_000_000),
  logBytes: bound('Bytes of entries that it retains.', totalBytes, 1_048_576, 17_179_869_184),
  logAgeMs: bound('Milliseconds that it retains an entry.', ageMs, 1_000, 2_592_000_000),
  logDiskBytes: bound('Bytes of the files of a log on disk.', DISK_LOG_LIMITS.maxBytes, 1_048_576, 1_099_511_627_776),
  logDiskAgeMs: bound('Milliseconds that it keeps an entry.', DISK_LOG_LIMITS.ageMs, 60_000, 31_622_400_000),
  logReserveBytes: bound('Bytes of its disk that it leaves free.', DISK_LOG_LIMITS.reserveBytes, 0, 1_099_511_627_776),
  historyBytes: bound('Bytes of the files of the history.', HISTORY_LIMITS.bytes, 1_048_576, 1_099_511_627_776),
  historyAgeMs: bound('Milliseconds that it keeps a run.', HISTORY_LIMITS.ageMs, 60_000, 316_224_000_000),
  libvirtHeldCalls: bound(
    'Calls that one libvirtd may leave unanswered for longer than 5 s. Each occupies one of its workers, of which it has 20 by default.',
    BUDGET_LIMITS.held,
    1,
    64,
  ),
});

export type LimitSettings = z.output<typeof LIMIT_SETTINGS>;

export interface Limits {
  gateway: Partial<GatewayLimits>;
  log: Partial<LogLimits>;
  disk: Partial<DiskLogLimits>;
  history: Partial<HistoryLimits>;
  libvirt: Partial<BudgetLimits>;
}

/** Those that were given. */
export function splitLimits(given: LimitSettings): Limits {
  const { logEntries, logEntriesPerSource, logBytes, logAgeMs, libvirtHeldCalls: held, ...others } = given;
  const { logDiskBytes, logDiskAgeMs, logReserveBytes, historyBytes, historyAgeMs, ...gateway } = others;
  const disk = { maxBytes: logDiskBytes, ageMs: logDiskAgeMs, reserveBytes: logReserveBytes };
  const log = { total: logEntries, perSource: logEntriesPerSource, totalBytes: logBytes, ageMs: logAgeMs };
  return {
    gateway: withoutUndefined(gateway),
    log: withoutUndefined(log),
    disk: withoutUndefined(disk),
    history: withoutUndefined({ bytes: historyBytes, ageMs: historyAgeMs }),
    libvirt: withoutUndefined({ held }),
  };
}

const withoutUndefined = <Value extends object>(value: Value): { [Key in keyof Value]?: NonNullable<Value[Key]> } =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as never;
