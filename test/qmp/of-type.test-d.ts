// `ofType` and `isEventOf` narrow `data` by the names asked for; checked by the compiler.
import type { Observable } from 'rxjs';
import { expectTypeOf } from 'vitest';
import { ofType, type QmpEvent } from '../../src/index.js';
import { type BlockJobEventData, type Entry, isEventOf, type Settlement } from '../../src/protocol/index.js';

declare const events$: Observable<QmpEvent>;
declare const entry: Entry;

events$.pipe(ofType('BLOCK_JOB_CANCELLED')).subscribe(({ type, data }) => {
  expectTypeOf(type).toEqualTypeOf<'BLOCK_JOB_CANCELLED'>();
  expectTypeOf(data).toEqualTypeOf<BlockJobEventData>();
});
events$.pipe(ofType('BLOCK_JOB_CANCELLED', 'BLOCK_JOB_COMPLETED')).subscribe((event) => {
  if (event.type === 'BLOCK_JOB_COMPLETED') expectTypeOf(event.data.error).toEqualTypeOf<string | undefined>();
});
// @ts-expect-error: QEMU has no such event.
ofType('BLOCK_JOB_FAILED');

expectTypeOf(entry.data).toBeUnknown();
if (isEventOf(entry, 'GATEWAY_JOB_SETTLED')) expectTypeOf(entry.data).toEqualTypeOf<Settlement>();

// Every event of QEMU's schema, also those that the job model does not read.
events$.pipe(ofType('BLOCK_IO_ERROR', 'DEVICE_DELETED')).subscribe((event) => {
  if (event.type === 'DEVICE_DELETED') {
    expectTypeOf(event.data).toEqualTypeOf<{ device?: string; path: string }>();
    return;
  }
  expectTypeOf(event.data['qom-path']).toEqualTypeOf<string | undefined>();
  if (event.data.operation === 'read') expectTypeOf(event.data.operation).toExtend<string>();
});
if (isEventOf(entry, 'DEVICE_DELETED')) expectTypeOf(entry.data.device).toEqualTypeOf<string | undefined>();
