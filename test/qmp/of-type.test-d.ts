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
