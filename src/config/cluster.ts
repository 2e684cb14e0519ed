// The cluster that a gateway is part of: its role there, and how it reaches NATS.
import { createSecureContext } from 'node:tls';
import { type ConfigInput, type Environment, Settings } from './given.js';
import type { ListSetting, TextSetting } from './names.js';
import { type Given, Problems } from './problem.js';
import { CLUSTER_ROLES } from './settings.js';
import { oneOf, readText } from './values.js';

export interface ClusterSettings {
  /** An owner has sources and carries out commands, an edge has clients. */
  readonly role: (typeof CLUSTER_ROLES)[number];
  /** The name of the stream, and the first part of every subject. */
  readonly name: string;
  /** This process in the cluster; `undefined`: a name is made of the host and the process. */
  readonly member: string | undefined;
  /** `nats://HOST:PORT` or `tls://HOST:PORT`, perhaps with `USER:PASSWORD@`: show them by `redactServer`. */
  readonly servers: readonly string[];
  /** A NATS credentials file, which was looked at. It may be replaced later. */
  readonly credsFile: string | undefined;
  /** Files in PEM, likewise; `undefined`: the authorities of the system, and no certificate of this client. */
  readonly tls: NatsTls | undefined;
  /** How many servers keep the stream, where this process makes it. */
  readonly replicas: number;
  /** Whether an owner carries out commands of callers alone whose JWT the edge passes on. */
  readonly requiresJwt: boolean;
}

export interface NatsTls {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

const WITH_NATS = ['natsCreds', 'natsCa', 'natsCert', 'natsKey', 'cluster', 'member', 'natsReplicas'] as const;
const SOURCES: readonly ListSetting[] = ['source', 'discover', 'accept', 'share'];
/** A part of a subject, where `.`, `*` and `>` have a meaning; names with `_` or `$` in front are NATS's own. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const MEMBER = /^[A-Za-z0-9._:@-]{1,120}$/;
const NO_CLUSTER = 'there is no cluster without --nats';
const SERVER = /^(?:nats|tls):\/\/(?:[^\s/?#@]+@)?(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?\/?$/;

export type ReadCluster =
  | { ok: true; cluster: ClusterSettings | undefined }
  | { ok: false; problems: readonly string[] };

/** The cluster alone, for who is no member: files of other settings need not be readable. Never throws. */
export function readClusterSettings(flags: ConfigInput, env: Environment): ReadCluster {
  const problems = new Problems();
  const cluster = readCluster(new Settings(flags, env, problems), problems);
  return problems.lines.length > 0 ? { ok: false, problems: problems.lines } : { ok: true, cluster };
}

/** @returns `undefined` for a gateway that is part of no cluster. */
export function readCluster(settings: Settings, problems: Problems): ClusterSettings | undefined {
  const role = oneOf(settings, 'role', CLUSTER_ROLES, 'both', problems);
  const given = settings.many('nats');
  if (given.length === 0) {
    const needless: readonly TextSetting[] = role === 'both' ? WITH_NATS : ['role', ...WITH_NATS];
    for (const name of needless) refuse(settings.one(name), NO_CLUSTER, problems);
    if (settings.isOn('requireJwt')) problems.add(`--require-jwt: ${NO_CLUSTER}`);
    return undefined;
  }
  if (role === 'edge')
    for (const name of SOURCES)
      for (const each of settings.many(name)) problems.of(each, 'an edge has no sources: they are those of the owners');
  const servers = given.map((each) => readServer(each, problems)).filter((each) => each !== undefined);
  return {
    role,
    name: matching(settings, 'cluster', NAME, 'a letter or digit, then up to 63 of A-Z a-z 0-9 - _', problems) ?? 'qmp',
    member: matching(settings, 'member', MEMBER, '1 to 120 of A-Z a-z 0-9 . _ : @ -', problems),
    servers,
    credsFile: readCreds(settings.pathOf('natsCreds'), problems),
    tls: readTls(settings, problems),
    replicas: Number(matching(settings, 'natsReplicas', /^[135]$/, 'one of 1 3 5', problems) ?? '1'),
    requiresJwt: readRequiresJwt(settings, role, problems),
  };
}

function readRequiresJwt(settings: Settings, role: ClusterSettings['role'], problems: Problems): boolean {
  const isOn = settings.isOn('requireJwt');
  if (isOn && role === 'edge') problems.add('--require-jwt: an edge carries out no commands; it is for owners');
  else if (isOn && !settings.one('jwtKey') && !settings.one('jwtJwks'))
    problems.add('--require-jwt: whose keys? --jwt-key or --jwt-jwks says it');
  return isOn;
}

/** The URL without the user and the password that may stand in it. */
export const redactServer = (url: string): string => url.replace(/^([a-z]*:\/\/)?.*@/i, '$1');

function refuse(given: Given<string> | undefined, why: string, problems: Problems): void {
  if (given) problems.of(given, why);
}

function matching(
  settings: Settings,
  name: TextSetting,
  form: RegExp,
  expected: string,
  problems: Problems,
): string | undefined {
  const given = settings.one(name);
  if (!given || form.test(given.value)) return given?.value;
  problems.of(given, `expected ${expected}`);
  return undefined;
}

function readServer({ value, place }: Given<string>, problems: Problems): string | undefined {
  const shown = { value: redactServer(value), place };
  const match = SERVER.exec(value);
  const port = Number(match?.[1] ?? 4222);
  if (!match) problems.of(shown, 'expected nats://HOST:PORT or tls://HOST:PORT');
  else if (port < 1 || port > 65_535) problems.of(shown, 'a port is 1 to 65535');
  else return value.replace(/\/$/, '');
  return undefined;
}

/** The text has a private key, so problems name the file alone. */
function readCreds(file: Given<string> | undefined, problems: Problems): string | undefined {
  if (!file) return undefined;
  const before = problems.lines.length;
  const text = readText(file, problems);
  const isCreds = /BEGIN NATS USER JWT[\s\S]*BEGIN USER NKEY SEED/.test(text);
  if (!isCreds && problems.lines.length === before)
    problems.of(file, 'expected a credentials file of NATS, with a JWT and the seed of its key');
  return isCreds ? file.value : undefined;
}

function readTls(settings: Settings, problems: Problems): NatsTls | undefined {
  const [ca, cert, key] = [settings.pathOf('natsCa'), settings.pathOf('natsCert'), settings.pathOf('natsKey')];
  if (!ca && !cert && !key) return undefined;
  if (cert && !key) problems.of(cert, 'a certificate needs its --nats-key');
  if (key && !cert) problems.of(key, 'a key needs its --nats-cert');
  const before = problems.lines.length;
  const texts = {
    ca: ca && readText(ca, problems),
    cert: cert && readText(cert, problems),
    key: key && readText(key, problems),
  };
  if (problems.lines.length > before || Boolean(cert) !== Boolean(key)) return undefined;
  try {
    createSecureContext(texts);
    return { ca: ca?.value, cert: cert?.value, key: key?.value };
  } catch (error) {
    const file = cert ?? ca;
    if (file) problems.file(file.place, file.value, error);
    return undefined;
  }
}
