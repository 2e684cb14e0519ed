// A QMP session without a socket whose every command waits for the test's answer.
import type { QmpReply, QmpSession } from '../../src/qmp/index.js';

interface Options {
  timeoutMs?: number;
  lane?: string;
  onWrite?: () => void;
}

export interface Asked {
  name: string;
  args: unknown;
  options: Options;
  answer: (reply: QmpReply) => void;
}

export class ManualSession {
  /** What is not answered, oldest first. */
  readonly asked: Asked[] = [];
  readonly session: QmpSession;

  constructor(major = 9) {
    const request = (name: string, args: unknown, answer: Asked['answer'], options: Options = {}): (() => boolean) => {
      const asked = { name, args, options, answer };
      this.asked.push(asked);
      options.onWrite?.();
      return () => false;
    };
    const execute = (name: string, args: unknown, options?: Options): Promise<QmpReply> =>
      new Promise((resolve) => request(name, args, resolve, options));
    const greeting = { version: { qemu: { major, minor: 0, micro: 0 }, package: '' }, capabilities: [] };
    this.session = { greeting, request, execute } as unknown as QmpSession;
  }

  get names(): string[] {
    return this.asked.map(({ name }) => name);
  }

  /** Answers the oldest command of that name. */
  reply(name: string, reply: QmpReply): void {
    const at = this.asked.findIndex((asked) => asked.name === name);
    const [asked] = at < 0 ? [] : this.asked.splice(at, 1);
    if (!asked) throw new Error(`${name} is not asked`);
    asked.answer(reply);
  }

  value(name: string, value: unknown): void {
    this.reply(name, { kind: 'return', value });
  }

  refuse(name: string, desc = ''): void {
    this.reply(name, { kind: 'error', class: 'GenericError', desc });
  }

  late(name: string): void {
    this.reply(name, { kind: 'timeout', sent: true });
  }
}
