// Whether the figures of a source's jobs are current, by the page's connection and the source's state. Pure.
import type { ClientState, JobTable } from 'qmp-gateway/client';
import { isAnswering } from 'qmp-gateway/protocol';

/**
 * While the page is offline, or the source is not connected or does not answer, the figures are old, so a speed or a remaining time would be
 * invented.
 */
export function currentIn(phase: ClientState['phase'], { sources }: JobTable): (source: string) => boolean {
  return (source) => phase === 'open' && isAnswering(sources.get(source));
}
