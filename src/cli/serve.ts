// `serve`: the gateway. In: flags, environment, file. Out: a listening server until SIGTERM or SIGINT; logs on stderr.
import { type Command, Option } from 'commander';
import { type Logger, pino, stdTimeFunctions } from 'pino';
import pretty from 'pino-pretty';
import { type App, start } from '../app.js';
import { type Config, type ConfigInput, LOG_LEVELS, readConfig } from '../config.js';
import { type Demo, openDemo } from '../demo/index.js';
import { CliError, EXIT } from './exit.js';

const collect = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];

export function addServe(program: Command): void {
  program
    .command('serve')
    .description('connect to monitors and serve their events')
    .addOption(new Option('--listen <host:port>', 'where to listen; env QMP_GATEWAY_LISTEN (default 127.0.0.1:7070)'))
    .option('--source <name=uri>', 'a monitor: NAME=unix:/path or NAME=tcp:HOST:PORT; again for more', collect)
    .option('--demo', 'a QEMU storage daemon with jobs that come and go; the simulator where none is installed')
    .option('--config <file>', 'a JSON file with the same names as the flags')
    .option('--allow-origin <origin>', 'a web origin beside the gateway’s own; again for more', collect)
    .option('--allow-host <host>', 'a Host header beside loopback names; again for more', collect)
    .option('--insecure-no-auth', 'listen beyond loopback although nobody is asked who they are')
    .addOption(
      new Option('--log-level <level>', 'least important line that is logged (default info)').choices(LOG_LEVELS),
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
    .action((flags: ConfigInput & { demo?: boolean }) => serve(flags));
}

async function serve(flags: ConfigInput & { demo?: boolean }): Promise<void> {
  const read = readConfig(flags, process.env);
  if (!read.ok) throw new CliError(EXIT.usage, read.problems.join('\n'));
  const logger = openLogger(read.config.logLevel);
  const stop = stopSignal();
  const demo = flags.demo ? await openDemo() : undefined;
  const config: Config = demo ? { ...read.config, sources: [...read.config.sources, ...demo.sources] } : read.config;
  if (config.sources.length === 0)
    throw new CliError(EXIT.usage, 'nothing to serve: give a --source NAME=unix:/path, or --demo');
  if (config.insecureNoAuth) logger.warn('no authentication: everybody who reaches this port can cancel jobs');
  const app = await listen(config, logger).catch(async (error: unknown) => {
    await demo?.close();
    throw error;
  });
  announce(app, demo);
  const signal = await stop;
  logger.info({ signal }, 'closing');
  await app.close();
  await demo?.close();
}

async function listen(config: Config, logger: Logger): Promise<App> {
  try {
    return await start(config, logger);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const where = `${config.listen.host}:${config.listen.port}`;
    if (code === 'EADDRINUSE')
      throw new CliError(EXIT.usage, `${where} is in use: another gateway? --listen takes another port`, {
        cause: error,
      });
    if (code === 'EACCES' || code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
      throw new CliError(EXIT.usage, `can't listen on ${where}: ${message}`, { cause: error });
    throw error;
  }
}

function announce({ url }: App, demo: Demo | undefined): void {
  const from = url === 'http://127.0.0.1:7070/' ? '' : ` --url ${url.slice(0, -1)}`;
  const lines = [
    `qmp-gateway listens at ${url}`,
    ...(demo ? [`demo: ${demo.what}`] : []),
    `try: npx qmp-gateway events${from}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** JSON lines on stderr for machines, readable ones on a terminal. */
function openLogger(level: Config['logLevel']): Logger {
  const options = { level, base: null, timestamp: stdTimeFunctions.isoTime };
  if (process.stderr.isTTY)
    return pino(options, pretty({ destination: 2, sync: true, colorize: true, translateTime: 'SYS:HH:MM:ss.l' }));
  return pino(options, pino.destination({ fd: 2, sync: true }));
}

function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
}
