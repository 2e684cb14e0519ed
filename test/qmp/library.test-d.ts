// `qmp-gateway/qmp`: arguments and replies follow from the command; checked by the compiler.
import { expectTypeOf } from 'vitest';
import type { QmpCommands } from '../../src/qmp/index.js';
import {
  type Int64,
  openMonitor,
  type QemuCommands,
  type QmpReply,
  type QmpSession,
  supervise,
} from '../../src/qmp.js';

declare const session: QmpSession;

expectTypeOf(session.execute('query-kvm', {})).toEqualTypeOf<
  Promise<QmpReply<{ enabled: boolean; present: boolean }>>
>();
// A member that only one QEMU has is optional, and an integer of a reply is exact.
expectTypeOf<QemuCommands['query-blockstats']['value'][number]['stats']['rd_bytes']>().toEqualTypeOf<Int64>();
void session.execute('block_set_io_throttle', {
  id: 'd',
  bps: 2n ** 60n,
  bps_rd: 0,
  bps_wr: 0,
  iops: 0,
  iops_rd: 0,
  iops_wr: 0,
});
void session.execute('blockdev-add', {
  driver: 'qcow2',
  'node-name': 'top',
  file: { driver: 'file', filename: '/a.qcow2' },
  backing: { driver: 'throttle', 'throttle-group': 'g', file: 'base' },
});
void session.execute('device_add', { driver: 'virtio-blk-pci', id: 'disk1', drive: 'top' });
// @ts-expect-error: QEMU has no such command.
void session.execute('query-everything', {});
// @ts-expect-error: an argument is missing.
void session.execute('device_del', {});
// @ts-expect-error: this driver has no file name.
void session.execute('blockdev-add', { driver: 'null-co', filename: '/a' });
// @ts-expect-error: an integer beyond 2^53 is a bigint; QEMU takes no text.
void session.execute('balloon', { value: '9007199254740993' });

openMonitor({ kind: 'unix', path: '/q' }).subscribe((state) => {
  if (state.kind === 'open') expectTypeOf(state.session).toEqualTypeOf<QmpSession>();
});
supervise({ kind: 'unix', path: '/q' }, { baseMs: 100 }).subscribe((signal) => {
  if (signal.kind === 'up') expectTypeOf(signal.session).toEqualTypeOf<QmpSession>();
});

// What the gateway itself writes is in QEMU's schema, but for the commands of QEMUs that are older than the schemas.
type Old = 'query-events' | 'block_job_cancel' | 'block_job_set_speed';
type Unknown = {
  [Name in Exclude<keyof QmpCommands, Old>]: Name extends keyof QemuCommands
    ? QmpCommands[Name]['args'] extends QemuCommands[Name]['args']
      ? never
      : Name
    : Name;
}[Exclude<keyof QmpCommands, Old>];
expectTypeOf<Unknown>().toBeNever();
