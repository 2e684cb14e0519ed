// A real Prometheus in a folder of its own, with the rules of docs/alerts.yml whose waiting times are shortened.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.js';

function runs(binary: string): boolean {
  try {
    execFileSync(binary, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** For `describe.skipIf(!havePrometheus)`. */
export const havePrometheus = runs('prometheus') && runs('promtool');
if (!havePrometheus && process.env.REQUIRE_PROMETHEUS === '1')
  throw new Error('REQUIRE_PROMETHEUS=1, but prometheus or promtool does not run here');
/** Why the suite is skipped; empty when it is not. */
export const whyNoPrometheus = havePrometheus
  ? ''
  : 'skipped: prometheus and promtool do not run here (Debian: apt-get install prometheus)';
if (whyNoPrometheus) console.warn(whyNoPrometheus);

/** @returns what it said, and its exit code. */
export function promtool(args: readonly string[], input = ''): { code: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' });
  return { code: status, said: stdout + stderr };
}

export interface Alert {
  state: 'pending' | 'firing';
  labels: Record<string, string>;
}

export class Prometheus {
  readonly #url: string;
  readonly #folder: string;
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;

  constructor(url: string, folder: string, process: ChildProcess) {
    this.#url = url;
    this.#folder = folder;
    this.#process = process;
    this.#exited = once(process, 'exit');
  }

  /** The `data` of a call of its HTTP API; throws the text of its error. */
  async get<Data>(path: string): Promise<Data> {
    const { status, data, error } = (await (await fetch(`${this.#url}/api/v1/${path}`)).json()) as {
      status: string;
      data: Data;
      error?: string;
    };
    if (status !== 'success') throw new Error(error);
    return data;
  }

  query(expr: string): Promise<{ result: { metric: Record<string, string>; value: [number, string] }[] }> {
    return this.get(`query?query=${encodeURIComponent(expr)}`);
  }

  async alerts(name: string): Promise<Alert[]> {
    const { alerts } = await this.get<{ alerts: Alert[] }>('alerts');
    return alerts.filter(({ labels }) => labels.alertname === name);
  }

  isReady(): Promise<boolean> {
    return fetch(`${this.#url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  async close(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#exited;
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Scrapes the gateway every 200 ms; what an alert waits for is a second at most. @param port of the gateway. */
export async function startPrometheus(port: number): Promise<Prometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'prometheus-'));
  const rules = await readFile('docs/alerts.yml', 'utf8');
  await writeFile(join(folder, 'alerts.yml'), rules.replaceAll(/for: \d+m/g, 'for: 1s'));
  const config = {
    global: { scrape_interval: '200ms', scrape_timeout: '200ms', evaluation_interval: '200ms' },
    rule_files: ['alerts.yml'],
    scrape_configs: [{ job_name: 'qmp-gateway', static_configs: [{ targets: [`127.0.0.1:${port}`] }] }],
  };
  // YAML takes JSON.
  await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config));
  const own = await freePort();
  const args = [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${own}`,
  ];
  const child = spawn('prometheus', args, { stdio: 'ignore' });
  return new Prometheus(`http://127.0.0.1:${own}`, folder, child);
}

/** Prometheus can't say which port it took, so it is given one that was free. */
