// The compiler checks that the schemas of what a server sends and the types of the wire are the same: whatever a type admits its schema admits, and
// neither has a member that the other lacks.
import type { z } from 'zod';
import type {
  DryRun,
  Entry,
  HistoryRun,
  Job,
  Progress,
  Requested,
  Settled,
  SettledRun,
  Settlement,
  SourceInfo,
} from '../../src/protocol/index.js';
import type { MethodName, Methods, NotificationName, Notifications } from '../../src/protocol/methods.js';
import type { NOTIFICATIONS, OBJECTS, RESULTS } from '../../src/protocol/shapes.js';

type Mutable<Value> = Value extends string | number | boolean | null | undefined
  ? Value
  : Value extends readonly [...infer Items]
    ? number extends Items['length']
      ? Mutable<Items[number]>[]
      : { -readonly [At in keyof Items]: Mutable<Items[At]> }
    : Value extends object
      ? { -readonly [Key in keyof Value]: Mutable<Value[Key]> }
      : Value;

/** Of a union, the members of all its parts. */
type Members<Value> = Value extends unknown ? keyof Value : never;

type Fits<Type, Schema extends z.ZodType> =
  | Exclude<Members<Type>, Members<z.input<Schema>>>
  | Exclude<Members<z.input<Schema>>, Members<Type>>
  | (Mutable<Type> extends z.input<Schema> ? never : 'the schema refuses what the type admits');

interface Objects {
  Entry: Entry;
  Job: Job;
  Settlement: Settlement;
  SettledRun: SettledRun;
  SourceInfo: SourceInfo;
  Progress: Progress;
  HistoryRun: HistoryRun;
  Requested: Requested;
  Settled: Settled;
  DryRun: DryRun;
}

type Wrong = {
  objects: { [Name in keyof Objects]: Fits<Objects[Name], (typeof OBJECTS)[Name]> }[keyof Objects];
  results: { [Name in MethodName]: Fits<Methods[Name]['result'], (typeof RESULTS)[Name]> }[MethodName];
  notifications: {
    [Name in NotificationName]: Fits<Notifications[Name], (typeof NOTIFICATIONS)[Name]>;
  }[NotificationName];
};

/** What does not fit, by its name. */
export const wrong = {} as Wrong[keyof Wrong] satisfies never;
