// Where the gateway writes what an operator must know: faults of its own, each once with its stack, and what it will refuse. A pino logger is one.

export interface GatewayLogger {
  /** @param fields `err` is the exception. */
  error(fields: { err: unknown; [name: string]: unknown }, message: string): void;
  warn(message: string): void;
  info(fields: Record<string, unknown>, message: string): void;
}
