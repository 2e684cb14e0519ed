// Faults that tests cause: lost connections, hangs, storms of events, malformed messages.
import type { Conversation } from './conversation.js';
import type { MainLoop } from './main-loop.js';
import type { QmpError } from './model.js';
import type { Monitor } from './monitor.js';
import type { Storm } from './storm.js';

export interface Faults {
  /** Ends the active connection; jobs go on. Default `clean` (EOF); `reset` loses what was not flushed, and is ECONNRESET on TCP. */
  dropConnection(how?: 'clean' | 'reset'): void;
  /** The main loop stops: no replies and no events, while connections are accepted and greeted. Default: until {@link wake}. */
  hang(ms?: number): void;
  /** Ends a hang or a silence; what came due meanwhile happens then. */
  wake(): void;
  /** As a stopped process: clients that connect from now on get no greeting. The active client is not affected. */
  silent(): void;
  /** Raises many events; resolves when the last is raised. */
  storm(storm: Storm): Promise<void>;
  /** The next client gets an error reply with this `id`, which is not one of its own, before its negotiation reply. */
  staleReply(id: unknown): void;
  /** The next client gets this event before its greeting. Default VSERPORT_CHANGE. */
  eventBeforeGreeting(event?: string, data?: Record<string, unknown>): void;
  /** Sends raw text to the active client. Latin-1. */
  garbage(text: string): void;
  /** Sends the first half of an event to the active client; the next message follows right after it. */
  halfMessage(): void;
  /** The process ends without a message, and a new one listens at the same address after `downMs` (default 0). */
  restart(options?: { downMs?: number; how?: 'clean' | 'reset' }): Promise<void>;
  /** The next command of that name is answered with the error instead of being executed. Several calls queue up. */
  refuseNextCommand(name: string, error: QmpError): void;
  /** The next command of that name is executed, and answered with this value instead of its own. Several calls queue up. */
  malformNextReply(name: string, value: unknown): void;
  /** Every command of that name blocks the main loop for so many milliseconds; 0 ends that. */
  delayReply(name: string, ms: number): void;
  /** Sends any event to the negotiated client. */
  emit(event: string, data?: Record<string, unknown>): void;
  /** Timestamps are -1, -1 from now on; `false` ends that. */
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
