// The procedures of libvirt that are called here, each with its number, how its arguments are written and how its reply is read. Numbers and layouts
// are libvirt's ABI: they are only added to (src/remote/remote_protocol.x, qemu_protocol.x).
import { XdrReader, type XdrWriter } from './xdr.js';

export const PROGRAM = { remote: 0x20008086, qemu: 0x20008087, keepalive: 0x6b656570 } as const;
export const KEEPALIVE = { ping: 1, pong: 2 } as const;

export interface Domain {
  name: string;
  /** 32 hexadecimal digits. */
  uuid: string;
  /** New at each start, kept over a restart of libvirtd; -1: not running. */
  id: number;
}

export interface Procedure<Args, Result> {
  program: number;
  number: number;
  write: (writer: XdrWriter, args: Args) => void;
  read: (reader: XdrReader) => Result;
}

const nothing = (): undefined => undefined;

function procedure<Args, Result>(
  number: number,
  write: (writer: XdrWriter, args: Args) => void,
  read: (reader: XdrReader) => Result,
  program: number = PROGRAM.remote,
): Procedure<Args, Result> {
  return { program, number, write, read };
}

function writeDomain(writer: XdrWriter, { name, uuid, id }: Domain): void {
  writer.string(name).opaque(Buffer.from(uuid, 'hex')).int(id);
}

function readDomain(reader: XdrReader): Domain {
  return { name: reader.string(), uuid: reader.uuid(), id: reader.int() };
}

export const AUTH_NONE = 0;
export const AUTH_POLKIT = 2;

/** virDomainEventID. */
export const EVENT = { lifecycle: 0, blockJob2: 16 } as const;
/** virDomainEventType. */
export const LIFECYCLE = { started: 2, stopped: 5 } as const;
/** virDomainBlockJobAbortFlags. */
export const ABORT = { async: 1, pivot: 2 } as const;
/** virDomainBlockJobSetSpeedFlags, virDomainBlockJobInfoFlags: bytes per second; without it MiB. */
export const SPEED_BYTES = 1;

export const PROCEDURES = {
  /** Must be the first on a connection. */
  authList: procedure(
    66,
    (_writer, _args: Record<never, never>) => {},
    (reader) => reader.list(() => reader.int()),
  ),
  authPolkit: procedure(
    70,
    (_writer, _args: Record<never, never>) => {},
    (reader) => reader.int(),
  ),
  open: procedure(
    1,
    (writer, { uri }: { uri: string }) => writer.optional(uri, (text) => writer.string(text)).int(0),
    nothing,
  ),
  /** The hypervisor's version: major * 1,000,000 + minor * 1,000 + micro. */
  version: procedure(
    4,
    (_writer, _args: Record<never, never>) => {},
    (reader) => Number(reader.hyper()),
  ),
  lookupByName: procedure(23, (writer, { name }: { name: string }) => void writer.string(name), readDomain),
  lookupByUuid: procedure(
    24,
    (writer, { uuid }: { uuid: string }) => void writer.opaque(Buffer.from(uuid, 'hex')),
    readDomain,
  ),
  xml: procedure(
    14,
    (writer, { domain }: { domain: Domain }) => {
      writeDomain(writer, domain);
      writer.int(0);
    },
    (reader) => reader.string(),
  ),
  /** Active domains only. */
  list: procedure(
    273,
    (writer, _args: Record<never, never>) => void writer.int(1).int(1),
    (reader) => reader.list(() => readDomain(reader)),
  ),
  watch: procedure(
    316,
    (writer, { event, domain }: { event: number; domain?: Domain }) =>
      void writer.int(event).optional(domain, (each) => writeDomain(writer, each)),
    (reader) => reader.int(),
  ),
  abort: procedure(
    237,
    (writer, { domain, target, flags }: { domain: Domain; target: string; flags: number }) => {
      writeDomain(writer, domain);
      writer.string(target).int(flags);
    },
    nothing,
  ),
  /** Its bandwidth in bytes a second. */
  jobInfo: procedure(
    238,
    (writer, { domain, target }: { domain: Domain; target: string }) => {
      writeDomain(writer, domain);
      writer.string(target).int(SPEED_BYTES);
    },
    (reader) => {
      const found = reader.int();
      const [type, bandwidth, cur, end] = [reader.int(), reader.hyper(), reader.hyper(), reader.hyper()];
      return found === 0 ? undefined : { type, bandwidth, cur, end };
    },
  ),
  setSpeed: procedure(
    239,
    (writer, { domain, target, speed }: { domain: Domain; target: string; speed: bigint }) => {
      writeDomain(writer, domain);
      writer.string(target).hyper(speed).int(SPEED_BYTES);
    },
    nothing,
  ),
  monitorCommand: procedure(
    1,
    (writer, { domain, command }: { domain: Domain; command: string }) => {
      writeDomain(writer, domain);
      writer.string(command).int(0);
    },
    (reader) => reader.string(),
    PROGRAM.qemu,
  ),
  monitorEvents: procedure(
    4,
    (writer, { domain }: { domain: Domain }) =>
      void writer
        .optional(domain, (each) => writeDomain(writer, each))
        .int(0)
        .int(0),
    (reader) => reader.int(),
    PROGRAM.qemu,
  ),
} as const;

export type LibvirtMessage =
  | { kind: 'lifecycle'; domain: Domain; event: number }
  | { kind: 'block-job'; domain: Domain; target: string; type: number; status: number }
  /** As QEMU raised it. `data` is JSON text. */
  | { kind: 'monitor-event'; domain: Domain; type: string; seconds: bigint; micros: number; data: string | undefined };

/** A message that libvirtd sends by itself; `undefined` for one that is not known here. Throws XdrError. */
export function readLibvirtMessage(program: number, number: number, payload: Buffer): LibvirtMessage | undefined {
  const reader = new XdrReader(payload);
  // Each begins with the id of the callback that was registered for it.
  const start = (): Domain => {
    reader.int();
    return readDomain(reader);
  };
  if (program === PROGRAM.remote && number === 318) return { kind: 'lifecycle', domain: start(), event: reader.int() };
  if (program === PROGRAM.remote && number === 339)
    return { kind: 'block-job', domain: start(), target: reader.string(), type: reader.int(), status: reader.int() };
  if (program === PROGRAM.qemu && number === 6)
    return {
      kind: 'monitor-event',
      domain: start(),
      type: reader.string(),
      seconds: reader.hyper(),
      micros: reader.unsigned(),
      data: reader.optional(() => reader.string()),
    };
  return undefined;
}

/** A refusal by libvirt. */
export interface LibvirtError {
  /** virErrorNumber. */
  code: number;
  message: string;
}

export function readLibvirtError(payload: Buffer): LibvirtError {
  const reader = new XdrReader(payload);
  const code = reader.int();
  reader.int();
  return { code, message: reader.optional(() => reader.string()) ?? '' };
}
