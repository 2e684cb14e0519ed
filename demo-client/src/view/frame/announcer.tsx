// The one live region about the jobs: a sentence at most every ten seconds, so that a screen reader is not flooded.
import { effect } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import type { JobTable } from 'qmp-gateway/client';
import type { Gateway } from '../../gateway/gateway.js';
import { spokenBetween } from '../../model/events/spoken.js';

const REST_MS = 10_000;

/** As it is now: a frame's maps go on changing. */
const copyOf = (table: JobTable | undefined): JobTable | undefined =>
  table && {
    cursor: table.cursor,
    jobs: new Map(table.jobs),
    settled: new Map(table.settled),
    sources: new Map(table.sources),
  };

export function Announcer({ gateway }: { gateway: Gateway }) {
  const [text, setText] = useState('');
  useEffect(() => {
    let before: JobTable | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    function speak(): void {
      timer = undefined;
      const after = copyOf(gateway.table.peek());
      const spoken = before && after && spokenBetween(before, after);
      before = after;
      if (spoken !== undefined) setText(spoken);
    }
    const stop = effect(() => {
      const table = gateway.table.value;
      if (before) timer ??= setTimeout(speak, REST_MS);
      else before = copyOf(table);
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [gateway]);
  return (
    <p class="hidden" aria-live="polite" data-testid="spoken">
      {text}
    </p>
  );
}
