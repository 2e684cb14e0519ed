// Bytes in the kernel's send queues: megabytes, if the peer reads slowly. Node does not report them; Linux lists in /proc/net/tcp what the peer's
// host has not acknowledged.
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import type { Clock } from '../../clock.js';

/** Milliseconds for which one reading of the file is shared. */
const FRESH_MS = 1_000;

/** By local and remote port; `null` if two remote hosts use the same ports. */
type Queues = ReadonlyMap<string, number | null>;

export class SendQueues {
  readonly #clock: Clock;
  readonly #readFile: (file: string) => Promise<string>;
  #read: Promise<Queues> | undefined;
  #readAt = 0;

  /** @param read gives a file's text, or an empty one if the file does not exist. */
  constructor(clock: Clock, read: (file: string) => Promise<string> = readOrNothing) {
    this.#clock = clock;
    this.#readFile = read;
  }

  async of({ localPort, remotePort }: Socket): Promise<number | undefined> {
    const now = this.#clock.now();
    if (!this.#read || now - this.#readAt > FRESH_MS) {
      this.#readAt = now;
      this.#read = readQueues(this.#readFile);
    }
    return (await this.#read).get(`${localPort} ${remotePort}`) ?? undefined;
  }
}

/** Only Linux has the file; elsewhere the bytes are unknown. */
const readOrNothing = (file: string): Promise<string> => readFile(file, 'latin1').catch(() => '');

async function readQueues(read: (file: string) => Promise<string>): Promise<Queues> {
  const queues = new Map<string, number | null>();
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const text = await read(file);
    for (const [, local = '', remote = '', queue = ''] of text.matchAll(LINE)) {
      const ports = `${Number.parseInt(local, 16)} ${Number.parseInt(remote, 16)}`;
      queues.set(ports, queues.has(ports) ? null : Number.parseInt(queue, 16));
    }
  }
  return queues;
}

/** `  0: 0100007F:1B9E 0100007F:D431 01 0003A2F0:00000000 …`: number, local, remote, state, unacknowledged and unread bytes. */
const LINE = /^ *\d+: [\dA-F]+:([\dA-F]{4}) [\dA-F]+:([\dA-F]{4}) [\dA-F]{2} ([\dA-F]{8}):/gm;
