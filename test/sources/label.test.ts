// The name that a QEMU gives itself, as people read it.
import { expect, it } from 'vitest';
import { labelOf } from '../../src/sources/qmp/label.js';
import { HOSTILE } from '../support/hostile-monitor.js';

it.each([
  ['web 1', 'web 1'],
  [' päge\u00a0\u2003x ', 'päge x'],
  ['a\r\nb\u001b[2Jc', 'a b [2Jc'],
  [HOSTILE, 'x ]0;owned [2J forged line 31m txt forged too'],
])('%j is the label %s', (name, label) => {
  expect(labelOf(name)).toBe(label);
});

it.each([[undefined], [''], [' \n\u202e']])('%j is none', (name) => {
  expect(labelOf(name)).toBeUndefined();
});

it('is cut to 128 characters, and never within one', () => {
  expect(labelOf('x'.repeat(1_000_000))).toBe('x'.repeat(128));
  expect(labelOf('😀'.repeat(1_000))).toBe('😀'.repeat(128));
  expect(labelOf(`${'x'.repeat(1_023)}😀`)).toHaveLength(128);
});
