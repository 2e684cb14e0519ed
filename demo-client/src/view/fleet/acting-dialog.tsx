// The dialog for what the user is about to do: an abort of one run has its own, which follows the run to its end.

import { useEffect, useRef } from 'preact/hooks';
import type { JobTable } from 'qmp-gateway/client';
import type { Job } from 'qmp-gateway/protocol';
import type { Gateway } from '../../gateway/gateway.js';
import { type Acting, acting } from '../../page/acting.js';
import { AbortDialog } from '../job/abort-dialog.js';
import { BatchDialog } from './batch-dialog.js';

export function ActingDialog({ gateway, table }: { gateway: Gateway; table: JobTable }) {
  const now = acting.value;
  const shown = useRef<{ acting: Acting; job: Job | undefined } | undefined>(undefined);
  // Who leaves the page with an open dialog has not closed it: it must not open again with the page.
  useEffect(
    () => () => {
      acting.value = undefined;
    },
    [],
  );
  if (!now) return null;
  const [first] = now.targets;
  const job = first && table.jobs.get(first.run);
  // An abort goes on in its own dialog after the job has left the table.
  if (shown.current?.acting !== now) shown.current = { acting: now, job };
  const target = shown.current.job;
  const close = (): void => {
    if (acting.peek() === now) acting.value = undefined;
  };
  return now.verb === 'abort' && now.targets.length === 1 && target ? (
    <AbortDialog gateway={gateway} job={target} now={job} source={table.sources.get(target.source)} onClose={close} />
  ) : (
    <BatchDialog gateway={gateway} table={table} {...now} onClose={close} />
  );
}
