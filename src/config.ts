// Flags, environment and file become one frozen Config, or one error that lists every problem. Nothing is read later.
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { type ParsedTokens, parseTokens, type TokenEntry } from './access/index.js';
import { COMPRESSION, type Compression, isLoopbackName } from './gateway/index.js';
import { parseSource, type Source } from './sources/index.js';

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

export interface Config {
  readonly listen: { readonly host: string; readonly port: number };
  readonly sources: readonly Source[];
  readonly allowHosts: readonly string[];
  readonly allowOrigins: readonly string[];
  /** Whose tokens are known; `undefined`: nobody is asked who they are. */
  readonly tokens: { readonly path: string; readonly entries: readonly TokenEntry[] } | undefined;
  /** Listening beyond loopback without authentication was asked for by name. */
  readonly insecureNoAuth: boolean;
  /** Which peers get compressed messages. */
  readonly compression: Compression;
  readonly logLevel: (typeof LOG_LEVELS)[number];
}

export type ReadConfig = { ok: true; config: Config } | { ok: false; problems: string[] };

/** As flags give it; members of the file have the same names. A flag wins over the environment, and the environment over the file. */
export interface ConfigInput {
  listen?: string | undefined;
  source?: readonly string[] | undefined;
  allowHost?: readonly string[] | undefined;
  allowOrigin?: readonly string[] | undefined;
  tokens?: string | undefined;
  insecureNoAuth?: boolean | undefined;
  compression?: string | undefined;
  logLevel?: string | undefined;
  /** Path of a JSON file. */
  config?: string | undefined;
}

const FILE = z.strictObject({
  listen: z.string().optional(),
  source: z.array(z.string()).optional(),
  allowHost: z.array(z.string()).optional(),
  allowOrigin: z.array(z.string()).optional(),
  tokens: z.string().optional(),
  insecureNoAuth: z.boolean().optional(),
  compression: z.string().optional(),
  logLevel: z.string().optional(),
});

const words = (text: string | undefined): string[] | undefined => text?.split(/\s+/).filter((word) => word !== '');

export function readConfig(flags: ConfigInput, env: Readonly<Record<string, string | undefined>>): ReadConfig {
  const problems: string[] = [];
  const file = readFile(flags.config ?? env.QMP_GATEWAY_CONFIG, problems);
  const listen = readListen(flags.listen ?? env.QMP_GATEWAY_LISTEN ?? file.listen ?? '127.0.0.1:7070', problems);
  const sources = readSources(flags.source ?? words(env.QMP_GATEWAY_SOURCES) ?? file.source ?? [], problems);
  const allowOrigins = flags.allowOrigin ?? words(env.QMP_GATEWAY_ALLOW_ORIGIN) ?? file.allowOrigin ?? [];
  for (const origin of allowOrigins)
    if (!URL.canParse(origin) || new URL(origin).origin !== origin)
      problems.push(`--allow-origin ${origin}: expected scheme://host[:port], without a path`);
  const logLevel = flags.logLevel ?? env.QMP_GATEWAY_LOG_LEVEL ?? file.logLevel ?? 'info';
  const level = LOG_LEVELS.find((each) => each === logLevel);
  if (!level) problems.push(`--log-level ${logLevel}: one of ${LOG_LEVELS.join(' ')}`);
  const asked = flags.compression ?? env.QMP_GATEWAY_COMPRESSION ?? file.compression ?? 'auto';
  const compression = COMPRESSION.find((each) => each === asked);
  if (!compression) problems.push(`--compression ${asked}: one of ${COMPRESSION.join(' ')}`);
  const tokensPath = flags.tokens ?? env.QMP_GATEWAY_TOKENS ?? file.tokens;
  const tokens = tokensPath === undefined ? undefined : readTokens(tokensPath);
  if (tokens?.ok === false) problems.push(...tokens.problems);
  const insecureNoAuth =
    flags.insecureNoAuth ?? (env.QMP_GATEWAY_INSECURE_NO_AUTH === '1' || file.insecureNoAuth === true);
  if (listen && !isLoopbackName(listen.host) && !insecureNoAuth && tokens === undefined)
    problems.push(
      `--listen ${listen.host}: everybody who reaches it could cancel jobs. --tokens FILE asks for tokens; --insecure-no-auth accepts that`,
    );
  if (problems.length > 0 || !listen || !level || !compression) return { ok: false, problems };
  const allowHosts = flags.allowHost ?? words(env.QMP_GATEWAY_ALLOW_HOST) ?? file.allowHost ?? [];
  return {
    ok: true,
    config: Object.freeze({
      listen,
      sources,
      allowHosts,
      allowOrigins,
      tokens: tokensPath !== undefined && tokens?.ok ? { path: tokensPath, entries: tokens.tokens } : undefined,
      insecureNoAuth,
      compression,
      logLevel: level,
    }),
  };
}

function readFile(path: string | undefined, problems: string[]): z.infer<typeof FILE> {
  if (path === undefined) return {};
  try {
    const parsed = FILE.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    if (parsed.success) return parsed.data;
    for (const { path: at, message } of parsed.error.issues)
      problems.push(`${path}: ${at.join('.')} ${message}`.trim());
  } catch (error) {
    problems.push(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return {};
}

/** Never throws; every problem is listed. */
export function readTokens(path: string): ParsedTokens {
  try {
    return parseTokens(readFileSync(path, 'utf8'), path);
  } catch (error) {
    return { ok: false, problems: [`${path}: ${error instanceof Error ? error.message : String(error)}`] };
  }
}

/** `HOST:PORT`, `[::1]:PORT`, or a port alone on 127.0.0.1. */
function readListen(text: string, problems: string[]): Config['listen'] | undefined {
  const match = /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+)):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match && port <= 65_535) return { host: match[1] ?? match[2] ?? '127.0.0.1', port };
  problems.push(`--listen ${text}: expected HOST:PORT, with a port of 0 to 65535`);
  return undefined;
}

function readSources(texts: readonly string[], problems: string[]): Source[] {
  const sources: Source[] = [];
  for (const text of texts) {
    const parsed = parseSource(text);
    if (!parsed.ok) problems.push(parsed.error);
    else if (sources.some(({ name }) => name === parsed.source.name))
      problems.push(`source "${text}": the name is given twice`);
    else sources.push(parsed.source);
  }
  return sources;
}
