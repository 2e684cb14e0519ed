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
  const { listen, sources, shares, webhooks, clients, log, cluster } = summaryOf(read.config);
  print(
    `listens at ${listen.join(' and ')}`,
    `sources: ${sources.length === 0 ? 'none' : sources.join(', ')}`,
    ...shares.map((share) => `shares ${share}`),
    ...webhooks.map((webhook) => `posts ${webhook}`),
    `the log is in ${log}`,
    ...(cluster
      ? [`${PART[cluster.role]} of the cluster ${cluster.name}, by NATS at ${cluster.servers.join(' and ')}`]
      : []),
    `clients are known by ${clients.length === 0 ? 'nothing: everybody is anonymous' : clients.join(', ')}`,
  );
}

interface Summary {
  listen: string[];
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

function summaryOf({ listen, sources, discoveries, shares, webhooks, access, trust, data, cluster }: Config): Summary {
  const ways: [string, boolean][] = [
    ['tokens', access.tokens !== undefined],
    ['JWTs', access.jwt !== undefined],
    ['certificates', access.certificates !== undefined],
    ['a proxy', access.proxy !== undefined],
    ['the mode of the socket file', listen.some(({ kind }) => kind === 'unix') && !trust.unix],
  ];
  return {
    listen: listen.map((each) => {
      if (each.kind === 'tcp') return `${each.host}:${each.port}`;
      return each.kind === 'unix' ? `unix:${each.path}` : `fd:${each.fd}`;
    }),
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
