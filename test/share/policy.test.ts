// Which commands a shared socket passes on.
import { describe, expect, it } from 'vitest';
import { compilePolicy } from '../../src/share/policy.js';

describe('the policy of a shared socket', () => {
  it('passes on commands that only read, where nothing else is said', () => {
    const allows = compilePolicy();
    expect(['query-jobs', 'query-status'].map(allows)).toEqual([true, true]);
    expect(['job-cancel', 'quit', 'qom-set', 'x-query-jobs', 'human-monitor-command'].some(allows)).toBe(false);
  });

  it('passes on what its globs match, and nothing else', () => {
    const allows = compilePolicy(['query-*', 'block-job-*', 'cont']);
    expect(['query-jobs', 'block-job-cancel', 'cont'].map(allows)).toEqual([true, true, true]);
    expect(['job-cancel', 'continue', 'stop'].some(allows)).toBe(false);
  });

  it.each(['human-monitor-command', 'getfd', 'closefd', 'add-fd', 'remove-fd', 'get-win32-socket', 'add_client'])(
    'passes on %s only where it is named exactly',
    (command) => {
      expect(compilePolicy(['*', `${command.slice(0, 4)}*`, `${command.slice(0, -1)}?`])(command)).toBe(false);
      expect(compilePolicy([command])(command)).toBe(true);
    },
  );

  it('with a star passes on everything else', () => {
    expect(compilePolicy(['*'])('quit')).toBe(true);
  });
});
