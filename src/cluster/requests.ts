// The calls of which a source's commands are, so that an owner that takes the source over knows what became of them. Known for as long as a caller may
// still ask, from the entries of the stream and, for those before a checkpoint, from the checkpoint's own lines.
import type { EntryDraft, LogPosition } from '../protocol/draft.js';
import type { CommandResult, Cursor, GatewayEventData, JobRef } from '../protocol/types.js';

export interface KnownRequest {
  id: string;
  /** Milliseconds since 1970 of its first command. */
  at: number;
  job: JobRef;
  /** Of its newest command, and the cursor of its entry, once the stream has it. */
  command: string;
  cursor?: Cursor | undefined;
  result?: CommandResult | undefined;
  error?: string | undefined;
}

/** Milliseconds for which a request is known: the longest bound of a call, and two minutes. */
const KNOWN_MS = 3_600_000 + 120_000;

export class Requests {
  readonly #known = new Map<string, Known>();
  /** Of commands that are not answered. */
  readonly #ofCommand = new Map<string, Known>();

  /** @param now milliseconds since 1970. @param cursor of the entry; by default its position has it, later. */
  entry(
    { type, job, data, position }: Pick<EntryDraft, 'type' | 'job' | 'data' | 'position'>,
    now: number,
    cursor?: Cursor,
  ): void {
    if (type === 'GATEWAY_COMMAND' && job) {
      const { request, command } = data as GatewayEventData['GATEWAY_COMMAND'];
      if (request === undefined) return;
      const known: Known = { request: { id: request, at: now, job, command, cursor }, position };
      this.#known.set(request, known);
      this.#ofCommand.set(command, known);
    }
    if (type === 'GATEWAY_COMMAND_ANSWERED') {
      const { command, result, error } = data as GatewayEventData['GATEWAY_COMMAND_ANSWERED'];
      const known = this.#ofCommand.get(command);
      this.#ofCommand.delete(command);
      if (known) Object.assign(known.request, { result, error });
    }
  }

  find(id: string): KnownRequest | undefined {
    const known = this.#known.get(id);
    return known && settle(known);
  }

  /** @returns lines for a checkpoint. */
  save(now: number): string[] {
    for (const [
      id,
      {
        request: { at, command },
      },
    ] of this.#known)
      if (at < now - KNOWN_MS) {
        this.#known.delete(id);
        this.#ofCommand.delete(command);
      }
    return [...this.#known.values()].map((known) => JSON.stringify({ kind: 'request', request: settle(known) }));
  }

  /** The next line of a checkpoint, of whatever kind. */
  line(text: string): void {
    if (!text.startsWith('{"kind":"request"')) return;
    const { request } = JSON.parse(text) as { request: KnownRequest };
    const known: Known = { request, position: undefined };
    this.#known.set(request.id, known);
    if (request.result === undefined) this.#ofCommand.set(request.command, known);
  }
}

interface Known {
  request: KnownRequest;
  position: LogPosition | undefined;
}

function settle({ request, position }: Known): KnownRequest {
  request.cursor ??= position?.cursor;
  return request;
}
