// Whether figures are the present. In: the connection's phase, the table. Out: yes or no for each source. Pure.
import type { ClientState, JobTable } from 'qmp-gateway/client';

/** Offline, or with a source that is away or does not answer, what is shown is as of before: a speed or an end to come would be made up. */
export function currentIn(phase: ClientState['phase'], { sources }: JobTable): (source: string) => boolean {
  return (source) => {
    const info = sources.get(source);
    return phase === 'open' && info?.state === 'up' && info.reason === undefined;
  };
}
