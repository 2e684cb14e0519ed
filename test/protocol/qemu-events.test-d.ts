// The events that the job model reads agree with QEMU's schema; checked by the compiler.
import { expectTypeOf } from 'vitest';
import type { QemuEventData, QemuEvents } from '../../src/protocol/index.js';

/** Without what admits the values of a later QEMU. */
type Closed<Data> = { [Name in keyof Data]: Data[Name] extends infer Value ? Literal<Value> : never };
type Literal<Value> = Value extends string ? (string extends Value ? never : Value) : Value;
type ClosedEvents<Events> = { [Type in keyof Events]: Closed<Events[Type]> };

expectTypeOf<ClosedEvents<QemuEventData>>().toEqualTypeOf<ClosedEvents<Pick<QemuEvents, keyof QemuEventData>>>();
// The comparison sees a value that only one of the two has.
expectTypeOf<Closed<{ type: 'a' | (string & {}) }>>().toEqualTypeOf<{ type: 'a' }>();
