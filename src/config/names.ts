// The settings that flags and the environment can give, with their names there. Imports nothing, so that every command can read the environment.

/** Settings that flags and the environment can give: many texts, or one. */
export const LISTS = [
  'listen',
  'source',
  'discover',
  'accept',
  'share',
  'allowHost',
  'allowOrigin',
  'jwtAlgorithms',
  'trustProxy',
  'nats',
] as const;
export const TEXTS = [
  'socketMode',
  'socketGroup',
  'metricsListen',
  'tokens',
  'tlsCert',
  'tlsKey',
  'tlsClientCa',
  'jwtKey',
  'jwtJwks',
  'jwtIssuer',
  'jwtAudience',
  'jwtClaim',
  'proxyUserHeader',
  'proxyGroupsHeader',
  'data',
  'sync',
  'role',
  'natsCreds',
  'natsCa',
  'natsCert',
  'natsKey',
  'natsReplicas',
  'cluster',
  'member',
  'compression',
  'libvirtCommands',
  'libvirtQueries',
  'logLevel',
] as const;
export type ListSetting = (typeof LISTS)[number];
export type TextSetting = (typeof TEXTS)[number];

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

/** `--allow-host` of `allowHost`. */
export const flagOf = (name: string): string => `--${snake(name).toLowerCase().replaceAll('_', '-')}`;

/** `QMP_GATEWAY_ALLOW_HOST` of `allowHost`; several sources stand in one variable. */
export const variableOf = (name: string): string => `QMP_GATEWAY_${name === 'source' ? 'SOURCES' : snake(name)}`;

/** Variables of the commands that ask a running gateway, and of settings that are neither texts nor lists. */
const OTHERS = [
  'QMP_GATEWAY_URL',
  'QMP_GATEWAY_TOKEN',
  'QMP_GATEWAY_TOKEN_FILE',
  'QMP_GATEWAY_CONFIG',
  'QMP_GATEWAY_INSECURE_NO_AUTH',
  'QMP_GATEWAY_REQUIRE_JWT',
] as const;

/** Kubernetes sets these in every pod beside a service that is named qmp-gateway. */
const OF_KUBERNETES = /^QMP_GATEWAY_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)?)$/;

export interface UnknownVariable {
  name: string;
  /** A variable with nearly that name. */
  meant?: string;
}

/** The variables of the environment that begin with `QMP_GATEWAY_` and that nothing reads, in their order. */
export function unknownVariables(env: Readonly<Record<string, string | undefined>>): UnknownVariable[] {
  const known = [...[...LISTS, ...TEXTS].map(variableOf), ...OTHERS];
  return Object.keys(env)
    .filter((name) => name.startsWith('QMP_GATEWAY_') && !known.includes(name) && !OF_KUBERNETES.test(name))
    .sort()
    .map((name) => {
      const meant = nearest(name, known);
      return meant === undefined ? { name } : { name, meant };
    });
}

/** The known name that was meant by one that nobody knows: at most two letters are other ones, too many or too few; case, `-` and `_` don't count. */
export const nearest = (name: string, known: readonly string[]): string | undefined =>
  known.find((each) => distance(bare(each), bare(name)) <= 2);

const bare = (name: string): string => name.toLowerCase().replace(/[-_]/g, '');

export const describeVariable = ({ name, meant }: UnknownVariable): string =>
  `${name} is set, and is no variable of this program${meant === undefined ? '' : `; ${meant} is one`}`;

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries())
      next.push(Math.min((row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1, (row[j] ?? 0) + (letter === other ? 0 : 1)));
    row = next;
  }
  return row.at(-1) ?? 0;
}
