// Log lines about one source for operators: each change once, and of repeated attempts to connect only the first with each reason.
import type { Logger } from 'pino';
import type { SourceSignal } from './port.js';

/** @param logger adds the source's name to each line. */
export function logSignals(logger: Logger): (signal: SourceSignal) => void {
  let lastReason: string | undefined;
  return (signal) => {
    switch (signal.kind) {
      case 'negotiated':
        return logger.info({ qemu: signal.qemu }, 'connected');
      case 'waiting':
        return logger.warn({ reason: signal.reason, detail: signal.detail }, 'source does not answer');
      case 'refused':
        return logger.warn('source refused-query');
      case 'stalled':
        return logger.warn({ waitedMs: signal.waitedMs }, 'source stalled');
      case 'overtaken':
        return logger.warn({ type: signal.type, byMs: signal.byMs }, 'an event came after a reply that it contradicts');
      case 'responsive':
        return logger.info('source responsive');
      case 'down': {
        const { reason, detail, attempt, retryInMs } = signal;
        const level = reason === lastReason && attempt > 1 ? 'debug' : 'warn';
        lastReason = reason;
        return logger[level]({ reason, detail, attempt, retryInMs }, 'source down');
      }
      case 'connecting':
      case 'up':
      case 'event':
      case 'querying':
      case 'jobs':
        return;
    }
  };
}
