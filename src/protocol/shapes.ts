// What a server sends, as schemas: results of every method, notifications, entries. They admit further members, since v1 gets additions. For whoever judges a
// server: the conformance kit, the published JSON Schemas, the tests. Neither the server nor the client imports them.
import { z } from 'zod';
import type { MethodName, NotificationName } from './methods.js';
import { JOB_STATUSES } from './rules.js';

const cursor = z
  .string()
  .regex(/^[A-Za-z0-9]{1,32}:(0|[1-9][0-9]{0,15})$/)
  .describe('Position in the log, `epoch:offset`. Opaque.');
const run = z
  .string()
  .regex(/^[\x21-\x7e]{1,64}$/)
  .describe('From one creation of a job id to its end. Opaque, never used again.');
const time = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
  .describe('ISO 8601, UTC.');
const source = z
  .string()
  .regex(/^[A-Za-z0-9._:@-]{1,128}$/)
  .describe('Name of a source.');
const job = z.string().min(1).max(1_024).describe("QEMU's job id.");
/** An integer beyond 2^53-1 is a decimal string. */
const int64 = z
  .union([z.int(), z.string().regex(/^-?\d{16,19}$/)])
  .describe('An integer; beyond 2^53-1 a decimal string.');

const status = z.enum(JOB_STATUSES);
const ending = {
  outcome: z.enum(['completed', 'cancelled', 'failed', 'lost']),
  provenance: z.enum(['observed', 'reconciled', 'unknown']),
  pivoted: z.union([z.boolean(), z.literal('unknown')]),
  pivotProof: z.enum(['type', 'event', 'graph', 'command']).nullable(),
  forced: z.boolean(),
  escalated: z.boolean(),
};
const figures = { type: z.string().nullable(), len: int64.nullable(), offset: int64.nullable() };
const named = { source, job, run };
const libvirt = z.enum(['completed', 'failed', 'canceled']);

const settlement = z.object({
  ...ending,
  requestedBy: z.array(z.string()),
  began: cursor.optional(),
  dismissed: z.boolean(),
  ...figures,
  libvirt: libvirt.optional(),
  error: z.string().optional(),
});
const jobShape = z.object({
  ...named,
  type: z.string().nullable(),
  status,
  len: int64,
  offset: int64,
  speed: int64,
  ioStatus: z.enum(['ok', 'failed', 'nospace']).optional(),
  error: z.string().optional(),
  autoFinalize: z.boolean().optional(),
  autoDismiss: z.boolean().optional(),
  continuity: z.enum(['new', 'assumed']).optional(),
  began: cursor.optional(),
  settled: settlement.optional(),
  updated: time,
});
const settledRun = z.object({ ...named, cursor, time: time.nullable(), settled: settlement });
const sourceInfo = z.object({
  name: source,
  provider: z.enum(['qmp', 'libvirt']).optional(),
  verbs: z.array(z.string()).optional(),
  label: z.string().optional(),
  state: z.enum(['up', 'connecting', 'down']),
  reason: z.string().optional(),
  since: time,
  qemu: z.string().optional(),
  owner: z.string().optional(),
});
const progress = z.object({ ...named, status, len: int64, offset: int64, speed: int64 });
const plainEntry = z.object({
  offset: z.int().min(0),
  source,
  type: z.string(),
  time: time.nullable(),
  job: z.object({ id: job, run }).optional(),
  repeated: z.int().min(2).optional(),
  data: z.unknown(),
});
/** The data of a settlement is checked; that of other events is QEMU's, or as docs/PROTOCOL.md has it. */
const entry = plainEntry.refine(
  ({ type, data }) => type !== 'GATEWAY_JOB_SETTLED' || settlement.safeParse(data).success,
  {
    message: 'the data of GATEWAY_JOB_SETTLED is malformed',
    path: ['data'],
  },
);

const historyRun = z.object({
  ...named,
  ...ending,
  ...figures,
  start: time.nullable(),
  end: time,
  durationMs: z.number().nullable(),
  requestedBy: z.array(z.string()),
  libvirt: libvirt.optional(),
  error: z.string().optional(),
  began: cursor.optional(),
  ended: cursor,
});
const story = z.object({
  ...named,
  record: historyRun.optional(),
  progress: z.array(z.tuple([z.number(), z.number(), z.number()])),
  entries: z.array(entry),
  truncated: z.boolean().optional(),
  missing: z
    .array(
      z.object({
        reason: z.enum(['retention', 'epoch', 'size', 'time']),
        after: cursor.optional(),
        upTo: cursor.optional(),
      }),
    )
    .optional(),
});

const requested = z.object({ status: z.literal('requested'), ...named, cursor });
const settled = z.object({
  status: z.literal('settled'),
  ...ending,
  dismissed: z.boolean(),
  error: z.string().optional(),
  ...named,
  cursor,
});
/** What `dryRun` answers in place of `requested`. */
const dryRun = z.object({
  status: z.literal('dryRun'),
  ...named,
  jobStatus: status,
  effect: z.string(),
  sends: z.object({ command: z.string(), arguments: z.record(z.string(), z.unknown()) }).nullable(),
});
const accepted = z.union([requested, dryRun]);
const ended = z.union([requested, settled, dryRun]);
const empty = z.object({});

/** The result of each method. */
export const RESULTS = {
  'server.info': z.object({
    version: z.string(),
    epoch: z.string(),
    cursor,
    limits: z.record(z.string(), z.number()),
    bookmarkMs: z.number(),
    features: z.array(z.string()).optional(),
  }),
  authenticate: z.object({ principal: z.string(), scopes: z.array(z.string()), expiresAt: time.nullable() }),
  'source.list': z.object({ sources: z.array(sourceInfo) }),
  'job.list': z.object({ cursor, jobs: z.array(jobShape), pageToken: z.string().optional() }),
  'job.get': jobShape,
  'job.abort': ended,
  'job.wait': settled,
  'job.complete': ended,
  'job.pause': accepted,
  'job.resume': accepted,
  'job.finalize': accepted,
  'job.dismiss': accepted,
  'job.setSpeed': accepted,
  'history.list': z.object({ runs: z.array(historyRun), pageToken: z.string().optional() }),
  'history.get': story,
  subscribe: z.object({
    subscription: z.string(),
    cursor,
    resumed: z.boolean(),
    sources: z.array(sourceInfo),
    jobs: z.array(jobShape).optional(),
    settled: z.array(settledRun).optional(),
    pages: z.int().min(1).optional(),
    truncated: z.boolean().optional(),
  }),
  unsubscribe: empty,
} as const satisfies Record<MethodName, z.ZodType>;

/** The params of each notification. */
export const NOTIFICATIONS = {
  events: z.object({ subscription: z.string(), cursor, events: z.array(entry).min(1) }),
  progress: z.object({ subscription: z.string(), jobs: z.array(progress) }),
  snapshot: z.object({
    subscription: z.string(),
    page: z.int().min(1),
    last: z.boolean(),
    cursor,
    jobs: z.array(jobShape),
    settled: z.array(settledRun).optional(),
  }),
  reset: z.object({
    subscription: z.string(),
    reason: z.enum(['retention', 'epoch', 'grants']),
    next: z.string().optional(),
    cursor,
    jobs: z.array(jobShape),
    settled: z.array(settledRun),
    sources: z.array(sourceInfo),
    pages: z.int().min(1).optional(),
  }),
  bookmark: z.object({ cursor, time }),
  expiring: z.object({ expiresAt: time }),
  bye: z.object({ code: z.int(), reason: z.string(), retryAfterMs: z.number().min(0) }),
} as const satisfies Record<NotificationName, z.ZodType>;

/** The body of an error reply. */
export const ERROR = z.object({
  code: z.int(),
  message: z.string(),
  data: z.looseObject({ reason: z.string() }).optional(),
});

/** The wire's objects by the names of their types. */
export const OBJECTS = {
  Entry: plainEntry,
  Job: jobShape,
  Settlement: settlement,
  SettledRun: settledRun,
  SourceInfo: sourceInfo,
  Progress: progress,
  HistoryRun: historyRun,
  Requested: requested,
  Settled: settled,
  DryRun: dryRun,
} as const;
