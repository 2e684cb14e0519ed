// Spans of commands, as a tracer gets them: their parents, their attributes and their ends.
import {
  type Attributes,
  type Context,
  type Span,
  type SpanContext,
  type SpanOptions,
  type SpanStatus,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import { afterEach, describe, expect, it } from 'vitest';
import { grantsOf, TestPolicy } from '../support/access.js';
import { Sessions } from '../support/sessions.js';

class TestSpan {
  readonly name: string;
  readonly parent: SpanContext | undefined;
  readonly attributes: Attributes;
  status: SpanStatus | undefined;
  ends = 0;
  readonly #id: string;

  constructor(name: string, { attributes }: SpanOptions, parent: SpanContext | undefined, id: string) {
    this.name = name;
    this.attributes = { ...attributes };
    this.parent = parent;
    this.#id = id;
  }

  spanContext(): SpanContext {
    return { traceId: this.parent?.traceId ?? 'b'.repeat(32), spanId: this.#id, traceFlags: 1 };
  }
  isRecording(): boolean {
    return true;
  }
  setAttribute(key: string, value: string): this {
    this.attributes[key] = value;
    return this;
  }
  setAttributes(attributes: Attributes): this {
    Object.assign(this.attributes, attributes);
    return this;
  }
  setStatus(status: SpanStatus): this {
    this.status = status;
    return this;
  }
  end(): void {
    this.ends += 1;
  }
}

/** What an SDK would be given, in order of the begins. */
function installTracer(): TestSpan[] {
  const spans: TestSpan[] = [];
  const tracer = {
    startSpan(name: string, options: SpanOptions, context: Context) {
      const id = String(spans.length + 1).padStart(16, '0');
      const span = new TestSpan(name, options, trace.getSpanContext(context), id);
      spans.push(span);
      return span as unknown as Span;
    },
  } as Tracer;
  trace.setGlobalTracerProvider({ getTracer: () => tracer } satisfies TracerProvider);
  return spans;
}
afterEach(() => trace.disable());

const TARGET = { source: 'vm1', job: 'j' };
const [TRACE, PARENT] = ['a'.repeat(32), '1'.repeat(16)];
const traceparent = `00-${TRACE}-${PARENT}-01`;
const END = { outcome: 'cancelled', provenance: 'observed' } as const;
const settledRun = (run: string) => ({ ...TARGET, run, cursor: 'e:9', time: null, settled: END }) as never;

const envelope = (method: string, more: object = {}): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: TARGET, ...more });

/** One call, answered. */
async function call(bench: Sessions, text: string, result: object) {
  bench.client().session.receive(text, bench.clock.now());
  await bench.turn();
  bench.calls.at(-1)?.answer({ ok: true, result });
  await bench.turn();
}

describe('a command', () => {
  it('has a span of its caller’s trace up to its answer, and one up to the end of its run', async () => {
    const spans = installTracer();
    const bench = new Sessions();
    bench.jobs.push({ run: 'r:1' } as never);
    await call(bench, envelope('job.abort', { traceparent, tracestate: 'x=1' }), {
      ...TARGET,
      status: 'requested',
      run: 'r:1',
    });
    const [abort, settlement] = spans;
    expect(spans).toHaveLength(2);
    expect(abort).toMatchObject({
      name: 'qmp_gateway.job.abort',
      ends: 1,
      parent: { traceId: TRACE, spanId: PARENT, isRemote: true },
    });
    expect(abort?.parent?.traceState?.serialize()).toBe('x=1');
    expect(abort?.attributes).toEqual({
      ...{ 'qmp_gateway.verb': 'abort', 'qmp_gateway.source': 'vm1', 'qmp_gateway.job': 'j', 'qmp_gateway.run': 'r:1' },
      ...{ 'qmp_gateway.sync': false, 'qmp_gateway.result': 'requested' },
    });
    expect(settlement).toMatchObject({ name: 'qmp_gateway.job.settlement', ends: 0, parent: abort?.spanContext() });
    bench.tracing.settled(settledRun('r:2'));
    expect(settlement?.ends).toBe(0);
    bench.tracing.settled(settledRun('r:1'));
    bench.tracing.settled(settledRun('r:1'));
    expect(settlement).toMatchObject({ ends: 1, attributes: { 'qmp_gateway.outcome': 'cancelled' } });
  });

  it('whose run has ended before its answer leaves no span open; nor does the end of the gateway', async () => {
    const spans = installTracer();
    const bench = new Sessions();
    bench.settled.push(settledRun('r:1'));
    await call(bench, envelope('job.abort'), { ...TARGET, status: 'requested', run: 'r:1' });
    expect(spans.map(({ ends }) => ends)).toEqual([1, 1]);
    await call(bench, envelope('job.abort'), { ...TARGET, status: 'requested', run: 'r:2' });
    bench.tracing.close();
    expect(spans.map(({ ends }) => ends)).toEqual([1, 1, 1, 1]);
  });

  it('that is synchronous has its outcome in its own span; a refusal is an error; what only reads has none', async () => {
    const spans = installTracer();
    const bench = new Sessions({ access: new TestPolicy({ nobody: grantsOf('vm1', ['abort']) }) });
    const session = bench.client('nobody').session;
    const params = { ...TARGET, sync: true };
    session.receive(envelope('job.abort', { params }), bench.clock.now());
    await bench.turn();
    bench.calls.at(-1)?.answer({ ok: true, result: { ...TARGET, status: 'settled', run: 'r', cursor: 'e:0', ...END } });
    await bench.turn();
    session.receive(envelope('job.pause', { id: 2 }), bench.clock.now());
    session.receive(envelope('job.get', { id: 3 }), bench.clock.now());
    await bench.turn();
    expect(spans.map(({ name, ends }) => [name, ends])).toEqual([
      ['qmp_gateway.job.abort', 1],
      ['qmp_gateway.job.pause', 1],
    ]);
    expect(spans[0]?.attributes).toMatchObject({ 'qmp_gateway.sync': true, 'qmp_gateway.outcome': 'cancelled' });
    expect(spans[1]).toMatchObject({
      status: { code: 2, message: 'FORBIDDEN' },
      attributes: { 'qmp_gateway.result': 'FORBIDDEN' },
    });
  });

  it.each([
    ['is no text', 7],
    ['is too short', '00-abc-def-01'],
    ['is of zeros', `00-${'0'.repeat(32)}-${PARENT}-01`],
    ['has a span of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['is in capitals', traceparent.toUpperCase()],
    ['has the version ff', traceparent.replace('00-', 'ff-')],
    ['has more than its version has', `${traceparent}-more`],
  ])('whose traceparent %s begins a trace of its own, and is carried out', async (_, malformed) => {
    const spans = installTracer();
    const bench = new Sessions();
    await call(bench, envelope('job.pause', { traceparent: malformed }), { ...TARGET, status: 'requested', run: 'r' });
    expect(spans).toMatchObject([{ name: 'qmp_gateway.job.pause', ends: 1, parent: undefined }]);
  });

  it('of a later version of the header belongs to its trace', async () => {
    const spans = installTracer();
    await call(new Sessions(), envelope('job.pause', { traceparent: `01-${TRACE}-${PARENT}-00-more` }), {
      ...TARGET,
      status: 'requested',
      run: 'r',
    });
    expect(spans[0]?.parent).toMatchObject({ traceId: TRACE, traceFlags: 0 });
  });

  it('without an SDK is carried out as ever, and nothing is kept', async () => {
    const bench = new Sessions();
    await call(bench, envelope('job.abort', { traceparent }), { ...TARGET, status: 'requested', run: 'r' });
    expect(bench.calls).toHaveLength(1);
    expect(bench.calls[0]?.context.trace).toEqual({ traceparent });
  });
});
