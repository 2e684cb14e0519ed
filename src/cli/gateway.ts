// The gateway as a process: configured by flags, environment and file; listens until SIGTERM or SIGINT; logs to stderr.
import { relative } from 'node:path';
import type { Logger } from 'pino';
import { type App, start } from '../app.js';
import {
  type Config,
  type ConfigInput,
  describeVariable,
  EXPOSED,
  readConfig,
  unknownVariables,
} from '../config/index.js';
import { DEMO_LOG_BYTES, type Demo, demoLogFolder, openDemo } from '../demo/index.js';
import { CliError, EXIT } from './exit.js';
import { openLogger } from './logger.js';
import { print } from './output.js';
import { endAnyway, stopSignal } from './signals.js';

/** Milliseconds that a start has to end after a signal: the disk of its folder may hang. */
const START_MS = 10_000;

export type ServeFlags = ConfigInput & { demo?: boolean };

export async function serve(flags: ServeFlags): Promise<void> {
  const read = readConfig(flags, process.env);
  if (!read.ok) throw new CliError(EXIT.usage, read.problems);
  if (flags.demo && read.config.cluster?.role === 'edge')
    throw new CliError(EXIT.usage, '--demo: an edge has no sources: they are those of the owners');
  const { logger, setLevel } = openLogger(read.config.logLevel);
  endOnInternalError(logger);
  for (const each of unknownVariables(process.env)) logger.warn({ variable: each.name }, describeVariable(each));
  // Under a terminal SIGHUP says that it was closed.
  const reloads = read.config.reloads && !process.stderr.isTTY && !process.stdin.isTTY;
  let app: App | undefined;
  let demo: Demo | undefined;
  let demoLog = flags.demo && !read.config.data ? demoLogOf() : undefined;
  const withDemo = (config: Config): Config =>
    demo ? { ...config, ...demoLog, sources: [...config.sources, ...demo.sources] } : config;
  let isDue = false;
  const again = (): void => {
    // What was read before the start may be old by now, so it is read again after it.
    if (!app) {
      isDue = true;
      return;
    }
    const next = readConfig(flags, process.env);
    if (next.ok && reload(app, withDemo(next.config), logger)) setLevel(next.config.logLevel);
    if (!next.ok) {
      app.unread();
      logger.error({ problems: next.problems }, 'nothing was changed: the configuration has problems');
    }
  };
  const stop = stopSignal(reloads ? again : undefined);
  void stop.then(() => {
    if (!app) endAnyway(() => logger.warn('the start has not ended: the process ends without it'), START_MS);
  });
  if (flags.demo) demo = await openDemo((problem) => logger.warn({ problem }, 'demo'));
  const config = withDemo(read.config);
  if (config.sources.length + config.discoveries.length === 0 && !config.hasFile && config.cluster?.role !== 'edge')
    throw new CliError(
      EXIT.usage,
      'nothing to serve: give a --source NAME=unix:/path, or libvirt:*, or an --accept NAME=unix:/path, or --demo',
    );
  if (config.insecureNoAuth) logger.warn('no authentication: everybody who reaches this port can cancel jobs');
  let inMemory: string | undefined;
  app = await listen(config, logger)
    .catch((error: unknown) => {
      // The demo does without its log: another demo has it, or this home can't be written to.
      if (!demoLog || !isOfData(error, config)) throw error;
      demoLog = undefined;
      inMemory = error instanceof Error ? error.message : String(error);
      return listen(withDemo(read.config), logger);
    })
    .catch(async (error: unknown) => {
      await demo?.close();
      throw error;
    });
  announce(app, demo, inMemory);
  if (isDue) again();
  const why = await Promise.race([stop, app.failed]);
  if (why instanceof Error) logger.fatal({ err: why }, 'the log of events failed: the gateway ends');
  else logger.info({ signal: why }, 'closing');
  await app.close();
  await demo?.close();
  endAnyway(() => logger.warn('the disk does not answer: the process ends without it'));
  if (why instanceof Error) throw new CliError(EXIT.failed, why.message, { cause: why });
}

/** A configuration that can't be used changes nothing. */
function reload(app: App, config: Config, logger: Logger): boolean {
  try {
    const { sources, webhooks, needRestart } = app.reload(config);
    logger.info({ sources, webhooks }, 'the configuration was read again');
    if (needRestart.length > 0) logger.warn({ settings: needRestart }, 'these settings need a restart');
    return true;
  } catch (error) {
    app.unread();
    logger.error({ err: error }, 'nothing was changed: the configuration cannot be used');
    return false;
  }
}

async function listen(config: Config, logger: Logger): Promise<App> {
  try {
    return await start(config, logger);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const cause = { cause: error };
    if (code === 'EXPOSED') throw new CliError(EXIT.usage, `${message}: ${EXPOSED}`, cause);
    if (isOfData(error, config)) throw new CliError(EXIT.failed, message, cause);
    const where = whereOf(error as NodeJS.ErrnoException, config);
    if (code === 'EADDRINUSE')
      throw new CliError(EXIT.usage, `${where} is in use, perhaps by another gateway; choose another place`, cause);
    if (code !== undefined && CANT_LISTEN.includes(code))
      throw new CliError(EXIT.usage, `can't listen on ${where}: ${message}`, cause);
    throw error;
  }
}

/** The error of the file system names the path. */
function isOfData(error: unknown, { data }: Config): boolean {
  return error instanceof Error && data !== undefined && error.message.includes(data.folder);
}

/** Settings of the demo's log. */
function demoLogOf(): Pick<Config, 'data'> {
  return { data: { folder: demoLogFolder(), syncMs: 50, maxBytes: DEMO_LOG_BYTES } };
}

const CANT_LISTEN = ['EACCES', 'EPERM', 'EADDRNOTAVAIL', 'ENOTFOUND', 'ENOENT', 'ENOTDIR'];

/** As the error says it; the error of a name that is not found does not. */
function whereOf(error: NodeJS.ErrnoException & { address?: string; port?: number }, { listen }: Config): string {
  const { address, port = -1 } = error;
  // A path has the port -1.
  if (address !== undefined) return port < 0 ? address : `${address}:${port}`;
  const [first] = listen;
  return first?.kind === 'tcp' ? `${first.host}:${first.port}` : 'the socket';
}

/** @param inMemory why the demo has no log on disk. */
function announce({ url, urls, metricsUrl }: App, demo: Demo | undefined, inMemory: string | undefined): void {
  const from = url === 'http://127.0.0.1:7070/' ? '' : ` --url ${url.slice(0, -1)}`;
  const lines = [
    urls.length > 0
      ? `qmp-gateway listens at ${urls.join(' and ')}`
      : 'qmp-gateway is an owner: edges have its clients',
    ...(metricsUrl === undefined ? [] : [`metrics and health: ${metricsUrl}`]),
    ...(demo ? [`demo: ${demo.what}`] : []),
    ...(inMemory === undefined ? [] : [`its log is in memory: ${inMemory}`]),
    // Beside logs for programs there is nobody to try it.
    ...(process.stdout.isTTY ? [`try: ${ownCommand()} events${from}`] : []),
  ];
  print(...lines);
}

/** The command that started this process: the package's name where it is installed, the file in a clone. */
function ownCommand(): string {
  const file = process.argv[1] ?? '';
  return file.endsWith('.js') ? `node ${relative(process.cwd(), file)}` : 'npx qmp-gateway';
}

/** After an exception of its own the gateway's state is uncertain: it logs the exception and exits with a code for which a supervisor restarts it. */
function endOnInternalError(logger: Logger): void {
  const end = (err: unknown): void => {
    logger.fatal({ err }, 'internal error: the gateway ends');
    process.exit(EXIT.failed);
  };
  process.on('uncaughtException', end);
  process.on('unhandledRejection', end);
}
