// `cluster status`: the members of a cluster and its stream, asked of NATS.
import type { Command } from 'commander';
import type { ClusterStatus, StatusError } from '../../cluster/index.js';
import type { ClusterSettings, ConfigInput } from '../../config/index.js';
import { CliError, EXIT, type ExitCode } from '../exit.js';
import { type ListOptions, tableLines } from '../list.js';
import { jsonOption } from '../options.js';
import { printJson, printPainted } from '../output.js';
import { timesIn, utcOption } from '../times.js';
import { duration } from '../values.js';
import { statusLines } from './status-lines.js';

type StatusOptions = ConfigInput & Pick<ListOptions, 'headers'> & { wait: number; json?: boolean; utc?: boolean };

const collect = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];

export function addCluster(program: Command): void {
  program
    .command('cluster')
    .description('gateways that serve the same sources over NATS (serve --nats)')
    .command('status')
    .description('list the owners with their sources, the edges with their lag, and the state of the stream')
    .option('--nats <url>', 'a server of NATS: nats://HOST:PORT or tls://HOST:PORT; again for more', collect)
    .option('--cluster <name>', 'the name of the cluster (default qmp)')
    .option('--nats-creds <file>', 'a credentials file of NATS')
    .option('--nats-ca <file>', 'authorities of the certificates of these servers, in PEM')
    .option('--nats-cert <file>', 'the certificate that they are shown')
    .option('--nats-key <file>', 'its private key')
    .option('--config <file>', 'a file of settings that has them')
    .option('--wait <duration>', 'for the answers of members', duration(50, 60_000), 500)
    .option('--no-headers', 'no lines of headings')
    .addOption(utcOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Each setting may also be a variable, as of "serve": QMP_GATEWAY_NATS for --nats.

Examples:
  $ qmp-gateway cluster status --nats nats://nats1:4222
  $ qmp-gateway cluster status --config /etc/qmp-gateway/gateway.yaml --json | jq .stream.last`,
    )
    .action(status);
}

async function status({ wait, json, utc, headers, ...flags }: StatusOptions): Promise<void> {
  const settings = await settingsOf(flags);
  const { collectStatus } = await import('../../cluster/index.js');
  const found = await collectStatus(settings, settings.name, wait).catch((error: unknown) => fail(error, settings));
  if (json) printJson(found);
  else printPainted(...linesOf(found, utc === true, headers));
  if (found.members.length > 0) return;
  throw new CliError(EXIT.failed, [
    `no member of the cluster ${settings.name} answers within ${wait} ms`,
    '  hint: is "qmp-gateway serve --nats" running with this --cluster? --wait 2s waits longer',
  ]);
}

const linesOf = (found: ClusterStatus, utc: boolean, headers: boolean | undefined): string[] =>
  statusLines(found, timesIn(utc), (columns, rows) => tableLines(columns, rows, { headers: headers ?? true }));

async function settingsOf(flags: ConfigInput): Promise<ClusterSettings> {
  const { readClusterSettings } = await import('../../config/index.js');
  const read = readClusterSettings(flags, process.env);
  if (!read.ok) throw new CliError(EXIT.usage, read.problems);
  if (read.cluster) return read.cluster;
  throw new CliError(EXIT.usage, 'which cluster? --nats nats://HOST:PORT, QMP_GATEWAY_NATS or --config says it');
}

const CODES: Readonly<Record<StatusError['kind'], ExitCode>> = {
  unreachable: EXIT.unreachable,
  refused: EXIT.failed,
  jetstream: EXIT.failed,
  stream: EXIT.failed,
};

async function fail(error: unknown, { servers, name }: ClusterSettings): Promise<never> {
  const { StatusError } = await import('../../cluster/index.js');
  if (!(error instanceof StatusError)) throw error;
  const { redactServer } = await import('../../config/index.js');
  const { kind, message } = error;
  const where = servers.map(redactServer).join(' and ');
  const lines: Record<StatusError['kind'], string[]> = {
    unreachable: [`no server of NATS at ${where}: ${message}`],
    refused: [
      `NATS at ${where} refuses: ${message}`,
      '  hint: this needs the permissions of "status" in docs/CLUSTER.md; a user stands in the URL, or --nats-creds has it',
    ],
    jetstream: [`NATS at ${where} has no JetStream that answers: ${message}`],
    stream: [
      `NATS at ${where} has no stream ${name}: ${message}`,
      '  hint: its first owner makes it; --cluster names another cluster',
    ],
  };
  throw new CliError(CODES[kind], lines[kind], { cause: error });
}
