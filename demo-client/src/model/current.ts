// Whether the figures of a source's jobs are the present, by the page's own connection and the source's. Pure.
import type { ClientState, JobTable } from 'qmp-gateway/client';
import { isAnswering } from 'qmp-gateway/protocol';

/** Offline, or with a source that is away or does not answer, what is shown is as of before: a speed or an end to come would be made up. */
export function currentIn(phase: ClientState['phase'], { sources }: JobTable): (source: string) => boolean {
  return (source) => phase === 'open' && isAnswering(sources.get(source));
}
