// A log that changes while a run's story is read from it.
import { expect, it } from 'vitest';
import { GATEWAY_LIMITS } from '../../src/gateway/limits.js';
import { readStory } from '../../src/gateway/session/run-story.js';
import type { EventReader } from '../../src/log/index.js';
import { FakeClock } from '../support/fake-clock.js';

it('what was not read of a log that another has replaced is of a log before this one', async () => {
  const clock = new FakeClock();
  const log = {
    epoch: 'e',
    head: 10,
    retainsAfter: () => true,
    readAfter: (at: number) => {
      log.epoch = 'f';
      return { entries: [], examined: at + 1 };
    },
  };
  const span = { source: 'vm1', run: 'r:1', began: 'e:1', ended: 'e:9' };
  const deps = { log: log as unknown as EventReader, limits: GATEWAY_LIMITS, clock };
  const story = readStory(span, 60_000, new AbortController().signal, deps);
  await clock.advance(0);
  expect((await story).missing).toEqual([{ reason: 'epoch', after: 'e:1' }]);
});
