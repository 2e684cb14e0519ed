// Mistakes of servers, each in the messages of a gateway that makes none, and the clause of the conformance kit that must find it.
import type { Fault, Message } from './fault-proxy.js';

export interface PlantedFault {
  name: string;
  /** The clause that fails. */
  clause: string;
  /** What it says. */
  why: RegExp;
  fault: Fault;
  /** Changes the headers of an upgrade. */
  headers?: (given: Record<string, string>) => void;
}

const isEvents = ({ method }: Message): boolean => method === 'events';

/** Every second connection gets the entries of its stream changed, counted over all its messages. */
const inEntries =
  (change: (entries: Message[], first: number) => Message[]): Fault =>
  (nth) => {
    let count = 0;
    const toClient = (message: Message): Message[] => {
      if (!isEvents(message)) return [message];
      const { events } = message.params;
      const changed = change(events, count);
      count += events.length;
      return changed.length === 0 ? [] : [{ ...message, params: { ...message.params, events: changed } }];
    };
    return nth % 2 === 0 ? { toClient } : {};
  };

/** Params of a method's requests are changed on their way to the gateway. */
const inParams =
  (method: string, change: (params: Message) => void): Fault =>
  () => ({
    toServer(message) {
      if (message.method === method && message.params) change(message.params);
      return [message];
    },
  });

/** Results that `isIt` accepts are changed. */
const inResults =
  (isIt: (result: Message) => boolean, change: (result: Message, nth: number) => void): Fault =>
  (nth) => ({
    toClient(message) {
      if (message.result && isIt(message.result)) change(message.result, nth);
      return [message];
    },
  });
const isSubscribed = ({ subscription }: Message): boolean => subscription !== undefined;

/** Entries of the third place on come one place earlier, and the second after them: within one message. */
const swapped = ([a, b, c, ...rest]: Message[]): Message[] => [a, c, b, ...rest];

export const FAULTS: readonly PlantedFault[] = [
  {
    name: 'drops one event',
    clause: 'events.order',
    why: /expected .*"offset":2,.* got .*"offset":3,/,
    fault: inEntries((entries, first) => entries.filter((_, at) => first + at !== 1)),
  },
  {
    name: 'sends one event twice',
    clause: 'events.order',
    why: /expected .*"offset":3,.* got .*"offset":2,/,
    fault: inEntries((entries, first) => entries.flatMap((entry, at) => (first + at === 1 ? [entry, entry] : [entry]))),
  },
  {
    name: 'swaps two events',
    clause: 'events.order',
    why: /expected .*"offset":2,.* got .*"offset":3,/,
    fault: inEntries((entries, first) => (first === 0 && entries.length > 2 ? swapped(entries) : entries)),
  },
  {
    name: 'numbers one event below the one before it',
    clause: 'events.order',
    why: /expected .*"offset":3,.* got .*"offset":0,/,
    fault: inEntries((entries, first) =>
      entries.map((entry, at) => (first + at === 2 ? { ...entry, offset: Math.max(0, entry.offset - 3) } : entry)),
    ),
  },
  {
    name: 'sends a cursor below the events that it comes with',
    clause: 'events.cursor',
    why: /the cursor \w+:0 is below its event/,
    fault: () => ({
      toClient(message) {
        if (isEvents(message)) message.params.cursor = message.params.cursor.replace(/:.*/, ':0');
        return [message];
      },
    }),
  },
  {
    name: 'takes a malformed `after` for none',
    clause: 'after.malformed',
    why: /subscribe with .*"after".* succeeded/,
    fault: inParams('subscribe', (params) => {
      if (!/^\w+:\d+$/.test(params.after)) delete params.after;
    }),
  },
  {
    name: 'says resumed: true after a cursor of another epoch',
    clause: 'after.not-retained',
    why: /after conformance0:1: resumed is true/,
    fault: inResults(isSubscribed, (result) => {
      result.resumed = true;
    }),
  },
  {
    name: 'resumes with a gap, and says resumed: true',
    clause: 'resume.exact',
    why: /expected .*"offset":2,.* got .*"offset":3,/,
    fault: () => {
      let gap = false;
      return {
        toClient(message) {
          if (message.result?.resumed) gap = true;
          if (!isEvents(message) || !gap) return [message];
          gap = false;
          message.params.events.shift();
          return message.params.events.length > 0 ? [message] : [];
        },
      };
    },
  },
  {
    name: 'never resumes',
    clause: 'after.cursor',
    why: /the cursor of the reply before: resumed is false/,
    fault: inParams('subscribe', (params) => {
      if (/^\w+:\d+$/.test(params.after)) delete params.after;
    }),
  },
  {
    name: 'sends the result of a synchronous abort before its events',
    clause: 'abort.sync-order',
    why: /expected .*"GATEWAY_COMMAND".* got nothing/,
    fault: () => {
      let asked: unknown;
      let held: Message[] = [];
      return {
        toServer(message) {
          if (message.method === 'job.abort' && message.params.sync) asked ??= message.id;
          return [message];
        },
        toClient(message) {
          if (message.id !== undefined && message.id === asked) {
            asked = undefined;
            held = [message, ...held];
            return held.splice(0);
          }
          if (!isEvents(message) || asked === undefined) return [message];
          held.push(message);
          return [];
        },
      };
    },
  },
  {
    name: 'answers with the code of another error',
    clause: 'method.unknown',
    why: /METHOD_NOT_FOUND has the code -32601, not -32602/,
    fault: () => ({
      toClient(message) {
        if (message.error?.data?.reason === 'METHOD_NOT_FOUND') message.error.code = -32602;
        return [message];
      },
    }),
  },
  {
    name: 'answers a number as id by a string',
    clause: 'id.exact',
    why: /a reply to "1", which was not asked/,
    fault: () => ({
      toClient: (message) => [typeof message.id === 'number' ? { ...message, id: `${message.id}` } : message],
    }),
  },
  {
    name: 'sends events that the filter does not match',
    clause: 'filter.type',
    why: /does not match .*"GATEWAY_SOURCE_UP"/,
    fault: inParams('subscribe', (params) => {
      if (params.after !== undefined) delete params.types;
    }),
  },
  {
    name: 'withholds events without a job from a filter of jobs',
    clause: 'filter.jobs',
    why: /there was no event at offset 2/,
    fault: inEntries((entries) => entries.filter(({ job }) => job)),
  },
  {
    name: 'settles a run twice',
    clause: 'settled.once',
    why: /vm1\/ended1 \S+ has settled twice/,
    fault: () => ({
      toClient(message) {
        if (!isEvents(message)) return [message];
        const settled = message.params.events.find(({ type }: Message) => type === 'GATEWAY_JOB_SETTLED');
        if (settled) message.params.events.push({ ...settled, offset: settled.offset + 1 });
        return [message];
      },
    }),
  },
  {
    name: 'executes a batch',
    clause: 'batch',
    why: /got .*"id":"a","result"/,
    fault: () => ({ toServer: (message) => (Array.isArray(message) && message.length > 0 ? message : [message]) }),
  },
  {
    name: 'takes a binary message',
    clause: 'close.binary',
    why: /there was no close/,
    fault: () => ({ takesBinary: true }),
  },
  {
    name: 'ignores an unknown member of params',
    clause: 'params.unknown',
    why: /succeeded, where INVALID_PARAMS was expected/,
    fault: inParams('subscribe', (params) => {
      delete params.conformanceNoSuchMember;
    }),
  },
  {
    name: 'sends a snapshot without a cursor',
    clause: 'subscribe.snapshot',
    why: /the result of subscribe: cursor: .* received undefined/,
    fault: inResults(isSubscribed, (result) => {
      delete result.cursor;
    }),
  },
  {
    name: 'sends a malformed cursor',
    clause: 'subscribe.snapshot',
    why: /the result of subscribe: cursor: .* must match/,
    fault: inResults(isSubscribed, (result) => {
      result.cursor = result.cursor.split(':')[1];
    }),
  },
  {
    name: 'forgets a settlement in its snapshots',
    clause: 'subscribe.cut',
    why: /the snapshot lacks the settlement of vm1\/ended\d/,
    fault: inResults(isSubscribed, ({ settled }) => settled?.pop()),
  },
  {
    name: 'sends a settlement after the cursor of the snapshot that has it',
    clause: 'subscribe.cut',
    why: /the snapshot has a settlement at \w+:\d+, after its cursor/,
    fault: inResults(isSubscribed, (result) => {
      if (result.settled) result.cursor = result.cursor.replace(/:.*/, ':1');
    }),
  },
  {
    name: 'sends `events` without its list',
    clause: 'events.order',
    why: /^events: events: Invalid input/,
    fault: () => ({
      toClient(message) {
        if (isEvents(message)) delete message.params.events;
        return [message];
      },
    }),
  },
  {
    name: 'gives each connection an id of its own for one filter',
    clause: 'subscribe.id',
    why: /two connections have different ids/,
    fault: inResults(isSubscribed, (result, nth) => {
      result.subscription += nth;
    }),
  },
  {
    name: 'goes on with a stream after unsubscribe',
    clause: 'unsubscribe',
    why: /a frame of it followed/,
    fault: (_, send) => ({
      toServer(message) {
        if (message.method !== 'unsubscribe') return [message];
        send({ jsonrpc: '2.0', id: message.id, result: {} });
        return [];
      },
    }),
  },
  {
    name: 'ignores the limit of a page',
    clause: 'job.list.pages',
    why: /a page has 2 jobs, where the limit was 1/,
    fault: inParams('job.list', (params) => {
      delete params.limit;
    }),
  },
  {
    name: 'answers nothing while one call waits',
    clause: 'wait.bound',
    why: /job.list was answered after the wait/,
    fault: () => {
      let waits: unknown;
      let held: Message[] = [];
      return {
        toServer(message) {
          if (message.method === 'job.wait') waits = message.id;
          return [message];
        },
        toClient(message) {
          if (waits !== undefined && message.id !== waits) {
            held.push(message);
            return [];
          }
          waits = undefined;
          held = [message, ...held];
          return held.splice(0);
        },
      };
    },
  },
  {
    name: 'aborts whichever run there is',
    clause: 'abort.stale',
    why: /"status":"requested"/,
    fault: inParams('job.abort', (params) => {
      delete params.run;
    }),
  },
  {
    name: 'carries out a dry run',
    clause: 'dry-run',
    why: /^got .*"status":"requested"/,
    fault: inParams('job.abort', (params) => {
      delete params.dryRun;
    }),
  },
  {
    name: 'writes a command for each of two concurrent aborts',
    clause: 'abort.shared',
    why: /2 commands were written/,
    fault: () => ({
      toClient(message) {
        if (!isEvents(message)) return [message];
        const command = message.params.events.find(({ type }: Message) => type === 'GATEWAY_COMMAND');
        if (command) message.params.events.unshift(command);
        return [message];
      },
    }),
  },
  {
    name: 'accepts the Origin null',
    clause: 'origin.null',
    why: /the connection was accepted, where HTTP 403/,
    fault: () => ({}),
    headers: (given) => {
      delete given.origin;
    },
  },
];
