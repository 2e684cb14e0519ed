// Times of events in the reader's time zone.

/** Time of day with milliseconds. QEMU may not know the time. */
export function clock(time: string | null): string {
  const date = new Date(time ?? '');
  if (Number.isNaN(date.getTime())) return '--:--:--.---';
  const whole = [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((value) => String(value).padStart(2, '0'))
    .join(':');
  return `${whole}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** Of a moment in the past, in milliseconds: the time of day, and the day if that is not the day of `now`. */
export function moment(at: number, now: number): string {
  const [date, today] = [new Date(at), new Date(now)];
  if (date.toDateString() === today.toDateString()) return clock(date.toISOString()).slice(0, 8);
  const day = date.toLocaleDateString('en-GB', {
    day: 'numeric',
    month: 'short',
    ...(date.getFullYear() !== today.getFullYear() && { year: 'numeric' }),
  });
  return `${day} ${clock(date.toISOString()).slice(0, 5)}`;
}
