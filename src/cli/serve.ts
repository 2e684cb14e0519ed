// The flags and help of `serve` and `check-config`. The gateway itself is loaded only by these commands, so that others start faster.
import { type Command, Option } from 'commander';
import type { ServeFlags } from './gateway.js';

const collect = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];

/** Each may stand in the environment or the file too. */
function addSettings(command: Command): Command {
  return command
    .option('--listen <where>', 'HOST:PORT, unix:/path or fd:N; again for more (default 127.0.0.1:7070)', collect)
    .option('--socket-mode <mode>', 'of the file of a unix listener: who can open it needs no token (default 0660)')
    .option('--socket-group <group>', 'of that file')
    .option('--metrics-listen <where>', 'a listener for /metrics and health alone')
    .option(
      '--source <name=uri>',
      'a monitor: NAME=unix:/path or NAME=tcp:HOST:PORT; a domain: NAME=libvirt:DOMAIN; all domains: libvirt:*; again for more',
      collect,
    )
    .option(
      '--discover <pattern>',
      'monitors by their sockets: unix:/run/vms/*.qmp; the stars name them; again for more',
      collect,
    )
    .option(
      '--accept <name=where>',
      'a socket at which QEMU itself connects: NAME=unix:/path or NAME=tcp:HOST:PORT; PREFIX-*=… for any number; again for more',
      collect,
    )
    .option(
      '--share <name=unix:/path>',
      'a unix socket at which other QMP tools use that source; ?allow=query-*,block-job-* says what they may; again for more',
      collect,
    )
    .addOption(
      new Option(
        '--libvirt-commands <which>',
        'verbs of libvirt’s domains: those of libvirt, or full: also by QEMU’s monitor (default abort)',
      ).choices(['abort', 'full']),
    )
    .addOption(
      new Option(
        '--libvirt-queries <how>',
        'how domains are read: by QEMU’s monitor, which taints them, or native, by libvirt alone (default monitor)',
      ).choices(['monitor', 'native']),
    )
    .option('--config <file>', 'a YAML or JSON file of settings')
    .option('--data <folder>', 'keep the log of events there: it then outlives the gateway (default: in memory)')
    .option('--sync <ms>', 'after which what was written to it is on the disk; 0: before it is shown (default 50ms)')
    .addOption(
      new Option(
        '--role <role>',
        'in a cluster: owner has sources, edge has clients, both has both (default both)',
      ).choices(['owner', 'edge', 'both']),
    )
    .option(
      '--nats <url>',
      'a server of NATS, which makes this gateway part of a cluster: nats://HOST:PORT or tls://HOST:PORT; again for more',
      collect,
    )
    .option('--nats-creds <file>', 'a credentials file of NATS')
    .option('--nats-ca <file>', 'authorities of the certificates of these servers, in PEM')
    .option('--nats-cert <file>', 'the certificate that they are shown')
    .option('--nats-key <file>', 'its private key')
    .option('--nats-replicas <n>', 'how many servers keep the stream, where it has to be made: 1, 3 or 5 (default 1)')
    .option('--cluster <name>', 'the name of the cluster: letters, digits, - and _ (default qmp)')
    .option('--member <name>', 'the name of this gateway in it (default: of its host and process)')
    .option('--require-jwt', 'as an owner carry out no command without a JWT of its caller, verified here')
    .option('--allow-origin <origin>', 'a web origin beside the gateway’s own; again for more', collect)
    .option('--allow-host <host>', 'a Host header beside loopback names; again for more', collect)
    .option('--tokens <file>', 'a YAML list of tokens, each with what it may see and do (see "token new")')
    .option('--tls-cert <file>', 'the certificate of the TCP listeners, in PEM')
    .option('--tls-key <file>', 'its private key')
    .option('--tls-client-ca <file>', 'authorities whose certificates clients may present')
    .option('--jwt-key <file>', 'the public key of an issuer of JWTs: PEM, a JWK or a JWKS')
    .option('--jwt-jwks <url>', 'the URL of its JWKS, in place of --jwt-key')
    .option('--jwt-issuer <iss>', 'the issuer that a JWT must name')
    .option('--jwt-audience <aud>', 'the audience that it must name')
    .option(
      '--jwt-algorithms <name>',
      'an algorithm that is accepted; again for more (default RS256 ES256 EdDSA)',
      collect,
    )
    .option('--jwt-claim <name>', 'the claim that has {read, control, metrics} (default qmp)')
    .option(
      '--trust-proxy <peer>',
      'a proxy whose headers are believed: address, range or unix; again for more',
      collect,
    )
    .option('--proxy-user-header <name>', 'in which such a proxy names the user')
    .option('--proxy-groups-header <name>', 'in which it names the user’s groups')
    .option('--insecure-no-auth', 'listen beyond loopback although nobody is asked who they are')
    .addOption(
      new Option(
        '--compression <when>',
        'of messages to clients: auto for every client that offers it, except loopback peers (default auto)',
      ).choices(['auto', 'on', 'off']),
    )
    .addOption(
      new Option('--log-level <level>', 'lowest level that is logged (default info)').choices([
        'fatal',
        'error',
        'warn',
        'info',
        'debug',
        'trace',
        'silent',
      ]),
    );
}

export function addServe(program: Command): void {
  const serve = program.command('serve').description('connect to monitors and serve their events');
  addSettings(serve)
    .option('--demo', 'a QEMU storage daemon with jobs that come and go; the simulator where none is installed')
    .addHelpText(
      'after',
      `
Each setting may also be a variable: QMP_GATEWAY_ALLOW_HOST for --allow-host, QMP_GATEWAY_SOURCES for --source.

Examples:
  $ qmp-gateway serve --demo
  $ qmp-gateway serve --source vm1=unix:/run/vm1.qmp --source vm2=tcp:10.0.0.2:4444
  $ qmp-gateway serve --source 'libvirt:*'
  $ qmp-gateway serve --config /etc/qmp-gateway/gateway.yaml

QEMU serves one client per monitor: give the gateway its own,
  -chardev socket,id=gw,path=/run/vm1.qmp,server=on,wait=off -mon chardev=gw,mode=control
or let it connect to the gateway, with --accept vm1=unix:/run/vm1.sock:
  -chardev socket,id=gw,path=/run/vm1.sock,server=off,reconnect=2 -mon chardev=gw,mode=control`,
    )
    .action(async (flags: ServeFlags) => (await import('./gateway.js')).serve(flags));
  const check = program
    .command('check-config')
    .description('say what "serve" would do with these settings, or what is wrong with them');
  addSettings(check)
    .option('--json', 'one JSON object for programs')
    .addHelpText(
      'after',
      `
Example:
  $ qmp-gateway check-config --config /etc/qmp-gateway/gateway.yaml`,
    )
    .action(async ({ json, ...flags }: ServeFlags & { json?: boolean }) =>
      (await import('./check-config.js')).checkConfig(flags, json === true),
    );
}
