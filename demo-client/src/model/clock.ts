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
