// One tool on a shared socket: negotiation, its commands one after the other as QEMU executes them, and QEMU's events.
import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.js';
import type { SharedCommand, SharedCommandTrace } from '../jobs/index.js';
import type { QmpSession, ToolReply } from '../qmp/index.js';
import { readJobCommand } from './job-command.js';
import type { ShareLimitName, ShareLimits } from './limits.js';
import {
  emptyReturn,
  errorText,
  greetingText,
  NEGOTIATED,
  NOT_NEGOTIATED,
  notFound,
  refusedByPolicy,
} from './messages.js';
import { type Dict, readRequest, type ToolError, type ToolRequest } from './request.js';
import { RequestSplitter } from './request-splitter.js';

type Command = Extract<ToolRequest, { kind: 'command' }>;

/** What a tool has of the socket that it is connected to. */
export interface ToolHost {
  readonly session: Pick<QmpSession, 'greeting' | 'relay'>;
  readonly limits: ShareLimits;
  readonly clock: Clock;
  allows(command: string): boolean;
  begin(command: Omit<SharedCommand, 'source'>): SharedCommandTrace;
  refused(tool: string, command: string): void;
  /** A limit was met. @param why the tool is closed for it; `undefined`: it waits. */
  limited(tool: string, limit: ShareLimitName, why?: string): void;
  closed(tool: Tool): void;
}

export class Tool {
  readonly name: string;
  readonly #socket: Duplex;
  readonly #host: ToolHost;
  readonly #splitter: RequestSplitter;
  #isNegotiated = false;
  #oob = false;
  /** In-band requests, oldest first, behind the one that is executed. */
  readonly #waiting: ToolRequest[] = [];
  #isExecuting = false;
  #outOfBand = 0;
  /** Withdraws commands that are not written yet. */
  readonly #withdraw = new Set<() => boolean>();
  #isReading = false;
  #hasEnded = false;
  #isClosed = false;

  constructor(name: string, socket: Duplex, host: ToolHost) {
    this.name = name;
    this.#socket = socket;
    this.#host = host;
    this.#splitter = new RequestSplitter(host.limits.messageBytes);
    socket.on('data', (chunk) => {
      this.#splitter.push(chunk as Buffer);
      this.#read();
    });
    socket.on('end', () => {
      this.#hasEnded = true;
      this.#read();
    });
    socket.on('error', () => this.close());
    socket.on('close', () => this.close());
    this.#send(greetingText(host.session.greeting));
  }

  /** QEMU raised an event. @param line with its line end. */
  event(line: Buffer): void {
    if (this.#isNegotiated) this.#write(line);
  }

  /** What was written to QEMU stays in force; nothing else is sent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#waiting.length = 0;
    for (const withdraw of this.#withdraw) withdraw();
    this.#socket.destroy();
    this.#host.closed(this);
  }

  /** Reads requests as long as there is room for them, so many in a turn of the loop. */
  #read(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    const { waiting, perTurn, charsPerTurn } = this.#host.limits;
    let count = 0;
    let chars = 0;
    const isTurnOver = (): boolean => count >= perTurn || chars >= charsPerTurn;
    while (!this.#isClosed && this.#waiting.length < waiting && this.#outOfBand < waiting && !isTurnOver()) {
      const framed = this.#splitter.next();
      if (!framed) break;
      count += 1;
      if (framed.kind === 'message') chars += framed.text.length;
      if (framed.kind === 'excess') this.#exceeded('share_message_bytes', framed.why);
      else this.#take(readRequest(framed.text, this.#oob));
    }
    this.#isReading = false;
    if (this.#isClosed) return;
    if (isTurnOver()) {
      this.#socket.pause();
      this.#host.clock.soon(() => this.#read());
    } else if (this.#waiting.length >= waiting || this.#outOfBand >= waiting) this.#pause();
    else if (!this.#hasEnded) this.#socket.resume();
    // A tool that sends no more still gets its replies.
    else if (!this.#isExecuting && this.#outOfBand === 0) this.#socket.end();
  }

  #pause(): void {
    if (!this.#socket.isPaused()) this.#host.limited(this.name, 'share_commands');
    this.#socket.pause();
  }

  #take(request: ToolRequest): void {
    if (request.kind === 'command' && request.command.member === 'exec-oob') {
      this.#outOfBand += 1;
      return this.#execute(request, () => {
        this.#outOfBand -= 1;
      });
    }
    this.#waiting.push(request);
    this.#next();
  }

  #next(): void {
    while (!this.#isExecuting) {
      const request = this.#waiting.shift();
      if (!request) return;
      if (request.kind === 'malformed') this.#send(errorText(request.error, request.id));
      else {
        this.#isExecuting = true;
        this.#execute(request, () => {
          this.#isExecuting = false;
        });
      }
    }
  }

  /** @param done called when it is answered, at once or later. */
  #execute({ command, values }: Command, done: () => void): void {
    const { name, id } = command;
    const error = this.#refusal(name);
    if (error || name === 'qmp_capabilities') {
      done();
      return this.#send(error ? errorText(error, id) : this.#negotiate(values, id));
    }
    // Queries change nothing.
    const trace = name.startsWith('query-')
      ? undefined
      : this.#host.begin({ tool: this.name, name, job: readJobCommand(name, values) });
    let isAnswered = false;
    let withdraw: (() => boolean) | undefined;
    const answer = (reply: ToolReply): void => {
      isAnswered = true;
      if (withdraw) this.#withdraw.delete(withdraw);
      trace?.replied(
        reply.kind === 'return' ? { kind: 'accepted' } : reply.kind === 'error' ? refusedBy(reply) : reply,
      );
      done();
      this.#answer(reply, id);
      this.#next();
      this.#read();
    };
    withdraw = this.#host.session.relay(command, answer, () => trace?.written());
    if (!isAnswered) this.#withdraw.add(withdraw);
  }

  #answer(reply: ToolReply, id: string | undefined): void {
    if (reply.kind === 'return' || reply.kind === 'error') this.#send(reply.text);
    else if (reply.kind === 'busy')
      this.#send(errorText({ class: 'GenericError', desc: 'too many commands wait for this monitor' }, id));
    // Without a connection to QEMU there is nothing to be a monitor of.
    else this.close();
  }

  #refusal(name: string): ToolError | undefined {
    if (name === 'qmp_capabilities') return this.#isNegotiated ? NEGOTIATED : undefined;
    if (!this.#isNegotiated) return NOT_NEGOTIATED;
    if (!/^[\w.-]{1,128}$/.test(name)) return notFound(name.slice(0, 128));
    if (this.#host.allows(name)) return undefined;
    this.#host.refused(this.name, name);
    return refusedByPolicy(name);
  }

  #negotiate(values: Dict, id: string | undefined): string {
    const { enable = [] } = values;
    const { capabilities } = this.#host.session.greeting;
    const wrong = (Array.isArray(enable) ? enable : [enable]).find(
      (each) => each !== 'oob' || !capabilities.includes(each),
    );
    if (wrong !== undefined) {
      // Any JSON may stand there, also what cannot be made a text.
      const value = typeof wrong === 'string' ? wrong.slice(0, 64) : 'no text';
      return errorText({ class: 'GenericError', desc: `Parameter 'enable' does not accept value '${value}'` }, id);
    }
    this.#oob = Array.isArray(enable) && enable.includes('oob');
    this.#isNegotiated = true;
    return emptyReturn(id);
  }

  #send(text: string): void {
    this.#write(Buffer.from(`${text}\r\n`));
  }

  /** What is sent in one turn of the loop goes out in one write. */
  #write(line: Buffer): void {
    if (this.#isClosed) return;
    const socket = this.#socket;
    if (socket.writableCorked === 0) {
      socket.cork();
      process.nextTick(() => socket.uncork());
    }
    socket.write(line);
    const { unsentBytes } = this.#host.limits;
    if (socket.writableLength > unsentBytes)
      this.#exceeded('share_unsent_bytes', `it has not read ${unsentBytes} bytes`);
  }

  #exceeded(limit: ShareLimitName, why: string): void {
    this.#host.limited(this.name, limit, why);
    this.close();
  }
}

const refusedBy = ({ class: name, desc }: Extract<ToolReply, { kind: 'error' }>) =>
  ({ kind: 'refused', class: name, desc }) as const;
