// From which version on NATS holds the writers of a replicated stream to the place that they name.
import { expect, it } from 'vitest';
import { isFenceSure } from '../../src/nats/index.js';

it.each([
  ['2.9.10', 1, true],
  ['2.9.10', 3, false],
  ['2.9.20', 5, false],
  ['2.9.21', 3, true],
  ['2.10.0-preview.1', 3, true],
  ['2.10.27', 3, true],
  ['3.0.0', 3, true],
  [undefined, 3, true],
])('of %s with %d copies: %s', (version, replicas, expected) => {
  expect(isFenceSure(version, replicas)).toBe(expected);
});
