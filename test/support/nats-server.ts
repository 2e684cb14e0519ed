// A NATS server with JetStream on a free port of loopback, with its files in a folder that goes with it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from './free-port.js';

export interface NatsServer {
  url: string;
  stop: () => Promise<void>;
}

/** @param config the text of a configuration file, without port, JetStream and its folder. @param env for its `$VARIABLES`. */
export async function startNats(config = '', env: Record<string, string> = {}): Promise<NatsServer> {
  const folder = mkdtempSync(join(tmpdir(), 'nats-'));
  const file = join(folder, 'nats-server.conf');
  writeFileSync(file, config);
  const port = await freePort();
  const args = ['-c', file, '-js', '-sd', join(folder, 'data'), '-a', '127.0.0.1', '-p', String(port)];
  const server = spawn('nats-server', args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  const exit = once(server, 'exit');
  const said: string[] = [];
  const ready = new Promise<boolean>((resolve) => {
    const lines = createInterface({ input: server.stderr });
    lines.on('line', (line) => {
      said.push(line);
      if (line.includes('Server is ready')) resolve(true);
    });
    lines.on('close', () => resolve(false));
  });
  const stop = async (): Promise<void> => {
    server.kill('SIGKILL');
    await exit;
    rmSync(folder, { recursive: true, force: true });
  };
  if (await ready) return { url: `nats://127.0.0.1:${port}`, stop };
  await stop();
  throw new Error(`nats-server did not start: ${said.join('\n')}`);
}
