// Traces of commands by OpenTelemetry: a span from the call to its answer, and one from there to the end of the run. Without an SDK that the operator
// loads, the API does nothing, and nothing is kept here.
import {
  type Attributes,
  type Context,
  createTraceState,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { CallContext, TraceParent } from '../access/index.js';
import type { Answer } from '../protocol/answer.js';
import type { AbortParams, DryRunParam, JobTarget, Requested, Settled } from '../protocol/methods.js';
import type { SettledRun } from '../protocol/types.js';
import { READING } from './audit.js';
import type { CommandName, CommandPort, ViewPort } from './ports.js';

type Params = JobTarget & Pick<AbortParams, 'sync'> & DryRunParam;
type Command = (context: CallContext, params: Params) => Promise<Answer<Requested | Settled>>;

/** Spans that wait for the end of their run; further ones are not begun. */
const MAX_OPEN = 1_024;

const PREFIX = 'qmp_gateway.';
/** Verbs after which the run ends. */
const ENDING: readonly CommandName[] = ['job.abort', 'job.complete', 'job.finalize'];

export class CommandTracing {
  readonly #version: string;
  /** By run. */
  readonly #waiting = new Map<string, Span[]>();
  #open = 0;

  /** @param version of the gateway. */
  constructor(version: string) {
    this.#version = version;
  }

  /** The same commands; those that only read, and dry runs, are not traced. */
  traced<Commands extends CommandPort>(commands: Commands, view: Pick<ViewPort, 'isLive' | 'settled'>): Commands {
    const names = (Object.keys(commands) as CommandName[]).filter((name) => !READING.includes(name));
    const traced = names.map((name) => [name, this.#wrap(name, commands[name] as Command, view)]);
    return { ...commands, ...Object.fromEntries(traced) };
  }

  /** A run has ended: its spans do. */
  settled({ run, settled }: Pick<SettledRun, 'run' | 'settled'>): void {
    const spans = this.#waiting.get(run);
    if (!spans) return;
    this.#waiting.delete(run);
    this.#open -= spans.length;
    for (const span of spans) span.setAttributes(endOf(settled)).end();
  }

  /** The gateway ends: so do spans whose run has not. */
  close(): void {
    for (const spans of this.#waiting.values()) for (const span of spans) span.end();
    this.#waiting.clear();
  }

  #wrap(name: CommandName, command: Command, view: Pick<ViewPort, 'isLive' | 'settled'>): Command {
    return async (context, params) => {
      if (params.dryRun) return command(context, params);
      const tracer = trace.getTracer('qmp-gateway', this.#version);
      const parent = parentOf(context.trace);
      const attributes = attributesOf(name, params);
      const span = tracer.startSpan(PREFIX + name, { kind: SpanKind.SERVER, attributes }, parent);
      const answer = await command(context, params);
      describeAnswer(span, answer);
      const isKept = span.isRecording();
      span.end();
      if (isKept && answer.ok && answer.result.status === 'requested' && ENDING.includes(name)) {
        const { run } = answer.result;
        const withRun = { ...attributes, [`${PREFIX}run`]: run };
        const child = trace.setSpan(parent, span);
        if (this.#open < MAX_OPEN)
          this.#await(run, tracer.startSpan(`${PREFIX}job.settlement`, { attributes: withRun }, child));
        // Its end may have come in the same turn as QEMU's answer.
        const ended = view.isLive(params.source, params.job, run)
          ? undefined
          : view.settled().find((each) => each.run === run);
        if (ended) this.settled(ended);
      }
      return answer;
    };
  }

  #await(run: string, span: Span): void {
    this.#open += 1;
    const spans = this.#waiting.get(run);
    if (spans) spans.push(span);
    else this.#waiting.set(run, [span]);
  }
}

/** Bounded: the wire bounds the names. */
function attributesOf(name: CommandName, { source, job, run, sync }: Params): Attributes {
  return {
    [`${PREFIX}verb`]: name.slice('job.'.length),
    [`${PREFIX}source`]: source,
    [`${PREFIX}job`]: job,
    ...(run !== undefined && { [`${PREFIX}run`]: run }),
    [`${PREFIX}sync`]: sync === true,
  };
}

function describeAnswer(span: Span, answer: Answer<Requested | Settled>): void {
  if (!answer.ok) {
    span.setAttribute(`${PREFIX}result`, answer.error.reason);
    span.setStatus({ code: SpanStatusCode.ERROR, message: answer.error.reason });
    return;
  }
  const { result } = answer;
  span.setAttributes({ [`${PREFIX}result`]: result.status, [`${PREFIX}run`]: result.run });
  if (result.status === 'settled') span.setAttributes(endOf(result));
}

const endOf = ({ outcome, provenance }: Pick<Settled, 'outcome' | 'provenance'>): Attributes => ({
  [`${PREFIX}outcome`]: outcome,
  [`${PREFIX}provenance`]: provenance,
});

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** W3C Trace Context: a malformed `traceparent` begins a new trace, and so does one of zeros; later versions may have more after the flags. */
function parentOf(parent: TraceParent | undefined): Context {
  const [, version, traceId = '', spanId = '', flags = '', more] = TRACEPARENT.exec(parent?.traceparent ?? '') ?? [];
  const isMalformed = version === undefined || version === 'ff' || (version === '00' && more !== undefined);
  if (isMalformed || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return ROOT_CONTEXT;
  const tracestate = parent?.tracestate;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & 1,
    isRemote: true,
    ...(tracestate !== undefined && { traceState: createTraceState(tracestate) }),
  });
}
