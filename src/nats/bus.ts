// Messages between the members of a cluster, as JSON, over NATS itself: at most once, and kept nowhere.
import type { Msg, NatsConnection } from '@nats-io/transport-node';

/** `nobody`: no member subscribes to the subject, or NATS can't be reached: nothing was sent to anybody. `lost`: it may have been received. */
export type BusReply = { kind: 'reply'; body: unknown } | { kind: 'nobody' } | { kind: 'lost' };

export interface Bus {
  /** @param timeoutMs milliseconds to the reply. Never rejects. */
  request(subject: string, body: unknown, timeoutMs: number): Promise<BusReply>;
  publish(subject: string, body: unknown): void;
  /** @param take `reply` is missing where the sender awaits none. @returns ends the subscription; what is on its way is still taken. */
  subscribe(
    subject: string,
    take: (body: unknown, subject: string, reply: ((body: unknown) => void) | undefined) => void,
  ): () => void;
}

export class NatsBus implements Bus {
  readonly #connection: NatsConnection;
  readonly #isConnected: () => boolean;

  constructor(connection: NatsConnection, isConnected: () => boolean) {
    this.#connection = connection;
    this.#isConnected = isConnected;
  }

  async request(subject: string, body: unknown, timeoutMs: number): Promise<BusReply> {
    // The client of NATS would keep it, and send it when it is connected again.
    if (!this.#isConnected()) return { kind: 'nobody' };
    try {
      const message = await this.#connection.request(subject, JSON.stringify(body), {
        timeout: Math.max(1, Math.ceil(timeoutMs)),
      });
      return { kind: 'reply', body: parse(message) };
    } catch (error) {
      return { kind: isNobody(error) ? 'nobody' : 'lost' };
    }
  }

  publish(subject: string, body: unknown): void {
    if (this.#isConnected()) this.#connection.publish(subject, JSON.stringify(body));
  }

  subscribe(subject: string, take: Parameters<Bus['subscribe']>[1]): () => void {
    const subscription = this.#connection.subscribe(subject, {
      callback: (error, message) => {
        const body = error ? undefined : parse(message);
        if (body === undefined) return;
        const { reply } = message;
        take(body, message.subject, reply ? (answer) => void message.respond(JSON.stringify(answer)) : undefined);
      },
    });
    // What a server has sent before it knows would be lost, and its sender would await an answer until its time is over.
    return () => void subscription.drain().catch(() => undefined);
  }
}

function parse(message: Msg): unknown {
  try {
    return message.json();
  } catch {
    return undefined;
  }
}

const isNobody = (error: unknown): boolean => (error as { isNoResponders?: () => boolean }).isNoResponders?.() === true;
