// A logger that adds the gateway's exceptions to an array.
import type { GatewayLogger } from '../../src/gateway/logger.js';

/** @param lines where each line goes with all its fields. */
export function recordErrors(errors: unknown[], lines: object[] = [], fields: object = {}): GatewayLogger {
  return {
    warn: () => undefined,
    info: (own, message) => void lines.push({ ...fields, ...own, message }),
    error: (own, message) => {
      errors.push(own.err);
      lines.push({ ...fields, ...own, message });
    },
    child: (more) => recordErrors(errors, lines, { ...fields, ...more }),
  };
}
