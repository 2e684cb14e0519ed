// The flags and help of `serve`. The gateway itself is loaded only by that command, so that others start faster.
import { type Command, Option } from 'commander';
import type { ServeFlags } from './gateway.js';

const collect = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];

export function addServe(program: Command): void {
  program
    .command('serve')
    .description('connect to monitors and serve their events')
    .addOption(new Option('--listen <host:port>', 'where to listen; env QMP_GATEWAY_LISTEN (default 127.0.0.1:7070)'))
    .option('--source <name=uri>', 'a monitor: NAME=unix:/path or NAME=tcp:HOST:PORT; may be repeated', collect)
    .option('--demo', 'a QEMU storage daemon with jobs that come and go; the simulator where none is installed')
    .option('--config <file>', 'a JSON file with the same names as the flags')
    .option('--allow-origin <origin>', 'a web origin beside the gateway’s own; again for more', collect)
    .option('--allow-host <host>', 'a Host header beside loopback names; again for more', collect)
    .option('--tokens <file>', 'a YAML list of tokens, each with what it may see and do (see "token new")')
    .option('--insecure-no-auth', 'listen beyond loopback although nobody is asked who they are')
    .addOption(
      new Option(
        '--compression <when>',
        'of messages to clients: auto for every client that offers it, except loopback peers; env QMP_GATEWAY_COMPRESSION (default auto)',
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
    )
    .addHelpText(
      'after',
      `
Examples:
  $ qmp-gateway serve --demo
  $ qmp-gateway serve --source vm1=unix:/run/vm1.qmp --source vm2=tcp:10.0.0.2:4444
  $ QMP_GATEWAY_SOURCES="vm1=unix:/run/vm1.qmp" qmp-gateway serve --listen 127.0.0.1:8080

QEMU serves one client per monitor: give the gateway its own,
  -chardev socket,id=gw,path=/run/vm1.qmp,server=on,wait=off -mon chardev=gw,mode=control`,
    )
    .action(async (flags: ServeFlags) => (await import('./gateway.js')).serve(flags));
}
