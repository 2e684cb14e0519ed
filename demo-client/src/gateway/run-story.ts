// The story of one run from the gateway's history: its record and its figures, read when the page of the run opens and when the run ends.
import { useEffect, useState } from 'preact/hooks';
import type { RunStory } from 'qmp-gateway/protocol';
import type { Gateway } from './gateway.js';

export interface StoryTarget {
  source: string;
  job: string;
  run: string | undefined;
}

/** `undefined` until it is there; a text: the gateway does not know the run, or keeps no history. */
export function useStory(
  { client, past }: Gateway,
  { source, job, run }: StoryTarget,
  hasEnded: boolean,
): RunStory | string | undefined {
  const [found, setFound] = useState<{ run: string | undefined; story: RunStory | string }>();
  const isKept = past.isKept.value;
  useEffect(() => {
    const setStory = (story: RunStory | string): void => setFound({ run, story });
    if (!isKept) return setStory('the gateway keeps no history');
    const abort = new AbortController();
    const target = { source, job, ...(run !== undefined && { run }) };
    client.historyOf(target, { signal: abort.signal }).then(setStory, ({ message }: Error) => {
      // What was read of this run before is still true of it.
      if (!abort.signal.aborted)
        setFound((old) => (old && old.run === run && typeof old.story === 'object' ? old : { run, story: message }));
    });
    return () => abort.abort();
  }, [client, isKept, source, job, run, hasEnded]);
  // That of the run before, while that of the next is read, is not its story.
  return found?.run === run ? found?.story : undefined;
}
