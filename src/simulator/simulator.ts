// A running simulator: a QMP server that behaves as QEMU does, with controls for tests.
import { type Clock, systemClock } from './clock.js';
import type { Context } from './commands.js';
import { Conversation, type SentMessage } from './conversation.js';
import { type Faults, faultsOf } from './faults.js';
import { type Jobs, jobsOf } from './job-control.js';
import { type Lack, type Version, versionOf } from './lacks.js';
import { MainLoop } from './main-loop.js';
import { type Client, type Listen, Monitor } from './monitor.js';
import type { NodeTraits } from './nodes.js';
import { blow, type ErrorStorm, type EventStorm, type Storm } from './storm.js';

export interface SimulatorOptions {
  /** Where clients connect; port 0 lets the system choose. */
  listen: Listen;
  /** Default: the system's clock. */
  clock?: Clock;
  /** Default 7.2.22, or the newest that may lack what `lacks` names. */
  version?: Version;
  /** As `pretty=on`: messages of several lines. Default false. */
  pretty?: boolean;
  /** What an older QEMU lacks. Default: nothing. */
  lacks?: readonly Lack[];
  /** Whether to keep every event that was raised, without a bound. Default false. */
  record?: boolean;
}

export interface Simulator {
  /** The bound address, with the port that the system chose. */
  readonly address: Listen;
  readonly jobs: Jobs;
  readonly faults: Faults;
  /** Every event raised, oldest first; empty without `record`. */
  readonly record: readonly SentMessage[];
  /** Whether a negotiated client is connected, which gets the events. */
  readonly negotiated: boolean;
  /** Bytes that were written and not yet sent. */
  readonly backlog: number;
  /** Ends connections and listener. May be called twice. */
  close(): Promise<void>;
}

/**
 * Rejects with the operating system's error when the address can't be bound. A `quit` command closes it as well.
 *
 * @example
 * const simulator = await startSimulator({ listen: { path: '/tmp/demo.sock' } });
 * simulator.jobs.start({ type: 'mirror', id: 'drive0', len: 1 << 30, bytesPerSecond: 100 << 20 });
 */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const { listen, clock = systemClock, pretty = false } = options;
  const lacks = new Set(options.lacks);
  const version = options.version ?? versionOf(lacks);
  const nodes = new Map<string, NodeTraits>();
  const context: Context = { version, versionPackage: 'simulated', lacks, nodes };
  const record: SentMessage[] = [];
  let closed = false;

  const monitor: Monitor = new Monitor({
    opened: (client) => conversation.greet(client),
    piece: (client, piece) => conversation.receive(client, piece),
    closed: (client) => loop.forget(client),
  });
  const conversation: Conversation = new Conversation({
    clock,
    context,
    pretty,
    record: options.record ? record : null,
    client: () => monitor.client,
    submit: (client: Client, request) => loop.submit(client, request),
  });
  const loop: MainLoop = new MainLoop(clock, context, {
    negotiate: (request) => conversation.negotiate(request),
    reply: (reply, request) => conversation.reply(reply, request),
    event: (event) => conversation.event(event),
    quit: () => void close(),
  });

  let address = await monitor.listen(listen);

  async function close(): Promise<void> {
    closed = true;
    loop.reset();
    await monitor.close();
  }

  async function restart({
    downMs = 0,
    how = 'clean',
  }: {
    downMs?: number;
    how?: 'clean' | 'reset';
  } = {}): Promise<void> {
    loop.reset();
    await monitor.close(how);
    if (downMs > 0) await new Promise<void>((resolve) => clock.setTimer(resolve, downMs));
    if (!closed) address = await monitor.listen(address);
  }

  function storm(wanted: Storm): Promise<void> {
    return blow(wanted, clock, 'event' in wanted ? eachOf(wanted) : sameOf(wanted), () => closed);
  }

  function sameOf({ id: device, operation = 'write', action = 'ignore' }: ErrorStorm): (count: number) => void {
    const data = { device, operation, action };
    return (count) => conversation.repeat({ event: 'BLOCK_JOB_ERROR', data }, count);
  }

  function eachOf({ event, data }: EventStorm): (count: number) => void {
    let nth = 0;
    return (count) => {
      for (const until = nth + count; nth < until; nth += 1) conversation.event({ event, data: data(nth) });
    };
  }

  return {
    get address() {
      return address;
    },
    jobs: jobsOf((input) => loop.run(input), nodes),
    faults: faultsOf({ monitor, loop, conversation, restart, storm }),
    record,
    get negotiated() {
      return monitor.client?.listening ?? false;
    },
    get backlog() {
      return monitor.client?.backlog ?? 0;
    },
    close,
  };
}
