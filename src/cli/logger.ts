// The log of the gateway as a process: JSON lines on stderr for machines, readable ones on a terminal; its level can be changed while it runs.
import { type Logger, pino, stdTimeFunctions } from 'pino';
import pretty from 'pino-pretty';
import type { Config } from '../config/index.js';
import { printable } from './output.js';

export interface ProcessLogger {
  readonly logger: Logger;
  setLevel(level: Config['logLevel']): void;
}

export function openLogger(level: Config['logLevel']): ProcessLogger {
  const destination = pino.destination({ dest: 2, sync: true });
  // stdout or stderr may be closed with its terminal or reader: the gateway goes on without them until it gets a signal.
  destination.on('error', () => undefined);
  process.stdout.removeAllListeners('error').on('error', () => undefined);
  // A child of a pino logger keeps the level that its parent had when it was made.
  const children = new Set<WeakRef<Logger>>();
  const onChild = (child: Logger): void => {
    for (const each of children) if (!each.deref()) children.delete(each);
    children.add(new WeakRef(child));
  };
  const options = { level, base: null, timestamp: stdTimeFunctions.isoTime, onChild };
  const logger = process.stderr.isTTY
    ? pino(
        { ...options, formatters: { log: harmless } },
        pretty({ destination, colorize: true, translateTime: 'SYS:HH:MM:ss.l' }),
      )
    : pino(options, destination);
  return {
    logger,
    setLevel: (next) => {
      logger.level = next;
      for (const child of children) {
        const alive = child.deref();
        if (alive) alive.level = next;
      }
    },
  };
}

/** The log contains texts from monitors, such as job ids and errors, so control characters are escaped. */
const harmless = (fields: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, typeof value === 'string' ? printable(value) : value]),
  );
