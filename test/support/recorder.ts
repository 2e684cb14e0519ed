// What a gateway has reported to its metrics.
import type { GatewayRecorder } from '../../src/gateway/index.js';

export class TestRecorder implements GatewayRecorder {
  /** Names of the limits that were met, in order. */
  readonly limits: string[] = [];
  readonly failures: string[] = [];
  readonly commands: Parameters<GatewayRecorder['answered']>[0][] = [];

  limited(limit: string): void {
    this.limits.push(limit);
  }

  authenticationFailed(kind: string): void {
    this.failures.push(kind);
  }

  answered(command: Parameters<GatewayRecorder['answered']>[0]): void {
    this.commands.push(command);
  }
}
