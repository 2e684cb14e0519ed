// What proves that a QEMU is the one from before, and what proves nothing.
import { expect, it } from 'vitest';
import { socketBirth } from '../../src/sources/qmp/identity.js';

it.each([
  ['is absent', '/none/such.sock'],
  ['can not be looked at', `/${'x'.repeat(300)}`],
  ['lies below a file', '/etc/passwd/m.sock'],
])('a socket that %s proves nothing, and is no error', (_, path) => {
  expect(socketBirth({ kind: 'unix', path })).toBeUndefined();
});

it('a file has one birth', () => {
  const birth = socketBirth({ kind: 'unix', path: '/etc/passwd' });
  expect(birth).toMatch(/^\d+:\d+:\d+$/);
  expect(socketBirth({ kind: 'unix', path: '/etc/passwd' })).toBe(birth);
  expect(socketBirth({ kind: 'tcp', host: 'localhost', port: 1 })).toBeUndefined();
});
