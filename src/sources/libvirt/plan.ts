// How a command on a job of a domain is sent: by libvirt's own call where it has one for the job, else by QEMU's monitor where that is allowed.
import type { QmpCommandName, QmpReply } from '../../qmp/index.js';
import type { Carrier, JobCommand, SendOptions } from '../port.js';
import { carrierOf, qmpCall } from '../qmp/commands.js';
import type { CallReply, DomainCalls } from './calls.js';
import { targetOf } from './names.js';
import { ABORT, type Domain, PROCEDURES, type Procedure } from './procedures.js';
import type { RelayedMonitor } from './relayed-monitor.js';
import { qmpReplyOf, replyOf } from './replies.js';

/** The ways to a domain. */
export interface DomainWays {
  domain: Domain;
  calls: DomainCalls;
  /** `undefined`: commands by QEMU's monitor are not allowed. */
  monitor: RelayedMonitor | undefined;
  has(command: QmpCommandName): boolean;
}

export interface Plan {
  carrier: Carrier;
  send(options: SendOptions): () => boolean;
}

export function planOf(command: JobCommand, { domain, calls, monitor, has }: DomainWays): Plan | undefined {
  const { verb, force, speed = 0 } = command;
  const target = targetOf(command.id);
  const call = <Args>(name: string, procedure: Procedure<Args, undefined>, args: Args, more: object): Plan => ({
    carrier: { command: name, arguments: { domain: domain.name, disk: target, ...more } },
    send: ({ timeoutMs, lane, written, replied }) => {
      const answer = (reply: CallReply<unknown>): void => replied(replyOf(reply));
      return calls.send(procedure, args, { lane, timeoutMs, written, answer });
    },
  });
  if (target !== undefined && (verb === 'complete' || (verb === 'abort' && !force))) {
    const pivot = verb === 'complete';
    const flags = pivot ? ABORT.async | ABORT.pivot : ABORT.async;
    return call('virDomainBlockJobAbort', PROCEDURES.abort, { domain, target, flags }, { async: true, pivot });
  }
  if (target !== undefined && verb === 'setSpeed')
    return call('virDomainBlockJobSetSpeed', PROCEDURES.setSpeed, { domain, target, speed: BigInt(speed) }, { speed });
  if (!monitor) return undefined;
  const qmp = qmpCall(command, has);
  return {
    carrier: carrierOf(qmp),
    send: ({ timeoutMs, lane, written, replied }) => {
      const answer = (reply: QmpReply): void => replied(qmpReplyOf(reply));
      return monitor.request(qmp.name, qmp.args, answer, { timeoutMs, lane, onWrite: written });
    },
  };
}
