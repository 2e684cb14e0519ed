// Where the gateway writes faults of its own, each once with its stack. A pino logger is one.

export interface GatewayLogger {
  /** @param fields `err` is the exception. */
  error(fields: { err: unknown; [name: string]: unknown }, message: string): void;
  /** The same, with these fields in every line. */
  child(fields: Record<string, unknown>): GatewayLogger;
}
