import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';

/** Runs work in a span of its own. Without an SDK (see docs/operate.md) the interface does nothing and costs nothing. */
export async function inSpan<Result>(
  name: string,
  work: () => Promise<Result>,
  attributesAfter: () => Readonly<Record<string, string | number>> = () => ({}),
): Promise<Result> {
  const tracer = trace.getTracer('twofold');
  // A new root: what strangers write into a traceparent header must not decide what is kept.
  return tracer.startActiveSpan(name, { kind: SpanKind.SERVER, root: true }, async (span) => {
    try {
      return await work();
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : 'unknown' });
      throw error;
    } finally {
      span.setAttributes(attributesAfter());
      span.end();
    }
  });
}
