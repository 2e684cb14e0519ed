// A conversation with a real libvirtd 9.0, recorded byte by byte: what is written is what it took, and what it sent is read as it was meant.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { encodePacket, type Packet, PacketSplitter, TYPE } from '../../../src/sources/libvirt/packet.js';
import {
  ABORT,
  type Domain,
  EVENT,
  PROCEDURES,
  PROGRAM,
  type Procedure,
  readLibvirtError,
  readLibvirtMessage,
} from '../../../src/sources/libvirt/procedures.js';
import { XdrReader, XdrWriter } from '../../../src/sources/libvirt/xdr.js';

const recorded = JSON.parse(readFileSync(new URL('transcript.json', import.meta.url), 'utf8')) as ['<' | '>', string][];
const bytesOf = (direction: '<' | '>'): Buffer =>
  Buffer.concat(recorded.filter(([each]) => each === direction).map(([, hex]) => Buffer.from(hex, 'hex')));
const split = (bytes: Buffer, size = bytes.length): Packet[] => {
  const splitter = new PacketSplitter();
  const packets: Packet[] = [];
  for (let at = 0; at < bytes.length; at += size) packets.push(...splitter.push(bytes.subarray(at, at + size)));
  return packets;
};

const domain: Domain = { name: 'my vm', uuid: 'fbe2c69ca431437f9dbe26259a109e1d', id: 2 };
const other: Domain = { name: 'vm1', uuid: '9c277b4ce72746f18a6625b56493923f', id: 1 };
const call = <Args, Result>(procedure: Procedure<Args, Result>, args: Args, result: unknown) => ({
  procedure: procedure as Procedure<unknown, unknown>,
  args,
  result,
});
/** In the order in which they were made. */
const CALLS = [
  call(PROCEDURES.authList, {}, [0]),
  call(PROCEDURES.open, { uri: 'qemu:///system' }, undefined),
  call(PROCEDURES.list, {}, [other, domain]),
  call(PROCEDURES.watch, { event: EVENT.lifecycle }, 10),
  call(PROCEDURES.watch, { event: EVENT.blockJob2, domain }, 11),
  call(PROCEDURES.monitorEvents, { domain }, 12),
  call(PROCEDURES.lookupByName, { name: 'my vm' }, domain),
  call(PROCEDURES.lookupByUuid, { uuid: domain.uuid }, domain),
  call(
    PROCEDURES.lookupByName,
    { name: 'nope' },
    { code: 42, message: "Domain not found: no domain with matching name 'nope'" },
  ),
  call(PROCEDURES.monitorCommand, { domain, command: '{"execute":"query-jobs"}' }, '{"return":[],"id":"libvirt-457"}'),
  call(PROCEDURES.setSpeed, { domain, target: 'vda', speed: 9_007_199_254_740_993n }, undefined),
];

it('what is called is written as libvirtd took it', () => {
  const written = CALLS.map(({ procedure, args }, at) => {
    const writer = new XdrWriter();
    procedure.write(writer, args);
    const { program, number } = procedure;
    return encodePacket({ program, procedure: number, type: TYPE.call, serial: at + 1 }, writer.bytes);
  });
  const taken = bytesOf('>');
  expect(Buffer.concat(written).equals(taken.subarray(0, Buffer.concat(written).length))).toBe(true);
});

it.each([1, 3, 29, 4_096])('replies are read, in pieces of %i bytes', (size) => {
  const replies = new Map(
    split(bytesOf('<'), size)
      .filter(({ type }) => type === TYPE.reply)
      .map((packet) => [packet.serial, packet]),
  );
  for (const [at, { procedure, result }] of CALLS.entries()) {
    const packet = replies.get(at + 1);
    if (!packet) throw new Error(`no reply ${at + 1}`);
    expect(packet.isError ? readLibvirtError(packet.payload) : procedure.read(new XdrReader(packet.payload))).toEqual(
      result,
    );
  }
});

it('messages are read: of the monitor with QEMU’s microseconds, of libvirt, of the life of a domain', () => {
  const messages = split(bytesOf('<'))
    .filter(({ type, program }) => type === TYPE.message && program !== PROGRAM.keepalive)
    .map(({ program, procedure, payload }) => readLibvirtMessage(program, procedure, payload));
  const ofKind = (kind: string): unknown[] => messages.filter((message) => message?.kind === kind);
  expect(messages).not.toContain(undefined);
  expect(ofKind('monitor-event')[0]).toEqual({
    ...{ kind: 'monitor-event', domain, type: 'JOB_STATUS_CHANGE', seconds: 1_795_944_288n, micros: 466_756 },
    data: '{"status":"created","id":"create-libvirt-2-format"}',
  });
  expect(ofKind('block-job')).toEqual([{ kind: 'block-job', domain, target: 'vda', type: 2, status: 2 }]);
  expect(ofKind('lifecycle')).toMatchObject([
    { domain, event: 3 },
    { domain, event: 4 },
    { domain, event: 3 },
  ]);
});

it('the flags of an abort are libvirt’s', () => {
  const writer = new XdrWriter();
  PROCEDURES.abort.write(writer, { domain, target: 'vda', flags: ABORT.async });
  const taken = split(bytesOf('>')).find(({ procedure }) => procedure === PROCEDURES.abort.number);
  expect(taken?.payload.equals(writer.bytes)).toBe(true);
});
