// Every setting: its name in the file, its flag and variable, and its form. The published JSON Schema is made from this table.
import { z } from 'zod';
import { CERTIFICATES, PROXY_GROUPS } from '../access/index.js';
import { COMPRESSION } from '../gateway/index.js';
import { WEBHOOKS } from '../webhooks/index.js';
import { LIMIT_SETTINGS } from './limits.js';

/** Which verbs of a libvirt domain: those of libvirt itself, or also those that need QEMU's monitor. */
export const LIBVIRT_COMMANDS = ['abort', 'full'] as const;
/** What is read of a domain: by QEMU's queries, which taint it, or by libvirt's own. */
export const LIBVIRT_QUERIES = ['monitor', 'native'] as const;
/** What a gateway does in a cluster. */
export const CLUSTER_ROLES = ['owner', 'edge', 'both'] as const;
export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const text = (description: string): z.ZodOptional<z.ZodString> => z.string().describe(description).optional();
const list = (description: string): z.ZodOptional<z.ZodUnion<readonly [z.ZodString, z.ZodArray<z.ZodString>]>> =>
  z
    .union([z.string(), z.array(z.string())])
    .describe(description)
    .optional();

/** The file. A member that a flag can give too has the flag's name in camel case. */
export const SETTINGS = z
  .strictObject({
    listen: list('Where clients connect: HOST:PORT, unix:/path, or fd:N of a service manager. Default 127.0.0.1:7070.'),
    // YAML reads 0o660 as 432.
    socketMode: z
      .string('expected a text in quotes, as "0660"')
      .describe('Mode of the socket file of a unix listener, in octal: who can open it needs no token. Default 0660.')
      .optional(),
    socketGroup: z
      .union([z.string(), z.int()])
      .describe('Group of that file, by name or number. Default: that of the process.')
      .optional(),
    metricsListen: text('A listener for /metrics, /healthz and /readyz alone; on loopback it needs no credentials.'),
    source: z
      .union([z.string(), z.array(z.string()), z.record(z.string(), z.string())])
      .describe(
        'Monitors and domains: a list of NAME=URI or libvirt:*, or a map of names to unix:/path, tcp:HOST:PORT or libvirt:DOMAIN.',
      )
      .optional(),
    discover: list('Monitors found by their sockets: unix:/path with stars, which name the source.'),
    accept: list(
      'Sockets at which QEMUs connect: NAME=unix:/path?mode=0660&group=NAME or NAME=tcp:HOST:PORT; PREFIX-* for any number.',
    ),
    share: list('Unix sockets for other QMP tools: NAME=unix:/path, with ?allow=GLOB,GLOB&mode=0660&group=NAME.'),
    libvirtCommands: z
      .enum(LIBVIRT_COMMANDS)
      .describe('Verbs of libvirt’s domains: abort, or full, which also writes to QEMU’s monitor. Default abort.')
      .optional(),
    libvirtQueries: z
      .enum(LIBVIRT_QUERIES)
      .describe(
        'How domains are read: by QEMU’s monitor, which taints them, or native, by libvirt’s own calls. Default monitor.',
      )
      .optional(),
    allowHost: list('Host headers beside loopback names.'),
    allowOrigin: list('Web origins beside the gateway’s own.'),
    tokens: text('A YAML file of tokens: every TCP client must be known.'),
    tlsCert: text('A PEM file with the certificate of the TCP listeners, and those between it and the authority.'),
    tlsKey: text('A PEM file with its private key.'),
    tlsClientCa: text('A PEM file with the authorities whose certificates clients may present.'),
    certificates: CERTIFICATES.describe('Which client certificate is which principal.').optional(),
    jwtKey: text('A file with the public key of an issuer of JWTs: PEM, a JWK or a JWKS.'),
    jwtJwks: text('The URL of an issuer’s JWKS, in place of jwtKey.'),
    jwtIssuer: text('The claim iss that a JWT must have.'),
    jwtAudience: text('The claim aud that a JWT must have.'),
    jwtAlgorithms: list('Algorithms that are accepted. Default RS256 ES256 EdDSA.'),
    jwtClaim: text('The claim that has {read, control, metrics}. Default qmp.'),
    trustProxy: list('Proxies whose headers are believed: addresses, ranges as 10.0.0.0/8, or unix.'),
    proxyUserHeader: text('The header in which a trusted proxy names the user, as X-Forwarded-User.'),
    proxyGroupsHeader: text('The header in which it names the user’s groups, separated by commas.'),
    proxyGroups: PROXY_GROUPS.describe('What each of these groups grants; * is every user.').optional(),
    insecureNoAuth: z.boolean().describe('Listen beyond loopback although nobody is asked who they are.').optional(),
    data: text('A folder for the log of events, which then outlives the gateway. Default: in memory.'),
    sync: z
      .union([z.string(), z.int()])
      .describe('Time after which what was written to it is on the disk, as 50ms; 0: before it is shown. Default 50ms.')
      .optional(),
    role: z
      .enum(CLUSTER_ROLES)
      .describe('In a cluster: owner has sources, edge has clients, both has both. Default both.')
      .optional(),
    nats: list('Servers of NATS, which make this gateway part of a cluster: nats://HOST:PORT or tls://HOST:PORT.'),
    natsCreds: text('A credentials file of NATS: the JWT of a user, and the seed of its key.'),
    natsCa: text('A PEM file with the authorities of the certificates of these servers.'),
    natsCert: text('A PEM file with the certificate that these servers are shown.'),
    natsKey: text('A PEM file with its private key.'),
    natsReplicas: z
      .union([z.string(), z.int()])
      .describe('How many servers keep the stream, where it has to be made: 1, 3 or 5. Default 1.')
      .optional(),
    cluster: text('The name of the cluster: letters, digits, - and _. Default qmp.'),
    member: text('The name of this gateway in the cluster. Default: of its host and process.'),
    requireJwt: z
      .boolean()
      .describe('An owner carries out commands of those clients of edges alone whose JWT it has verified itself.')
      .optional(),
    webhooks: WEBHOOKS.describe('Where matching events are POSTed, at least once and in order.').optional(),
    compression: z.enum(COMPRESSION).describe('Of messages to clients that offer it. Default auto.').optional(),
    logLevel: z.enum(LOG_LEVELS).describe('The lowest level that is logged. Default info.').optional(),
    limits: LIMIT_SETTINGS.describe('Bounds, each with a default.').optional(),
  })
  .describe('Settings of qmp-gateway serve');

export type SettingsFile = z.output<typeof SETTINGS>;
