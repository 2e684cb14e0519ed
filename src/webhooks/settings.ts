// The form of `webhooks` in the file of settings, and what becomes of it.
import { z } from 'zod';
import { LIMITS } from '../protocol/limits.js';
import { addressOf, isPublic } from './address.js';
import { FORMATS, type Format } from './message.js';

const globs = z.array(z.string().min(1).max(LIMITS.globLength)).min(1).max(LIMITS.globs);
/** As many webhooks as may share the log's readers. */
const MAX_WEBHOOKS = 32;
/** HMAC-SHA256 is as strong as its key. */
const MIN_SECRET = 16;
export const SECRET_FORM = `at least ${MIN_SECRET} characters`;
export const isSecret = (text: string): boolean => text.length >= MIN_SECRET;

const WEBHOOK = z
  .strictObject({
    name: z
      .string()
      .regex(
        /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
        'a name is 1 to 64 of A-Z a-z 0-9 . _ - and begins with none of . _ -',
      )
      .describe('Names it in metrics and logs, and its position on the disk.'),
    url: z.string().describe('Where events are POSTed: https, or http with allowPrivate.'),
    secretFile: z.string().min(1).describe('A file with the key of the signatures.').optional(),
    secret: z.string().refine(isSecret, SECRET_FORM).describe('The key itself, in place of secretFile.').optional(),
    types: globs.describe('Default GATEWAY_JOB_SETTLED and GATEWAY_JOB_ATTENTION.').optional(),
    sources: globs.describe('Default all.').optional(),
    jobs: globs.describe('Of events that concern a job. Default all.').optional(),
    format: z.enum(FORMATS).describe('Default plain.').optional(),
    allowPrivate: z.boolean().describe('Also addresses that are not public, and http. Default false.').optional(),
  })
  .superRefine(({ url, secret, secretFile, allowPrivate = false }, context) => {
    const issue = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message });
    if ((secret === undefined) === (secretFile === undefined)) issue('name', 'needs one of secretFile and secret');
    const problem = problemOf(url, allowPrivate);
    if (problem !== undefined) issue('url', problem);
  });

/** A list of webhooks. */
export const WEBHOOKS = z
  .array(WEBHOOK)
  .max(MAX_WEBHOOKS)
  .superRefine((webhooks, context) => {
    const seen = new Set<string>();
    for (const [at, { name }] of webhooks.entries()) {
      if (seen.has(name)) context.addIssue({ code: 'custom', path: [at, 'name'], message: `${name} is given twice` });
      seen.add(name);
    }
  });

/** The URL is in no problem: it may have a secret in its path. */
function problemOf(text: string, allowPrivate: boolean): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') return 'expected https://HOST/PATH';
  if (url.username !== '' || url.password !== '') return 'a URL with credentials: the signature says who sends';
  if (allowPrivate) return undefined;
  if (url.protocol === 'http:') return 'http is readable on its way: https, or allowPrivate in a network of one’s own';
  const address = addressOf(url);
  return address === undefined || isPublic(address) ? undefined : 'no public address: allowPrivate permits it';
}

export interface WebhookSettings {
  readonly name: string;
  readonly url: string;
  readonly secret: string;
  readonly types: readonly string[];
  readonly sources: readonly string[] | undefined;
  readonly jobs: readonly string[] | undefined;
  readonly format: Format;
  /** Whether addresses that are not public may be reached. */
  readonly allowPrivate: boolean;
}

type Given = z.output<typeof WEBHOOK>;

export const settingsOf = (
  { name, url, types, sources, jobs, format, allowPrivate }: Given,
  secret: string,
): WebhookSettings => ({
  ...{ name, url, secret, sources, jobs },
  types: types ?? ['GATEWAY_JOB_SETTLED', 'GATEWAY_JOB_ATTENTION'],
  format: format ?? 'plain',
  allowPrivate: allowPrivate ?? false,
});
