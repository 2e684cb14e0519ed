// QMP commands to one domain by libvirt's qemu-monitor-command. libvirt marks a domain that was sent one as tainted (custom-monitor in its log).
import {
  type ExecuteOptions,
  type QmpCommandName,
  type QmpCommands,
  type QmpReply,
  readRelayedReply,
  stringifyJson,
} from '../../qmp/index.js';
import type { QmpCaller } from '../qmp/features.js';
import type { CallReply, DomainCalls } from './calls.js';
import { type Domain, PROCEDURES } from './procedures.js';
import { errorClass, LOCKED } from './replies.js';

export class RelayedMonitor implements QmpCaller {
  readonly #calls: DomainCalls;
  readonly #domain: Domain;
  readonly #queryMs: number;
  readonly #broken: (why: string) => void;

  /** @param broken called where a reply is no QMP: the connection is to be closed. */
  constructor(calls: DomainCalls, domain: Domain, queryMs: number, broken: (why: string) => void) {
    this.#calls = calls;
    this.#domain = domain;
    this.#queryMs = queryMs;
    this.#broken = broken;
  }

  execute<Name extends QmpCommandName>(
    name: Name,
    args: QmpCommands[Name]['args'],
    options: ExecuteOptions = {},
  ): Promise<QmpReply<QmpCommands[Name]['value']>> {
    return new Promise((resolve) => void this.request(name, args, resolve, options));
  }

  /** As that of a session; libvirt itself adds the id of the command. */
  request<Name extends QmpCommandName>(
    name: Name,
    args: QmpCommands[Name]['args'],
    answer: (reply: QmpReply<QmpCommands[Name]['value']>) => void,
    { timeoutMs = this.#queryMs, lane = 'query', onWrite }: ExecuteOptions = {},
  ): () => boolean {
    const command = stringifyJson({ execute: name, arguments: args });
    return this.#calls.send(
      PROCEDURES.monitorCommand,
      { domain: this.#domain, command },
      {
        lane,
        timeoutMs,
        written: onWrite,
        answer: (reply) => this.#reply(name, reply, answer as (reply: QmpReply) => void),
      },
    );
  }

  #reply(name: QmpCommandName, reply: CallReply<string>, answer: (reply: QmpReply) => void): void {
    switch (reply.kind) {
      case 'return': {
        const read = readRelayedReply(name, reply.value);
        if (read.kind !== 'malformed') return answer(read);
        answer({ kind: 'closed', sent: true });
        return this.#broken(read.why);
      }
      case 'error':
        return answer(
          reply.code === LOCKED
            ? { kind: 'timeout', sent: false }
            : { kind: 'error', class: errorClass(reply.code), desc: reply.message },
        );
      case 'closed':
        return answer({ kind: 'closed', sent: true });
      case 'unsent':
        return answer({ kind: 'closed', sent: false });
      default:
        return answer(reply);
    }
  }
}
