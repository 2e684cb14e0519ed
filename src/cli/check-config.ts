// `check-config`: reads the settings as `serve` does, and starts nothing.
import { type ClusterSettings, type Config, type ConfigInput, readConfig, redactServer } from '../config/index.js';
import { formatDiscovery } from '../sources/index.js';
import { CliError, EXIT } from './exit.js';
import { print, printJson } from './output.js';

export function checkConfig(flags: ConfigInput, json: boolean): void {
  const read = readConfig(flags, process.env);
  if (json) {
    printJson(read.ok ? { ok: true, ...summaryOf(read.config) } : { ok: false, problems: read.problems });
    process.exitCode = read.ok ? EXIT.ok : EXIT.usage;
    return;
  }
  if (!read.ok) throw new CliError(EXIT.usage, read.problems);
  const { listen, metrics, sources, shares, webhooks, clients, log, cluster } = summaryOf(read.config);
  print(
    listen.length > 0 ? `listens at ${listen.join(' and ')}` : 'has no clients: they are those of the edges',
    ...(metrics === undefined ? [] : [`metrics and health are at ${metrics}`]),
    `sources: ${sources.length === 0 ? 'none' : sources.join(', ')}`,
    ...shares.map((share) => `shares ${share}`),
    ...webhooks.map((webhook) => `posts ${webhook}`),
    `the log is in ${log}`,
    ...(cluster
      ? [`${PART[cluster.role]} of the cluster ${cluster.name}, by NATS at ${cluster.servers.join(' and ')}`]
      : []),
    ...(listen.length > 0
      ? [`clients are known by ${clients.length === 0 ? 'nothing: everybody is anonymous' : clients.join(', ')}`]
      : []),
  );
}

interface Summary {
  /** Empty for an owner of a cluster. */
  listen: string[];
  /** Of these and nothing else. */
  metrics?: string;
  sources: string[];
  /** Which source, at which path, and which commands. */
  shares: string[];
  webhooks: string[];
  /** By what clients are known. */
  clients: string[];
  /** Where it is: a folder, `memory`, or the cluster’s stream. */
  log: string;
  /** The servers without users and passwords. */
  cluster?: Pick<ClusterSettings, 'role' | 'name' | 'servers'>;
}

const PART: Record<ClusterSettings['role'], string> = {
  owner: 'an owner',
  edge: 'an edge',
  both: 'an owner and an edge',
};

function addressOf(address: Config['listen'][number]): string {
  if (address.kind === 'tcp') return `${address.host}:${address.port}`;
  return address.kind === 'unix' ? `unix:${address.path}` : `fd:${address.fd}`;
}

function summaryOf(config: Config): Summary {
  const { listen, metricsListen, sources, discoveries, shares, webhooks, access, trust, data, cluster } = config;
  const ways: [string, boolean][] = [
    ['tokens', access.tokens !== undefined],
    ['JWTs', access.jwt !== undefined],
    ['certificates', access.certificates !== undefined],
    ['a proxy', access.proxy !== undefined],
    ['the mode of the socket file', listen.some(({ kind }) => kind === 'unix') && !trust.unix],
  ];
  return {
    listen: listen.map(addressOf),
    ...(metricsListen && { metrics: addressOf(metricsListen) }),
    sources: [...sources.map(({ name }) => name), ...discoveries.map(formatDiscovery)],
    shares: shares.map(
      ({ source, path, allow }) => `${source} at unix:${path} for ${(allow ?? ['query-*']).join(', ')}`,
    ),
    // A URL's path may be a secret.
    webhooks: webhooks.map(({ name, url, types }) => `${types.join(', ')} to ${new URL(url).origin} as ${name}`),
    clients: ways.filter(([, isUsed]) => isUsed).map(([way]) => way),
    log: cluster ? `the stream ${cluster.name}` : (data?.folder ?? 'memory'),
    ...(cluster && {
      cluster: { role: cluster.role, name: cluster.name, servers: cluster.servers.map(redactServer) },
    }),
  };
}
