// The verbs of the command line: the jobs that are meant, and what is printed of an answer.
import { describe, expect, it } from 'vitest';
import { EXIT } from '../../src/cli/exit.js';
import { nameLine } from '../../src/cli/name-line.js';
import { refusalOf } from '../../src/cli/refusal.js';
import { answerLines, codeOf, type VerbAnswer } from '../../src/cli/verbs/answer.js';
import { findTargets, isFromPipe, parseTargets, wrongNames } from '../../src/cli/verbs/targets.js';
import { VERB_ROWS } from '../../src/cli/verbs/verb-table.js';
import { type Client, GatewayError } from '../../src/client/node.js';
import type { Settled } from '../../src/protocol/methods.js';
import type { Job } from '../../src/protocol/types.js';

describe('the jobs that are meant', () => {
  const present = [
    { source: 'vm1', job: 'a', run: 'r:1' },
    { source: 'vm1', job: 'b', run: 'r:2' },
    { source: 'vm2', job: 'a', run: 'r:3' },
    { source: 'vm2', job: 'old', run: 'r:4', settled: {} },
  ] as Job[];
  const asked: unknown[] = [];
  const client = {
    jobList: async (params: unknown) => {
      asked.push(params);
      return { jobs: present, cursor: '' };
    },
  } as unknown as Client;
  const find = (source: string, ...jobs: string[]) => findTargets(client, { source, jobs }, ({ settled }) => !settled);

  it('by their names are those, without a question and without a run', async () => {
    expect(await find('vm1', 'a', 'zzz')).toEqual([
      { source: 'vm1', job: 'a' },
      { source: 'vm1', job: 'zzz' },
    ]);
    expect(asked).toEqual([]);
  });

  it('by globs are those that there are, each bound to its run', async () => {
    expect(await find('vm*', 'a')).toEqual([
      { source: 'vm1', job: 'a', run: 'r:1' },
      { source: 'vm2', job: 'a', run: 'r:3' },
    ]);
    expect(await find('vm1', 'a', '*')).toEqual([
      { source: 'vm1', job: 'a' },
      { source: 'vm1', job: 'b', run: 'r:2' },
    ]);
  });

  it('by - are of stdin, and of no others', () => {
    expect(wrongNames({ source: '-', jobs: [] })).toBeUndefined();
    expect(wrongNames({ source: '-', jobs: ['a'] })).toContain('stdin');
  });

  it('by globs that match none are refused', async () => {
    await expect(find('vm2', 'ol?')).rejects.toMatchObject({ code: EXIT.failed });
  });

  it('by lines of stdin are as `jobs -o name` and `jobs --json` print them', () => {
    const lines = 'vm1 a\n\nvm2  a job with blanks \r\n{"source":"vm1","job":"b","run":"r:2","len":1}\nvm3\tc';
    expect(parseTargets(lines)).toEqual([
      { source: 'vm1', job: 'a' },
      { source: 'vm2', job: ' a job with blanks ' },
      { source: 'vm1', job: 'b', run: 'r:2' },
      { source: 'vm3', job: 'c' },
    ]);
    expect(() => parseTargets('vm1 a\n\nvm2\n')).toThrow('line 3 of stdin: expected SOURCE JOB');
    expect(() => parseTargets(' vm1 a')).toThrow('line 1');
  });

  it.each([
    { source: 'vm1' },
    { source: 'vm1', job: '' },
    { source: '', job: 'a' },
    { source: 1, job: 'a' },
    { source: 'vm1', job: ['a'] },
    { source: 'vm1', job: 'a', run: null },
    { source: 'vm1', job: 'a', run: 42 },
    { source: 'vm1', job: 'a', run: '' },
  ])('by JSON as %j are refused: nothing is sent without the run that was meant', (value) => {
    expect(() => parseTargets(JSON.stringify(value))).toThrow('line 1 of stdin');
  });

  it.each(['a', 'a ', ' a', ' ', 'a  b', '{', '-', '*', "it's", 'é', '\\n', '\u00a0'])(
    'by the line of the job %j are that job',
    (job) => {
      const line = nameLine('vm1', job);
      expect(line).toBeDefined();
      expect(parseTargets(`${line}\n`)).toEqual([{ source: 'vm1', job }]);
    },
  );

  it.each([
    ['vm1', ''],
    ['vm1', 'a\nvm1 b'],
    ['vm1', 'a\r'],
    ['vm1', '\u001b[2J'],
    ['vm1', '\u2028'],
    ['vm1', '\u202e'],
    ['vm 1', 'a'],
    ['{vm1', 'a'],
    ['', 'a'],
    ['vm 1', undefined],
  ])('source %j with job %j has no line', (source, job) => expect(nameLine(source, job)).toBeUndefined());

  it.each([
    [{ source: 'vm1', jobs: [] }, "missing required argument 'job'"],
    [{ source: 'vm1', jobs: ['a', 'b'], run: 'r:1' }, '--run goes with one SOURCE and one JOB'],
    [{ source: 'vm1', jobs: ['*'], run: 'r:1' }, '--run goes with one'],
    [{ source: '-', jobs: [], run: 'r:1' }, '--run goes with one'],
    [{ source: 'vm1', jobs: [''] }, 'a name is empty'],
  ])('%j can not be meant', (named, why) => expect(wrongNames(named)).toContain(why));

  it('- alone is a pipe', () => {
    expect([isFromPipe({ source: '-', jobs: [] }), isFromPipe({ source: '-', jobs: ['a'] })]).toEqual([true, false]);
  });
});

it('a run that is not found is looked for as this run', () => {
  const error = new GatewayError(-32004, 'JOB_NOT_FOUND', 'no such run');
  const { lines } = refusalOf(error, { source: 'vm1', job: 'a', run: 'r:2' }, true);
  expect(lines.at(-1)).toMatch(/one that has ended: qmp-gateway show vm1 a --run r:2$/);
});

describe('an answer', () => {
  const settled = (more: Partial<Settled>): VerbAnswer => ({
    ...{ status: 'settled', outcome: 'completed', provenance: 'observed', pivoted: false, pivotProof: 'type' },
    ...{ forced: false, escalated: false, dismissed: true, source: 'vm1', job: 'j', run: 'r:1', cursor: 'e:1' },
    ...more,
  });
  const row = (name: string) => {
    const found = VERB_ROWS.find((each) => each.name === name);
    if (!found) throw new Error(name);
    return found;
  };

  it.each([
    ['abort', 'cancelled', 0],
    ['abort', 'completed', 0],
    ['abort', 'failed', 1],
    ['abort', 'lost', 5],
    ['complete', 'completed', 0],
    ['complete', 'cancelled', 1],
    ['wait', 'completed', 0],
    ['wait', 'cancelled', 1],
    ['wait', 'failed', 1],
    ['wait', 'lost', 5],
  ] as const)('of %s that ends as %s is exit %d', (name, outcome, code) => {
    expect(codeOf(settled({ outcome }), row(name).good)).toBe(code);
  });

  it('says what happened, where the disk is, and what is left to do', () => {
    expect(answerLines(settled({ outcome: 'completed', pivoted: 'unknown', dismissed: false }), row('abort'))).toEqual([
      'completed: vm1 j',
      "  It is not known whether the disk switched to the copy: don't delete it.",
      '  It still holds its id: dismiss it.',
    ]);
    const requested = { status: 'requested', source: 'vm1', job: 'j', run: 'r:1', cursor: 'e:7' } as const;
    expect(answerLines(requested, row('speed'))).toEqual([
      'requested: QEMU has accepted to limit vm1 j; what follows is in the events after e:7',
    ]);
  });

  it('of a dry run says what would be sent, or that nothing would', () => {
    const named = { status: 'dryRun', source: 'vm1', job: 'j', run: 'r:1', jobStatus: 'ready' } as const;
    const sends = { command: 'block-job-cancel', arguments: { device: 'j' } };
    expect(answerLines({ ...named, effect: 'finishes', sends }, row('abort'))).toEqual([
      'would abort vm1 j, which is ready (run r:1)',
      '  sends: block-job-cancel {"device":"j"}',
      expect.stringContaining('QEMU finishes the copy instead of cancelling'),
    ]);
    expect(answerLines({ ...named, effect: 'underway', sends: null }, row('abort'))[1]).toBe('  sends: nothing');
  });
});
