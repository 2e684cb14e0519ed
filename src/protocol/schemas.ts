// Validation of the params of every method. Used by the server alone: clients import types and codes, never zod.
import { z } from 'zod';
import { parseCursor } from './cursor.js';
import { LIMITS } from './limits.js';
import type { MethodName, Methods } from './methods.js';
import { isDay } from './time.js';

const source = z.string().min(1).max(LIMITS.nameLength);
/** A non-empty string of at most so many bytes in UTF-8. */
const bytes = (most: number) =>
  z
    .string()
    .min(1)
    .refine((text) => Buffer.byteLength(text) <= most, `at most ${most} bytes`);
const job = bytes(LIMITS.jobBytes);
const run = z.string().regex(/^[\x21-\x7e]{1,64}$/, 'malformed run');
const cursor = z.string().refine((text) => parseCursor(text) !== undefined, 'malformed cursor');
/** As JavaScript reads it, with a zone. */
const time = z
  .string()
  .max(64)
  .refine(
    (text) =>
      /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text) &&
      !Number.isNaN(Date.parse(text)) &&
      isDay(text),
    {
      message: 'expected a time as 2026-11-29T08:00:00Z',
    },
  );
const outcome = z.enum(['completed', 'cancelled', 'failed', 'lost']);
const timeoutMs = z.int().min(LIMITS.timeoutMinMs).max(LIMITS.timeoutMaxMs);
const globs = z.array(bytes(LIMITS.globLength)).min(1).max(LIMITS.globs);
const wild = (list: readonly string[] = []): number =>
  list.reduce((sum, glob) => sum + (/[*?]/.test(glob) ? glob.length : 0), 0);

const tooWild = { message: `at most ${LIMITS.wildLength} characters of globs with * or ? in all` };

const INT64_MAX = 2n ** 63n - 1n;
/** Bytes per second up to 2^63-1: a safe integer or a decimal string. A larger number was already rounded when it was parsed. */
const speed = z.union(
  [
    z.int().min(0),
    z
      .string()
      .regex(/^(0|[1-9]\d{0,18})$/, 'a decimal string of an integer')
      .refine((text) => !/^\d{1,19}$/.test(text) || BigInt(text) <= INT64_MAX, 'at most 2^63-1'),
  ],
  'expected an integer, or one as a decimal string',
);

const target = { source, job, run: run.optional() };
/** Of a verb. */
const verb = { ...target, dryRun: z.boolean().optional() };

export const PARAMS = {
  'server.info': z.strictObject({}),
  authenticate: z.strictObject({ token: z.string().min(1).max(16_384) }),
  'source.list': z.strictObject({}),
  'job.list': z.strictObject({
    sources: globs.optional(),
    limit: z.int().min(1).max(LIMITS.listMax).optional(),
    pageToken: z.string().min(1).max(1_024).optional(),
  }),
  'job.get': z.strictObject(target),
  'job.abort': z
    .strictObject({
      ...verb,
      sync: z.boolean().optional(),
      timeoutMs: timeoutMs.optional(),
      force: z.boolean().optional(),
      escalateAfterMs: z.int().min(0).max(LIMITS.timeoutMaxMs).optional(),
    })
    .refine(({ force, escalateAfterMs }) => !(force && escalateAfterMs !== undefined), {
      message: 'a forced abort has nothing to escalate to',
      path: ['escalateAfterMs'],
    }),
  'job.wait': z.strictObject({ ...target, timeoutMs: timeoutMs.optional() }),
  'job.complete': z.strictObject({ ...verb, sync: z.boolean().optional(), timeoutMs: timeoutMs.optional() }),
  'job.pause': z.strictObject(verb),
  'job.resume': z.strictObject(verb),
  'job.finalize': z.strictObject(verb),
  'job.dismiss': z.strictObject(verb),
  'job.setSpeed': z.strictObject({ ...verb, speed }),
  'history.list': z
    .strictObject({
      sources: globs.optional(),
      jobs: globs.optional(),
      outcomes: z.array(outcome).min(1).max(4).optional(),
      by: globs.optional(),
      endedAfter: time.optional(),
      endedBefore: time.optional(),
      limit: z.int().min(1).max(LIMITS.listMax).optional(),
      pageToken: z.string().min(1).max(1_024).optional(),
    })
    .refine(({ sources, jobs, by }) => wild(sources) + wild(jobs) + wild(by) <= LIMITS.wildLength, tooWild),
  'history.get': z.strictObject(target),
  subscribe: z
    .strictObject({
      sources: globs.optional(),
      types: globs.optional(),
      jobs: globs.optional(),
      after: cursor.optional(),
      last: z.int().min(1).max(LIMITS.lastMax).optional(),
      from: time.optional(),
      tag: z.int().min(1).max(LIMITS.tagMax).optional(),
      snapshot: z.boolean().optional(),
      progress: z
        .union([z.boolean(), z.int().min(1).max(3_600_000)], 'expected true, false or a whole number of milliseconds')
        .optional(),
    })
    .refine(({ sources, types, jobs }) => wild(sources) + wild(types) + wild(jobs) <= LIMITS.wildLength, tooWild)
    .refine(({ last, after, from, snapshot }) => last === undefined || (after === undefined && !from && !snapshot), {
      message: 'goes with neither after nor from nor snapshot',
      path: ['last'],
    })
    .refine(({ after, from, snapshot }) => from === undefined || (after === undefined && !snapshot), {
      message: 'goes with neither after nor snapshot',
      path: ['from'],
    }),
  unsubscribe: z.strictObject({ subscription: z.string().min(1).max(64) }),
} as const satisfies Record<MethodName, z.ZodType>;

export const METHOD_NAMES = Object.keys(PARAMS) as MethodName[];

export function isMethod(name: string): name is MethodName {
  return Object.hasOwn(PARAMS, name);
}

export type CheckedParams<Name extends MethodName> =
  | { ok: true; params: Methods[Name]['params'] }
  | { ok: false; problems: string[] };

/** Never throws. Each problem names its member, and an unknown member is a problem. */
export function checkParams<Name extends MethodName>(name: Name, params: unknown): CheckedParams<Name> {
  const parsed = PARAMS[name].safeParse(params);
  // zod's strict objects do not report this one key.
  const prototype = typeof params === 'object' && params !== null && Object.hasOwn(params, '__proto__');
  if (parsed.success && !prototype) return { ok: true, params: parsed.data as Methods[Name]['params'] };
  const problems = prototype ? ['__proto__: unknown member'] : [];
  for (const issue of parsed.error?.issues ?? []) {
    const path = issue.path.join('.');
    if (issue.code === 'unrecognized_keys')
      problems.push(...issue.keys.map((key) => `${path ? `${path}.` : ''}${key}: unknown member`));
    else problems.push(path ? `${path}: ${issue.message}` : issue.message);
  }
  return { ok: false, problems };
}
