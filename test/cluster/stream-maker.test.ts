// The stream is made anew where it was deleted.
import { expect, it } from 'vitest';
import { StreamMaker } from '../../src/cluster/stream-maker.js';
import { FakeClock } from '../support/fake-clock.js';

it('asks again at each failure, one question at a time with a pause between two', async () => {
  const clock = new FakeClock();
  const answers: ((error?: Error) => void)[] = [];
  const told: string[] = [];
  const ensure = (): Promise<void> =>
    new Promise((resolve, reject) => answers.push((error) => (error ? reject(error) : resolve())));
  const maker = new StreamMaker(ensure, { clock, pauseMs: 500 }, (error) => told.push((error as Error).message));
  maker.failing();
  maker.failing();
  expect(answers).toHaveLength(1);
  answers[0]?.(new Error('no leader'));
  await clock.turn();
  expect(told).toEqual(['no leader']);
  maker.failing();
  expect(answers).toHaveLength(1);
  await clock.advance(500);
  maker.failing();
  expect(answers).toHaveLength(2);
  // A server that shows the deleted stream says that there is one.
  answers[1]?.();
  await clock.advance(500);
  maker.failing();
  expect(answers).toHaveLength(3);
});
