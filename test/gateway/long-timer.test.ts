// A timer for a time of the wall clock, which may be set meanwhile.
import { describe, expect, it, vi } from 'vitest';
import { afterLong } from '../../src/gateway/session/long-timer.js';
import { FakeClock } from '../support/fake-clock.js';

const HOUR = 3_600_000;

function timed(hours: number) {
  const clock = new FakeClock();
  const action = vi.fn();
  const end = clock.date() + hours * HOUR;
  const cancel = afterLong(clock, () => end - clock.date(), action);
  return { clock, action, cancel };
}

describe('a long timer', () => {
  it('ends at its time, also after weeks, once', async () => {
    const { clock, action } = timed(24 * 40);
    await clock.advance(24 * 40 * HOUR - 1);
    expect(action).not.toHaveBeenCalled();
    await clock.advance(1);
    await clock.advance(HOUR);
    expect(action).toHaveBeenCalledOnce();
    expect(clock.pending).toBe(0);
  });

  it('ends within a minute where the clock is set forward, and not before its time where it is set back', async () => {
    const forward = timed(10);
    forward.clock.setDate(9.9 * HOUR);
    forward.clock.setDate(0.1 * HOUR);
    await forward.clock.advance(60_000);
    expect(forward.action).toHaveBeenCalledOnce();
    const back = timed(1);
    await back.clock.advance(0.9 * HOUR);
    back.clock.setDate(-HOUR);
    await back.clock.advance(HOUR);
    expect(back.action).not.toHaveBeenCalled();
    await back.clock.advance(0.1 * HOUR);
    expect(back.action).toHaveBeenCalledOnce();
  });

  it('that is cancelled leaves nothing', async () => {
    const { clock, action, cancel } = timed(1);
    await clock.advance(90_000);
    cancel();
    expect(clock.pending).toBe(0);
    await clock.advance(HOUR);
    expect(action).not.toHaveBeenCalled();
  });
});
