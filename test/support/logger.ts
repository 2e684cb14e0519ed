// A logger that adds the gateway's exceptions to an array.
import type { GatewayLogger } from '../../src/gateway/logger.js';

/** @param lines where each line goes with its fields. */
export function recordErrors(errors: unknown[], lines: object[] = []): GatewayLogger {
  return {
    warn: () => undefined,
    info: (fields, message) => void lines.push({ ...fields, message }),
    error: (fields, message) => {
      errors.push(fields.err);
      lines.push({ ...fields, message });
    },
  };
}
