// Flags, environment and files become one frozen Config, or a list of every problem. Nothing is read later, but at a reload.
import { resolve } from 'node:path';
import { type AccessSettings, asksWho } from '../access/index.js';
import {
  COMPRESSION,
  type Compression,
  isLoopbackName,
  type ListenAddress,
  type ProxyTrust,
} from '../gateway/index.js';
import type { ShareSettings } from '../share/index.js';
import { type Discovery, formatDiscovery, parseDiscovery, parseSource, type Source } from '../sources/index.js';
import { checkTls, type TlsMaterial } from '../tls.js';
import type { WebhookSettings } from '../webhooks/index.js';
import { readAccepts } from './accept.js';
import { readAccess, readTrust } from './access.js';
import { type ClusterSettings, readCluster } from './cluster.js';
import { type ConfigInput, type Environment, Settings } from './given.js';
import { type Limits, splitLimits } from './limits.js';
import { parseListen, readSocketFile } from './listen.js';
import { type Given, Problems } from './problem.js';
import { LIBVIRT_COMMANDS, LIBVIRT_QUERIES, LOG_LEVELS } from './settings.js';
import { readShares } from './share.js';
import { oneOf, readText } from './values.js';
import { readWebhooks } from './webhooks.js';

export interface Config {
  readonly listen: readonly ListenAddress[];
  /** For metrics and health alone. */
  readonly metricsListen: ListenAddress | undefined;
  readonly tls: TlsMaterial | undefined;
  readonly sources: readonly Source[];
  /** Where sources are to be found. */
  readonly discoveries: readonly Discovery[];
  /** Unix sockets at which other tools speak QMP to a source. */
  readonly shares: readonly ShareSettings[];
  /** Where events are POSTed. */
  readonly webhooks: readonly WebhookSettings[];
  readonly libvirt: LibvirtSettings;
  readonly allowHosts: readonly string[];
  readonly allowOrigins: readonly string[];
  /** Which peers are proxies whose headers are believed. */
  readonly trust: ProxyTrust;
  /** How clients are known. */
  readonly access: AccessSettings;
  /** Listening beyond loopback without authentication was asked for by name. */
  readonly insecureNoAuth: boolean;
  /** Which peers get compressed messages. */
  readonly compression: Compression;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly limits: Limits;
  /** Where the log is kept; `undefined`: in memory. */
  readonly data: DataSettings | undefined;
  /** `undefined`: this gateway is part of no cluster. */
  readonly cluster: ClusterSettings | undefined;
  /** Whether there is a file, which may name sources at a reload. */
  readonly hasFile: boolean;
  /** Whether a file says something that may be said otherwise while the gateway runs. */
  readonly reloads: boolean;
}

export interface DataSettings {
  readonly folder: string;
  /** Milliseconds after which what was written is brought to the disk; 0: before it is shown. */
  readonly syncMs: number;
  /** Bytes of its files, where no limit is set. */
  readonly maxBytes?: number;
}

export interface LibvirtSettings {
  readonly commands: (typeof LIBVIRT_COMMANDS)[number];
  readonly queries: (typeof LIBVIRT_QUERIES)[number];
}

export type ReadConfig = { ok: true; config: Config } | { ok: false; problems: readonly string[] };

/** @param env variables of the process. Never throws. */
export function readConfig(flags: ConfigInput, env: Environment): ReadConfig {
  const problems = new Problems();
  const settings = new Settings(flags, env, problems);
  const file = readSocketFile(settings.one('socketMode'), settings.one('socketGroup'), problems);
  const asked = settings.many('listen');
  const metrics = settings.one('metricsListen');
  const parse = (given: Given<string>): ListenAddress | undefined => parseListen(given, file, env, problems);
  const insecureNoAuth = settings.isOn('insecureNoAuth');
  const { proxies, trust } = readTrust(settings, problems);
  const access = readAccess(settings, proxies, problems);
  const tls = readTls(settings, problems);
  const cluster = readCluster(settings, problems);
  const isOwner = cluster?.role === 'owner';
  const webhooks = readWebhooks(settings, problems);
  // They are sent from the entries of the whole stream, which an owner does not read.
  if (isOwner && webhooks.length > 0)
    problems.add(`${settings.placeOf('webhooks').trim()}: an owner sends none; they belong to one member with clients`);
  if (isOwner)
    for (const given of asked)
      problems.of(given, 'an owner has no clients; --metrics-listen is for its metrics and health');
  const config: Config = {
    listen: (asked.length > 0 || isOwner ? asked : [DEFAULT_LISTEN]).map(parse).filter((each) => each !== undefined),
    metricsListen: metrics && parse(metrics),
    tls,
    ...readSources(settings, problems),
    webhooks,
    libvirt: {
      commands: oneOf(settings, 'libvirtCommands', LIBVIRT_COMMANDS, 'abort', problems),
      queries: oneOf(settings, 'libvirtQueries', LIBVIRT_QUERIES, 'monitor', problems),
    },
    allowHosts: settings.many('allowHost').map(({ value }) => value),
    allowOrigins: readOrigins(settings, problems),
    trust,
    access,
    insecureNoAuth,
    compression: oneOf(settings, 'compression', COMPRESSION, 'auto', problems),
    logLevel: oneOf(settings, 'logLevel', LOG_LEVELS, 'info', problems),
    limits: splitLimits(settings.ofFile('limits') ?? {}),
    data: readData(settings, problems),
    cluster,
    hasFile: settings.path !== undefined,
    reloads: settings.path !== undefined || FILES.some((name) => settings.one(name) !== undefined),
  };
  if (!asksWho(access) && !insecureNoAuth && problems.lines.length === 0)
    for (const given of [...asked, ...(metrics ? [metrics] : [])]) {
      const address = parseListen(given, file, env, new Problems());
      if (address?.kind === 'tcp' && !isLoopbackName(address.host))
        problems.of(given, given === metrics ? EXPOSED_METRICS : EXPOSED);
    }
  return problems.lines.length > 0
    ? { ok: false, problems: problems.lines }
    : { ok: true, config: Object.freeze(config) };
}

/** Files whose content a reload takes. */
const FILES = ['tokens', 'tlsCert', 'jwtKey'] as const;

const DEFAULT_LISTEN: Given<string> = { value: '127.0.0.1:7070', place: 'the default' };

const CHOICE = '--tokens FILE asks for tokens; --insecure-no-auth accepts that';
/** Of an address that other hosts reach. */
export const EXPOSED = `everybody who reaches it could cancel jobs. ${CHOICE}`;
const EXPOSED_METRICS = `everybody who reaches it could read the metrics, which name every source. ${CHOICE}`;

function readData(settings: Settings, problems: Problems): DataSettings | undefined {
  const [folder, sync] = [settings.pathOf('data'), settings.one('sync')];
  const syncMs = sync ? Number(/^(\d{1,5})(?:ms)?$/.exec(sync.value)?.[1] ?? Number.NaN) : SYNC_MS;
  if (sync && Number.isNaN(syncMs)) problems.of(sync, 'expected milliseconds, as 50ms, or 0');
  if (sync && !folder) problems.of(sync, 'there is nothing on a disk without --data');
  // The folder is made, so a text that is meant otherwise would be one with a strange name.
  if (folder && /^$|^~|^[a-z][a-z\d+.-]*:\/\/|^\$/i.test(settings.one('data')?.value ?? ''))
    problems.of(folder, 'expected the path of a folder; a URL is none, and ~ and $NAME are expanded by a shell alone');
  return folder && { folder: resolve(folder.value), syncMs };
}

const SYNC_MS = 50;

function readOrigins(settings: Settings, problems: Problems): string[] {
  const origins = settings.many('allowOrigin');
  for (const given of origins)
    if (!URL.canParse(given.value) || new URL(given.value).origin !== given.value)
      problems.of(given, 'expected scheme://host[:port], without a path');
  return origins.map(({ value }) => value);
}

function readSources(settings: Settings, problems: Problems): Pick<Config, 'sources' | 'discoveries' | 'shares'> {
  const sources = new Map<string, Source>();
  const discoveries = new Map<string, Discovery>();
  for (const given of settings.many('source')) {
    const parsed = parseSource(given.value);
    if (!parsed.ok) problems.of(given, parsed.error);
    else if ('discovery' in parsed) discoveries.set(formatDiscovery(parsed.discovery), parsed.discovery);
    else if (sources.has(parsed.source.name)) problems.of(given, 'the name is given twice');
    else sources.set(parsed.source.name, parsed.source);
  }
  for (const given of settings.many('discover')) {
    const parsed = parseDiscovery(given.value);
    if (parsed.ok) discoveries.set(formatDiscovery(parsed.discovery), parsed.discovery);
    else problems.of(given, parsed.error);
  }
  for (const accept of readAccepts(settings, sources, problems)) {
    const discovery: Discovery = { kind: 'accept', accept };
    discoveries.set(formatDiscovery(discovery), discovery);
  }
  const named = { sources: [...sources.values()], discoveries: [...discoveries.values()] };
  return { ...named, shares: readShares(settings, named, problems) };
}

function readTls(settings: Settings, problems: Problems): TlsMaterial | undefined {
  const [cert, key, ca] = [settings.pathOf('tlsCert'), settings.pathOf('tlsKey'), settings.pathOf('tlsClientCa')];
  if (!cert && !key && !ca) return undefined;
  if (!cert || !key) {
    problems.add('TLS needs both --tls-cert and --tls-key');
    return undefined;
  }
  const before = problems.lines.length;
  const tls = {
    cert: readText(cert, problems),
    key: readText(key, problems),
    clientCa: ca && readText(ca, problems),
  };
  if (problems.lines.length > before) return undefined;
  try {
    checkTls(tls);
    return tls;
  } catch (error) {
    problems.file(cert.place, cert.value, error);
    return undefined;
  }
}
