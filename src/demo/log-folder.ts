// Where the demo keeps its log, so that its history and its open pages survive a restart.
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Bytes of that log: a demo takes little of somebody's home. */
export const DEMO_LOG_BYTES = 32 * 1024 * 1024;

/** @param env of the process: `XDG_STATE_HOME`, of which a relative path counts as none; default `~/.local/state`. */
export function demoLogFolder({ XDG_STATE_HOME: given = '' }: NodeJS.ProcessEnv = process.env): string {
  return join(given.startsWith('/') ? given : join(homedir(), '.local', 'state'), 'qmp-gateway', 'demo');
}
