// The kit's command line.
import { describe, expect, it } from 'vitest';
import { readArguments, USAGE } from '../../src/conformance/arguments.js';
import { CLAUSES } from '../../src/conformance/clauses/index.js';

const read = (text: string, env: NodeJS.ProcessEnv = {}) => readArguments(text.split(' '), env);

describe('the arguments', () => {
  it('are a URL, to which /v1 is added, and no job is touched', () => {
    expect(read('ws://host:1')).toEqual({
      kind: 'try',
      clauses: CLAUSES,
      json: false,
      server: { url: 'ws://host:1/v1' },
    });
    expect(read('https://host/qmp/')).toMatchObject({ server: { url: 'wss://host/qmp/v1' } });
    expect(read('ws://host:1/v1')).toMatchObject({ server: { url: 'ws://host:1/v1' } });
  });

  it('may name a job to abort, whose id may have slashes, clauses, a bound and a token', () => {
    const text = '--abort vm1/a/b --clause batch --timeout 500ms --token t --slow --json ws://h';
    expect(read(text)).toEqual({
      kind: 'try',
      clauses: CLAUSES.filter(({ id }) => id === 'batch'),
      json: true,
      server: { url: 'ws://h/v1', abort: { source: 'vm1', job: 'a/b' }, timeoutMs: 500, token: 't', slow: true },
    });
    expect(read('ws://h', { QMP_GATEWAY_TOKEN: 'e' })).toMatchObject({ server: { token: 'e' } });
  });

  it.each([
    ['', /not a URL/],
    ['ws://a ws://b', /expected one URL/],
    ['ftp://h', /expected ws/],
    ['--abort vm1 ws://h', /expected SOURCE\/JOB/],
    ['--clause none ws://h', /no such clause/],
    ['--timeout 5 ws://h', /as 500ms or 5s/],
    ['--timeout 0s ws://h', /100ms or more/],
    ['--frobnicate ws://h', /frobnicate/],
  ])('"%s" is wrong usage', (text, problem) => {
    expect(read(text)).toEqual({ kind: 'wrong', problem: expect.stringMatching(problem) });
  });

  it('are explained on 80 columns', () => {
    expect(USAGE.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });
});
