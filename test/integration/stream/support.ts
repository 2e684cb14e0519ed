// Simulators with a gateway, floods of events, and clients on bare sockets that read only when the test says so.
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Tuning } from '../../../src/app.js';
import type { ConfigInput } from '../../../src/config/index.js';
import { type Simulator, startSimulator } from '../../../src/simulator/index.js';
import { allUp, startApp, type TestApp } from '../../support/app.js';
import type { Wire } from '../../support/wire.js';

export interface Bench {
  sims: Record<string, Simulator>;
  paths: Record<string, string>;
  app: TestApp;
  /** Not subscribed to anything. */
  wire: Wire;
  sim(name: string): Simulator;
}

export async function openSims(...names: string[]): Promise<Pick<Bench, 'sims' | 'paths'>> {
  const folder = await mkdtemp(join(tmpdir(), 'stream-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const sims: Record<string, Simulator> = {};
  const paths: Record<string, string> = {};
  for (const name of names) {
    const path = join(folder, name);
    const sim = await startSimulator({ listen: { path }, record: true });
    onTestFinished(() => sim.close());
    sims[name] = sim;
    paths[name] = `unix:${path}`;
  }
  return { sims, paths };
}

export async function openBench(
  names: readonly string[] = ['vm1'],
  tuning: Partial<Tuning> = {},
  flags: ConfigInput = {},
): Promise<Bench> {
  const { sims, paths } = await openSims(...names);
  const app = await startApp(paths, tuning, flags);
  const wire = await app.wire();
  await allUp(wire);
  const sim = (name: string): Simulator => {
    const found = sims[name];
    if (!found) throw new Error(`no simulator ${name}`);
    return found;
  };
  return { sims, paths, app, wire, sim };
}

/** Raises so many events that nothing collapses, numbered in `n`. */
export function flood(sim: Simulator, events: number, pad = 0, from = 0): void {
  const padding = 'x'.repeat(pad);
  for (let n = from; n < from + events; n += 1) sim.faults.emit('BLOCK_WRITE_THRESHOLD', { n, padding });
}

export const numbersOf = (wire: Wire): number[] =>
  wire.events.filter(({ type }) => type === 'BLOCK_WRITE_THRESHOLD').map(({ data }) => (data as { n: number }).n);

export const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);

export const offsetOf = (cursor: string): number => Number(cursor.split(':')[1]);

/** A WebSocket by hand: it answers no ping, and reads only what it is told to. */
export class RawSocket {
  readonly socket: Socket;
  #bytes = Buffer.alloc(0);
  closed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
    });
  }

  /** A masked frame; default: text. */
  send(payload: string | Buffer, opcode = 0x81): void {
    const body = Buffer.from(payload);
    const header = Buffer.alloc(body.length < 126 ? 6 : body.length < 65_536 ? 8 : 14);
    header[0] = opcode;
    if (body.length < 126) header[1] = 0x80 | body.length;
    else if (body.length < 65_536) {
      header[1] = 0x80 | 126;
      header.writeUInt16BE(body.length, 2);
    } else {
      header[1] = 0x80 | 127;
      header.writeBigUInt64BE(BigInt(body.length), 2);
    }
    // A mask of zeros leaves the payload as it is.
    this.socket.write(Buffer.concat([header, body]));
  }

  request(id: string | number, method: string, params: unknown = {}): void {
    this.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
  }

  /** Reads on for good; resolves with the close code, 1006 where none came. */
  async code(): Promise<number> {
    let code = 1006;
    let tell: () => void = () => undefined;
    const said = new Promise<void>((resolve) => {
      tell = resolve;
    });
    const take = (chunk: Buffer): void => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      for (;;) {
        const [kind = 0, second = 0] = this.#bytes;
        const short = second & 0x7f;
        const header = short < 126 ? 2 : short === 126 ? 4 : 10;
        if (this.#bytes.length < header) return;
        const length =
          short < 126 ? short : short === 126 ? this.#bytes.readUInt16BE(2) : Number(this.#bytes.readBigUInt64BE(2));
        if (this.#bytes.length < header + length) return;
        if ((kind & 0x0f) === 8 && length >= 2) {
          code = this.#bytes.readUInt16BE(header);
          tell();
        }
        this.#bytes = this.#bytes.subarray(header + length);
      }
    };
    this.socket.on('data', take);
    this.socket.resume();
    if (!this.closed && code === 1006) await Promise.race([once(this.socket, 'close'), said]);
    this.socket.destroy();
    return code;
  }
}

/** Upgraded and paused. */
export async function rawSocket(url: string): Promise<RawSocket> {
  const { hostname, port, host } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write(
    `GET /v1 HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
  );
  const [reply] = (await once(socket, 'data')) as [Buffer];
  if (!reply.toString().startsWith('HTTP/1.1 101')) throw new Error(reply.toString());
  socket.pause();
  return new RawSocket(socket);
}

/** One series of /metrics, by its name with labels. */
export async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}metrics`)).text();
  return Number(new RegExp(`^${name.replaceAll(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(text)?.[1]);
}

/** Asks again, each time after the answer before. */
export async function until(there: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await there())) await new Promise((resolve) => setImmediate(resolve));
}
