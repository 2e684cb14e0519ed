// What an error of the operating system says of a QEMU: that nothing is at its address, or only that this host does not get there.
import { expect, it } from 'vitest';
import { toMonitorLost } from '../../src/qmp/connection-error.js';

const reasonOf = (code: string): string => toMonitorLost(Object.assign(new Error(code), { code })).reason;

it('a host whose name can’t be looked up now is unreachable: nobody has said that there is none', () => {
  expect(reasonOf('EAI_AGAIN')).toBe('unreachable');
  expect(reasonOf('ENOTFOUND')).toBe('absent');
});
