// Which refusals of credentials are counted.
import { expect, it } from 'vitest';
import { countFailures } from '../../src/gateway/count-failures.js';
import { grantsOf, TestPolicy } from '../support/access.js';
import { TestRecorder } from '../support/recorder.js';

it.each([
  ['a token that is known', 'ann', 'post', []],
  ['one that is not', 'eve', 'websocket', ['refused']],
  ['a request without one', undefined, 'post', ['missing']],
  ['metrics without one', undefined, 'http', ['missing']],
  ['an upgrade without one, which may authenticate later', undefined, 'websocket', []],
] as const)('%s', (_what, token, kind, failures) => {
  const recorder = new TestRecorder();
  const access = countFailures(new TestPolicy({ ann: grantsOf('a', []) }), recorder);
  const transport = { kind, listener: 'tcp', proxied: false, address: undefined } as const;
  expect(access.authenticate({ token }, transport)).toHaveProperty('ok', failures.length === 0 && token === 'ann');
  expect(recorder.failures).toEqual(failures);
});
