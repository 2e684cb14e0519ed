// The one live region about the jobs: a sentence at most every ten seconds, so that a screen reader is not flooded.
import { effect } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import type { JobTable } from 'qmp-gateway/client';
import type { Gateway } from '../../gateway/gateway.js';
import { spokenBetween } from '../../model/events/spoken.js';

const REST_MS = 10_000;

export function Announcer({ gateway }: { gateway: Gateway }) {
  const [text, setText] = useState('');
  useEffect(() => {
    let before: JobTable | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    function speak(): void {
      timer = undefined;
      const after = gateway.table.peek();
      const spoken = before && after && spokenBetween(before, after);
      before = after;
      if (spoken !== undefined) setText(spoken);
    }
    const stop = effect(() => {
      before ??= gateway.table.value;
      if (before !== gateway.table.value) timer ??= setTimeout(speak, REST_MS);
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
