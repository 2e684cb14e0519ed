// A libvirtd in the test's hand, with one domain: it answers as a real one does, until the test says how not to.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodePacket, type Packet, PacketSplitter, TYPE } from '../../src/sources/libvirt/packet.js';
import { KEEPALIVE, PROGRAM } from '../../src/sources/libvirt/procedures.js';
import { XdrReader, XdrWriter } from '../../src/sources/libvirt/xdr.js';

const UUID = '00112233445566778899aabbccddeeff';
const VERSION = { return: { qemu: { major: 7, minor: 2, micro: 0 }, package: '' } };
const COMMANDS = ['query-jobs', 'query-block-jobs', 'x-debug-query-block-graph'].map((name) => ({ name }));

/** `undefined`: no answer. */
type Answer = Buffer | { code: number; message: string } | undefined;
export type Handler = (payload: XdrReader, client: FakeClient) => Answer;

export class FakeClient {
  readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  send(header: Omit<Packet, 'isError' | 'payload'>, payload: Buffer, isError = false): void {
    const bytes = encodePacket(header, payload);
    if (isError) bytes.writeUInt32BE(1, 24);
    this.socket.write(bytes);
  }

  /** An event of QEMU, as libvirtd relays it. */
  event(type: string, data: object, micros = Date.now() * 1_000): void {
    const writer = new XdrWriter().int(1);
    domain(writer);
    writer
      .string(type)
      .hyper(BigInt(Math.floor(micros / 1e6)))
      .int(micros % 1e6)
      .optional(JSON.stringify(data), (text) => writer.string(text));
    this.send({ program: PROGRAM.qemu, procedure: 6, type: TYPE.message, serial: 0 }, writer.bytes);
  }

  /** @param detail of that event, as virDomainEventSuspendedDetailType and the like. */
  lifecycle(event: number, detail: number): void {
    const writer = new XdrWriter().int(3);
    domain(writer).int(event).int(detail);
    this.send({ program: PROGRAM.remote, procedure: 318, type: TYPE.message, serial: 0 }, writer.bytes);
  }

  /** libvirt's own event of a block job. */
  word(target: string, status: number): void {
    const writer = new XdrWriter().int(2);
    domain(writer);
    writer.string(target).int(2).int(status);
    this.send({ program: PROGRAM.remote, procedure: 339, type: TYPE.message, serial: 0 }, writer.bytes);
  }
}

const domain = (writer: XdrWriter): XdrWriter => writer.string('vm1').opaque(Buffer.from(UUID, 'hex')).int(1);
const int = (value: number): Buffer => new XdrWriter().int(value).bytes;

export class FakeLibvirtd {
  readonly #folder = mkdtempSync(join(tmpdir(), 'fake-libvirtd-'));
  readonly path = join(this.#folder, 'sock');
  /** The connection of the domain, once it has asked for QEMU's events. */
  client: FakeClient | undefined;
  /** Jobs as query-jobs lists them. */
  jobs: object[] = [];
  pings = true;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Connected ones, the oldest first. */
  readonly clients = new Set<FakeClient>();
  readonly #handlers = new Map<string, Handler>();
  readonly calls: string[] = [];

  constructor() {
    this.on(66, () => new XdrWriter().int(1).int(0).bytes);
    this.on(1, () => Buffer.alloc(0));
    this.on(316, () => int(1));
    for (const number of [23, 24]) this.on(number, () => domain(new XdrWriter()).bytes);
    this.on(273, () => domain(new XdrWriter().int(1)).bytes);
    this.on(237, () => Buffer.alloc(0));
    this.onQemu(4, (_payload, client) => {
      this.client = client;
      return int(1);
    });
    this.onCommand((name) => {
      if (name === 'query-version') return VERSION;
      if (name === 'query-commands') return { return: COMMANDS };
      if (name === 'query-jobs') return { return: this.jobs };
      if (name === 'x-debug-query-block-graph') return { return: { nodes: [], edges: [] } };
      return { return: [] };
    });
    this.#server = createServer((socket) => this.#accept(socket));
  }

  on(number: number, handler: Handler): void {
    this.#handlers.set(`${PROGRAM.remote} ${number}`, handler);
  }

  /** QEMU raises the change, and lists the job from now on. */
  status(id: string, status: string, micros?: number): void {
    const row = { id, type: 'mirror', status, 'current-progress': 1, 'total-progress': 2 };
    this.jobs = status === 'null' ? [] : [row];
    this.client?.event('JOB_STATUS_CHANGE', { id, status }, micros);
  }

  handlerOf(program: number, number: number): Handler {
    return this.#handlers.get(`${program} ${number}`) ?? (() => undefined);
  }

  onQemu(number: number, handler: Handler): void {
    this.#handlers.set(`${PROGRAM.qemu} ${number}`, handler);
  }

  /** @param answer QEMU's reply; a text is sent as it is, `undefined` not at all. */
  onCommand(answer: (name: string, client: FakeClient) => object | string | undefined): void {
    this.onQemu(1, (payload, client) => {
      payload.string();
      payload.uuid();
      payload.int();
      const reply = answer((JSON.parse(payload.string()) as { execute: string }).execute, client);
      if (reply === undefined) return undefined;
      return new XdrWriter().string(typeof reply === 'string' ? reply : JSON.stringify(reply)).bytes;
    });
  }

  async listen(): Promise<void> {
    this.#server.listen(this.path);
    await once(this.#server, 'listening');
  }

  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.hangUp();
    this.#server.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    const client = new FakeClient(socket);
    const splitter = new PacketSplitter();
    socket.on('error', () => undefined);
    this.clients.add(client);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.clients.delete(client);
    });
    socket.on('data', (chunk: Buffer) => {
      for (const packet of splitter.push(chunk)) this.#take(packet, client);
    });
  }

  #take({ program, procedure, serial, payload }: Packet, client: FakeClient): void {
    if (program === PROGRAM.keepalive) {
      if (this.pings && procedure === KEEPALIVE.ping)
        client.send({ program, procedure: KEEPALIVE.pong, type: TYPE.message, serial: 0 }, Buffer.alloc(0));
      return;
    }
    this.calls.push(`${program === PROGRAM.qemu ? 'qemu' : 'remote'} ${procedure}`);
    const answer = this.#handlers.get(`${program} ${procedure}`)?.(new XdrReader(payload), client);
    if (answer === undefined) return;
    const header = { program, procedure, type: TYPE.reply, serial };
    if (Buffer.isBuffer(answer)) return client.send(header, answer);
    const writer = new XdrWriter().int(answer.code).int(0);
    writer.optional(answer.message, (text) => writer.string(text));
    client.send(header, writer.bytes, true);
  }
}
