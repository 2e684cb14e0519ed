// A real libvirtd with domains of real QEMUs, in a mount namespace of its own: it sees none of the host's configuration and leaves nothing behind.
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll } from 'vitest';
import { type Qemu, startQemu } from './qemu.js';
import { have } from './required.js';

const run = promisify(execFile);
/** For `describe.skipIf(!haveLibvirt)`. A mount namespace needs root. */
export const haveLibvirt = have(
  'libvirtd',
  'REQUIRE_LIBVIRT',
  process.getuid?.() === 0 && existsSync('/usr/bin/virsh') && existsSync('/usr/bin/qemu-system-x86_64'),
);

/** Folders that libvirtd has outside of its socket's. */
const PRIVATE = {
  etc: '/etc/libvirt',
  lib: '/var/lib/libvirt',
  log: '/var/log/libvirt',
  run: '/run/libvirt',
  cache: '/var/cache/libvirt',
};

const QEMU_CONF = `user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = []
namespaces = []
remember_owner = 0
stdio_handler = "file"
`;

export interface DomainOptions {
  /** Defined, so that it can be started again. Default false. */
  persistent?: boolean;
  /** Default 1. */
  disks?: number;
  /** Each disk is a null-co node behind NBD that answers after so many milliseconds, 16 requests at a time: a backup of it is slow from its start. Default: a file. */
  latencyMs?: number;
}

const FILE_MIB = 64;
/** It takes more than half an hour to copy at 16 MiB each 500 ms. */
const SLOW_BYTES = 68_719_476_736;

function fileDisk(file: string): string {
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', file, `${FILE_MIB}M`]);
  execFileSync('qemu-io', ['-c', `write -q -P 7 0 ${FILE_MIB - 16}M`, file]);
  return `<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='${file}'/></disk>`;
}

const remoteDisk = (name: string, socket: string): string =>
  `<disk type='network' device='disk'><driver name='qemu' type='raw'/>
<source protocol='nbd' name='${name}'><host transport='unix' socket='${socket}'/></source></disk>`;

export class Libvirt {
  readonly folder = mkdtempSync(join(tmpdir(), 'qmp-gateway-libvirt-'));
  readonly socket = join(this.folder, 'sock/libvirt-sock');
  readonly #servers: Qemu[] = [];
  #daemon: ChildProcess | undefined;

  constructor() {
    for (const name of [...Object.keys(PRIVATE), 'sock', 'disks']) mkdirSync(join(this.folder, name));
    for (const file of ['passwd', 'group']) copyFileSync(`/etc/${file}`, join(this.folder, file));
    const has = (file: string, name: string): boolean =>
      new RegExp(`^${name}:`, 'm').test(readFileSync(join(this.folder, file), 'utf8'));
    // libvirtd looks for this user even where the configuration names another.
    if (!has('passwd', 'libvirt-qemu'))
      appendFileSync(join(this.folder, 'passwd'), 'libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin\n');
    if (!has('group', 'libvirt-qemu')) appendFileSync(join(this.folder, 'group'), 'libvirt-qemu:x:64055:\n');
    if (!has('group', 'kvm')) appendFileSync(join(this.folder, 'group'), 'kvm:x:64056:\n');
    writeFileSync(join(this.folder, 'etc/qemu.conf'), QEMU_CONF);
    writeFileSync(
      join(this.folder, 'libvirtd.conf'),
      `unix_sock_dir = "${join(this.folder, 'sock')}"\nauth_unix_rw = "none"\nauth_unix_ro = "none"\n`,
    );
  }

  /** Of the process; after a kill another. */
  get pid(): number {
    return Number(readFileSync(join(this.folder, 'pid'), 'utf8'));
  }

  /** Resolves when it serves calls. */
  async start(): Promise<void> {
    const mounts = Object.entries(PRIVATE).map(
      ([name, at]) => `mkdir -p ${at}; mount --bind ${join(this.folder, name)} ${at}`,
    );
    const files = ['passwd', 'group'].map((file) => `mount --bind ${join(this.folder, file)} /etc/${file}`);
    const script = [...files, ...mounts, `exec libvirtd -f ${this.folder}/libvirtd.conf -p ${this.folder}/pid`].join(
      '\n',
    );
    this.#daemon = spawn('unshare', ['--mount', '--propagation', 'private', 'bash', '-ec', script], {
      stdio: 'ignore',
    });
    const daemon = this.#daemon;
    for (;;) {
      try {
        await this.virsh('list');
        return;
      } catch (error) {
        if (daemon.exitCode !== null) throw new Error(`libvirtd ended with ${daemon.exitCode}`, { cause: error });
      }
    }
  }

  /** Domains go on. */
  async kill(): Promise<void> {
    const daemon = this.#daemon;
    if (!daemon || daemon.exitCode !== null || daemon.signalCode !== null) return;
    const gone = once(daemon, 'exit');
    daemon.kill('SIGKILL');
    await gone;
    rmSync(join(this.folder, 'pid'), { force: true });
  }

  signal(signal: NodeJS.Signals): void {
    this.#daemon?.kill(signal);
  }

  /** @returns what it prints; rejects with the error's text. */
  async virsh(...args: readonly string[]): Promise<string> {
    const { stdout } = await run('virsh', ['-q', '-c', `qemu:///system?socket=${this.socket}`, ...args]);
    return stdout.trim();
  }

  /** A running domain whose guest does not run, with disks `vda`, `vdb` and so on. */
  async domain(name: string, { persistent = false, disks = 1, latencyMs }: DomainOptions = {}): Promise<void> {
    const targets = ['vda', 'vdb', 'vdc'].slice(0, disks);
    const socket = latencyMs === undefined ? undefined : await this.#serve(targets, latencyMs);
    const devices = targets.map((target) => {
      const disk = socket
        ? remoteDisk(target, socket)
        : fileDisk(this.disk(`${encodeURIComponent(name)}-${target}.qcow2`));
      return disk.replace('</disk>', `<target dev='${target}' bus='virtio'/></disk>`);
    });
    const xml = join(this.folder, 'domain.xml');
    writeFileSync(
      xml,
      `<domain type='qemu'><name>${name}</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type></os><devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
${devices.join('')}</devices></domain>`,
    );
    if (persistent) await this.virsh('define', xml);
    await (persistent ? this.virsh('start', name, '--paused') : this.virsh('create', xml, '--paused'));
  }

  /**
   * virsh listens to the events of a monitor from now on.
   *
   * @returns resolves with so many events of a job, each as its type and QEMU's time.
   */
  async hear(domain: string): Promise<(count: number, job: string) => Promise<string[]>> {
    const uri = `qemu:///system?socket=${this.socket}`;
    const listener = spawn('stdbuf', ['-oL', 'virsh', '-q', '-c', uri, 'qemu-monitor-event', domain, '--loop'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const lines = createInterface({ input: listener.stdout });
    const seen: string[] = [];
    const wake = new EventEmitter();
    lines.on('line', (line) => {
      seen.push(line);
      wake.emit('line');
    });
    // It says nothing when it has registered, so an event that both hear is awaited: the guest is not running, and a reset raises RESET.
    while (!seen.some((line) => line.startsWith('event RESET'))) await this.virsh('reset', domain);
    return async (count, job) => {
      for (;;) {
        const fitting = seen.filter((line) => line.includes(`"${job}"`));
        if (fitting.length >= count) {
          listener.kill();
          return fitting.map((line) => {
            const [, type, seconds, micros] = /^event (\S+) at (\d+)\.(\d+)/.exec(line) ?? [];
            return `${type} ${new Date(Number(seconds) * 1_000).toISOString().slice(0, 19)}.${micros}Z`;
          });
        }
        await once(wake, 'line');
      }
    };
  }

  disk(name: string): string {
    return join(this.folder, 'disks', name);
  }

  /** The process of a domain's QEMU. */
  qemuOf(name: string): number {
    return Number(readFileSync(join(this.folder, 'run/qemu', `${name}.pid`), 'utf8'));
  }

  /** libvirt's log of a domain. */
  logOf(name: string): string {
    return readFileSync(join(this.folder, 'log/qemu', `${name}.log`), 'utf8');
  }

  /** @returns the socket of an NBD server with these exports. */
  async #serve(targets: readonly string[], latencyMs: number): Promise<string> {
    const socket = join(this.folder, `nbd-${this.#servers.length}`);
    const exports = targets.flatMap((target) => [
      ...['--blockdev', `null-co,node-name=${target},size=${SLOW_BYTES},latency-ns=${latencyMs * 1_000_000}`],
      ...['--export', `nbd,id=${target},node-name=${target},writable=on`],
    ]);
    this.#servers.push(
      await startQemu({ args: ['--nbd-server', `addr.type=unix,addr.path=${socket},max-connections=0`, ...exports] }),
    );
    return socket;
  }

  async close(): Promise<void> {
    this.signal('SIGCONT');
    for (const name of (await this.virsh('list', '--name')).split('\n').filter(Boolean))
      await this.virsh('destroy', name);
    for (const server of this.#servers) await server.close();
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Runs it, with these domains, for the tests of the suite that calls this. @param libvirt `undefined`: the suite is skipped. */
export function runLibvirt(libvirt: Libvirt | undefined, ...domains: readonly string[]): void {
  beforeAll(async () => {
    await libvirt?.start();
    for (const name of domains) await libvirt?.domain(name);
  }, 60_000);
  afterAll(async () => {
    await libvirt?.close();
  }, 30_000);
}
