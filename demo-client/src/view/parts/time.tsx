// A moment: short where it is shown, whole when pointed at.
import { exactMoment, isoMoment, moment } from '../../model/page/clock.js';
import { zone } from '../../page/zone.js';

interface TimeProps {
  /** Milliseconds since 1970; `undefined`: QEMU did not know it. */
  at: number | undefined;
  isExact?: boolean;
}

export function Time({ at, isExact = false }: TimeProps) {
  if (at === undefined) return <span class="num muted">no time</span>;
  const text = (isExact ? exactMoment : moment)(at, Date.now(), zone.value);
  return (
    <time class="num" dateTime={new Date(at).toISOString()} title={isoMoment(at, zone.value)}>
      {text}
    </time>
  );
}
