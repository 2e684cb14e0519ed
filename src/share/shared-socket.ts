// One unix socket at which other tools speak QMP over the gateway's connection to one source.
import { createServer, type Server, type Socket } from 'node:net';
import { basename } from 'node:path';
import type { Logger } from 'pino';
import type { Subscription } from 'rxjs';
import type { Clock } from '../clock.js';
import type { SharedCommands } from '../jobs/index.js';
import type { QmpSession } from '../qmp/index.js';
import { listenOnFile, type SocketFile } from '../socket-file.js';
import type { ShareLimitName, ShareLimits } from './limits.js';
import { compilePolicy } from './policy.js';
import { Tool, type ToolHost } from './tool.js';

export interface ShareSettings extends SocketFile {
  source: string;
  /** Commands that are passed on, as names or globs; `undefined`: those that only read. */
  allow: readonly string[] | undefined;
}

export interface ShareOptions {
  limits: ShareLimits;
  clock: Clock;
  commands: Pick<SharedCommands, 'begin'>;
  limited: (limit: ShareLimitName) => void;
  logger: Logger;
}

/** Connections that the kernel holds until they are accepted. */
const BACKLOG = 64;

export class SharedSocket {
  readonly #settings: ShareSettings;
  readonly #options: ShareOptions;
  readonly #logger: Logger;
  readonly #allows: (command: string) => boolean;
  readonly #server: Server;
  readonly #tools = new Set<Tool>();
  #session: QmpSession | undefined;
  #events: Subscription | undefined;
  #connections = 0;

  constructor(settings: ShareSettings, options: ShareOptions) {
    this.#settings = settings;
    this.#options = options;
    this.#logger = options.logger.child({ source: settings.source, share: settings.path });
    this.#allows = compilePolicy(settings.allow);
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  get source(): string {
    return this.#settings.source;
  }

  /** Rejects with the error of `listen`. */
  listen(): Promise<void> {
    return listenOnFile(this.#server, this.#settings, BACKLOG);
  }

  opened(session: QmpSession): void {
    this.#session = session;
    this.#events = session.eventTexts$.subscribe((text) => {
      if (this.#tools.size === 0) return;
      const line = Buffer.from(`${text}\r\n`);
      for (const tool of this.#tools) tool.event(line);
    });
  }

  /** The source is not connected any more: QEMU's monitor would have closed too. */
  closed(): void {
    this.#session = undefined;
    this.#events?.unsubscribe();
    for (const tool of [...this.#tools]) tool.close();
  }

  /** Resolves when the file is gone. */
  close(): Promise<void> {
    this.closed();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #accept(socket: Socket): void {
    const session = this.#session;
    const isFull = this.#tools.size >= this.#options.limits.tools;
    if (!session || isFull) {
      socket.destroy();
      if (isFull) this.#limited('', 'share_tools', 'there are too many of them');
      return;
    }
    this.#connections += 1;
    const name = `share:${basename(this.#settings.path)}#${this.#connections}`;
    this.#tools.add(new Tool(name, socket, this.#hostOf(session)));
    this.#logger.info({ tool: name }, 'a tool is connected');
  }

  #hostOf(session: QmpSession): ToolHost {
    const { limits, clock, commands } = this.#options;
    const { source } = this.#settings;
    let isRefused = false;
    return {
      session,
      limits,
      clock,
      allows: this.#allows,
      begin: (command) => commands.begin({ source, ...command }),
      refused: (tool, command) => {
        if (!isRefused)
          this.#logger.warn({ tool, command }, 'a command of a tool is refused; its next ones are not logged');
        isRefused = true;
      },
      limited: (tool, limit, why) => this.#limited(tool, limit, why),
      closed: (tool) => {
        if (this.#tools.delete(tool)) this.#logger.info({ tool: tool.name }, 'a tool is gone');
      },
    };
  }

  #limited(tool: string, limit: ShareLimitName, why: string | undefined): void {
    this.#options.limited(limit);
    if (why !== undefined) this.#logger.warn({ tool, limit, why }, 'a tool is closed');
  }
}
