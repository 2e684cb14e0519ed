// QEMUs that connect to the gateway by themselves: a real one, a simulated one, and sockets that say what the test says.
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Listen } from '../../src/simulator/index.js';
import { addRandomFile, connectQemu, type Qemu, startQemu } from './qemu.js';
import type { RawClient } from './qmp-raw.js';

const KIB = 1024;

/** What makes a qemu-storage-daemon connect there, and again every second after a loss. */
const dialArgs = (where: string): string[] => [
  ...['--chardev', `socket,id=dial,${where},server=off,reconnect=1`],
  ...['--monitor', 'chardev=dial'],
];

export interface Dialling {
  qemu: Qemu;
  /** The test's own monitor. */
  raw: RawClient;
  /** A mirror that moves, and does not end by itself. */
  mirror(id: string): Promise<void>;
}

/** A storage daemon that connects there. */
export async function startDialling(where: string, more: readonly string[] = []): Promise<Dialling> {
  const qemu = await startQemu({ args: [...more, ...dialArgs(where)] });
  onTestFinished(() => qemu.close());
  const raw = await connectQemu(qemu);
  await raw.negotiate();
  const qmp = async (command: string, args: object): Promise<void> => {
    const reply = await raw.execute(command, args);
    if (!('return' in reply)) throw new Error(JSON.stringify(reply));
  };
  return {
    qemu,
    raw,
    async mirror(id) {
      await addRandomFile(raw, qemu.folder, `${id}-src`, 4 * 1024 * KIB);
      await qmp('blockdev-add', { driver: 'null-co', 'node-name': `${id}-dst`, size: 4 * 1024 * KIB });
      const job = { 'job-id': id, device: `${id}-src`, target: `${id}-dst`, sync: 'full', speed: 64 * KIB };
      await qmp('blockdev-mirror', job);
    },
  };
}

export interface DialledLine {
  readonly socket: Socket;
  /** Resolves when the gateway has closed it. */
  readonly closed: Promise<void>;
  readonly isOpen: boolean;
  /** The text that has come. */
  readonly text: string;
  say(text: string): void;
  close(): void;
}

export const GREETING = `{"QMP": {"version": {"qemu": {"major": 7, "minor": 2, "micro": 22}, "package": ""}, "capabilities": []}}\r\n`;

/** A connection to the gateway that says nothing by itself; closed after the test. */
export function dialLine(to: NetConnectOpts): DialledLine {
  const socket = connect(to);
  let text = '';
  let isOpen = true;
  socket.setEncoding('utf8');
  socket.on('data', (chunk) => {
    text += String(chunk);
  });
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      isOpen = false;
      resolve();
    });
  });
  onTestFinished(() => void socket.destroy());
  return {
    socket,
    closed,
    get isOpen() {
      return isOpen;
    },
    get text() {
      return text;
    },
    say: (more) => void socket.write(more),
    close: () => void socket.destroy(),
  };
}

/** A connection whose commands are all answered with an empty list, so that its source is up. */
export function dialAnswering(to: NetConnectOpts): DialledLine {
  const line = dialLine(to);
  let rest = '';
  line.socket.on('data', (chunk) => {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const each of lines.filter((one) => one.trim() !== '')) {
      const { execute, id } = JSON.parse(each) as { execute: string; id?: unknown };
      const isList = execute !== 'qmp_capabilities' && execute !== 'query-name';
      line.say(`${JSON.stringify({ return: isList ? [] : {}, id })}\r\n`);
    }
  });
  line.say(GREETING);
  return line;
}

/** A connection between the gateway and a simulated monitor, as if that had connected to the gateway. */
export function dialSimulator(to: NetConnectOpts, simulator: Listen): DialledLine {
  const line = dialLine(to);
  const far = connect(simulator);
  far.on('error', () => undefined);
  far.pipe(line.socket);
  line.socket.pipe(far);
  far.once('close', () => line.socket.destroy());
  line.socket.once('close', () => far.destroy());
  return line;
}
