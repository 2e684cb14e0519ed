// The QMP dialogue with a client: greeting, negotiation, requests, replies and events. Until qmp_capabilities is accepted no other command works, and
// events are lost.
import type { Clock } from './clock.js';
import { type Context, versionInfo } from './commands.js';
import { DONE, fail, type Reply, type SimEvent } from './model.js';
import type { Client } from './monitor.js';
import { checkParameters } from './parameters.js';
import { parse } from './parse.js';
import { type Request, readRequest } from './request.js';
import type { Piece } from './request-splitter.js';
import { encode, type Timestamp, timestamp } from './wire.js';

/** An event as it was raised. */
export interface SentMessage {
  event: string;
  data?: Record<string, unknown>;
  /** Whether the job that ends with it switched its disk to the copy. */
  pivoted?: boolean;
  timestamp: Timestamp;
  /** Whether a negotiated client was connected to receive it. */
  delivered: boolean;
}

export interface ConversationOptions {
  clock: Clock;
  context: Context;
  pretty: boolean;
  record: SentMessage[] | null;
  client(): Client | null;
  submit(client: Client, request: Request): void;
}

export class Conversation {
  readonly #options: ConversationOptions;
  /** Whether timestamps are -1, -1. */
  timeUnavailable = false;
  /** Written to the next client before its greeting, and before its negotiation reply. */
  readonly beforeGreeting: string[] = [];
  readonly beforeNegotiation: string[] = [];

  constructor(options: ConversationOptions) {
    this.#options = options;
  }

  encode = (message: Record<string, unknown>): string => encode(message, this.#options.pretty);
  stamp = (): Timestamp => timestamp(this.#options.clock.now(), this.timeUnavailable);

  greet(client: Client): void {
    for (const text of this.beforeGreeting.splice(0)) client.write(text);
    const { context } = this.#options;
    client.write(
      this.encode({ QMP: { version: versionInfo(context), capabilities: context.lacks.size > 0 ? [] : ['oob'] } }),
    );
  }

  receive(client: Client, piece: Piece): void {
    const parsed = piece.kind === 'error' ? { ok: false as const, desc: piece.desc } : parse(piece.text);
    if (!parsed.ok) {
      client.write(this.encode({ error: { class: 'GenericError', desc: parsed.desc } }));
      return;
    }
    const read = readRequest(parsed.value, client.oob);
    if (read.ok) this.#options.submit(client, read.request);
    else client.write(this.encode({ ...('id' in read ? { id: read.id } : {}), error: { ...read.error } }));
  }

  /** Negotiation, executed in the main loop as any command. `null`: the request may be executed. */
  negotiate(request: Request): Reply | null {
    const client = this.#options.client();
    if (!client || client.negotiated) {
      if (request.execute !== 'qmp_capabilities') return null;
      return fail('Capabilities negotiation is already complete, command ignored', 'CommandNotFound');
    }
    if (request.execute !== 'qmp_capabilities') {
      return fail("Expecting capabilities negotiation with 'qmp_capabilities'", 'CommandNotFound');
    }
    const checked = checkParameters({ 'enable?': 'list' }, request.arguments);
    if (!checked.ok) return checked;
    const strange = checked.values.list('enable').find((name) => name !== 'oob');
    if (strange !== undefined) return fail(`Parameter 'null' does not accept value '${String(strange)}'`);
    for (const text of this.beforeNegotiation.splice(0)) client.write(text);
    client.negotiated = true;
    client.oob = checked.values.list('enable').includes('oob');
    return DONE;
  }

  /** The reply goes to the present client, which may be another than the one that sent the request. */
  reply(reply: Reply, request: Request): void {
    const id = 'id' in request ? { id: request.id } : {};
    const message = reply.ok ? { return: reply.value, ...id } : { ...id, error: { ...reply.error } };
    this.#options.client()?.write(this.encode(message));
  }

  event({ event, data, pivoted }: Pick<SimEvent, 'event' | 'pivoted'> & { data?: Record<string, unknown> }): void {
    const stamp = this.stamp();
    const client = this.#options.client();
    const delivered = client?.listening ?? false;
    this.#options.record?.push({
      event,
      ...(data ? { data } : {}),
      ...(pivoted !== undefined && { pivoted }),
      timestamp: stamp,
      delivered,
    });
    if (client && delivered) client.write(this.encode({ timestamp: stamp, event, ...(data ? { data } : {}) }));
  }

  /** The same event `count` times in one write. The data is encoded once, with one timestamp for all. */
  repeat(event: SimEvent, count: number): void {
    const stamp = this.stamp();
    const client = this.#options.client();
    const delivered = client?.listening ?? false;
    const { record } = this.#options;
    if (record) for (let n = 0; n < count; n += 1) record.push({ ...event, timestamp: stamp, delivered });
    if (client && delivered) client.write(this.encode({ timestamp: stamp, ...event }).repeat(count));
  }
}
