// Stands for an operator's SDK: loaded by NODE_OPTIONS=--import, it writes each span that ends to stderr.
import { trace } from '@opentelemetry/api';

const startSpan = (name, { attributes }, context) => {
  const parent = trace.getSpanContext(context);
  const all = { ...attributes };
  const span = {
    spanContext: () => ({ traceId: parent?.traceId ?? 'b'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 }),
    isRecording: () => true,
    setAttribute: (key, value) => Object.assign(all, { [key]: value }) && span,
    setAttributes: (more) => Object.assign(all, more) && span,
    setStatus: () => span,
    end: () => process.stderr.write(`SPAN ${JSON.stringify({ name, trace: parent?.traceId, ...all })}\n`),
  };
  return span;
};
trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan }) });
// An SDK brings an API of its own, older than 1.10 so far; a newer API than that which registered finds nothing, and says nothing.
globalThis[Symbol.for('opentelemetry.js.api.1')].version = '1.5.0';
