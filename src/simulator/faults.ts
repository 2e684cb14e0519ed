// In: what shall go wrong. Out: it goes wrong. The control face that chaos tests script.
import type { Conversation } from './conversation.js';
import type { MainLoop } from './main-loop.js';
import type { QmpError } from './model.js';
import type { Monitor } from './monitor.js';
import type { Storm } from './storm.js';

export interface Faults {
  /** Ends the active connection; jobs live on. Default `clean` (EOF); `reset` loses what was not flushed, and is ECONNRESET on TCP. */
  dropConnection(how?: 'clean' | 'reset'): void;
  /** The main loop stops: no replies, no events, but connections are taken and greeted. Default for ever. */
  hang(ms?: number): void;
  /** Ends a hang early, and silence; what was due then happens. */
  wake(): void;
  /** Like a stopped process: any client that connects from now on hears nothing. The active client is left alone. */
  silent(): void;
  /** Resolves when the last event is raised. */
  storm(storm: Storm): Promise<void>;
  /** An error reply with a foreign `id` stands before the next client's negotiation reply. */
  staleReply(id: unknown): void;
  /** An event stands before the next client's greeting. Default VSERPORT_CHANGE. */
  eventBeforeGreeting(event?: string, data?: Record<string, unknown>): void;
  /** Raw text to the active client, as it is. Latin-1. */
  garbage(text: string): void;
  /** The first half of an event to the active client, and nothing after it but what comes next. */
  halfMessage(): void;
  /** Everything dies without a word and a new process listens at the same address after `downMs` (default 0). */
  restart(options?: { downMs?: number; how?: 'clean' | 'reset' }): Promise<void>;
  /** The next command of that name is answered with the error instead of being executed. Calls add up. */
  refuseNextCommand(name: string, error: QmpError): void;
  /** The next command of that name is executed, and answered with this value instead of its own. Calls add up. */
  malformNextReply(name: string, value: unknown): void;
  /** Every command of that name holds the main loop's dispatcher for so long; 0 takes it back. */
  delayReply(name: string, ms: number): void;
  /** Any event, to the negotiated client. */
  emit(event: string, data?: Record<string, unknown>): void;
  /** Timestamps of -1, -1 from now on; `false` takes it back. */
  timestampsUnavailable(unavailable?: boolean): void;
}

export interface FaultParts {
  monitor: Monitor;
  loop: MainLoop;
  conversation: Conversation;
  restart: Faults['restart'];
  storm: Faults['storm'];
}

export function faultsOf({ monitor, loop, conversation, restart, storm }: FaultParts): Faults {
  return {
    restart,
    storm,
    dropConnection: (how = 'clean') => monitor.client?.end(how),
    hang: (ms = Number.POSITIVE_INFINITY) => loop.hang(ms),
    wake() {
      monitor.silent = false;
      loop.wake();
      monitor.serveNext();
    },
    silent() {
      monitor.silent = true;
    },
    staleReply(id) {
      const error = { class: 'GenericError', desc: 'Job not found' };
      conversation.beforeNegotiation.push(conversation.encode({ id, error }));
    },
    eventBeforeGreeting(event = 'VSERPORT_CHANGE', data = { open: true, id: 'channel0' }) {
      conversation.beforeGreeting.push(conversation.encode({ timestamp: conversation.stamp(), event, data }));
    },
    garbage: (text) => monitor.client?.write(text),
    halfMessage() {
      const text = conversation.encode({ timestamp: conversation.stamp(), event: 'RESUME' });
      monitor.client?.write(text.slice(0, text.length / 2));
    },
    refuseNextCommand(name, error) {
      loop.refusals.set(name, [...(loop.refusals.get(name) ?? []), error]);
    },
    malformNextReply(name, value) {
      loop.malformed.set(name, [...(loop.malformed.get(name) ?? []), value]);
    },
    delayReply(name, ms) {
      if (ms > 0) loop.delays.set(name, ms);
      else loop.delays.delete(name);
    },
    emit: (event, data) => conversation.event({ event, ...(data ? { data } : {}) }),
    timestampsUnavailable(unavailable = true) {
      conversation.timeUnavailable = unavailable;
    },
  };
}
