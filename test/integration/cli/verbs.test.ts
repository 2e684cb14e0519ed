// Verbs on jobs as processes: several at once, by names, globs and a pipe; each answer, the exit code of the worst, and dry runs that do nothing.
import { beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../support/cli.js';
import { openBench } from '../stream/support.js';

let bench: Awaited<ReturnType<typeof openBench>>;
let url: string[];
const GIB = 2 ** 30;

beforeEach(async () => {
  bench = await openBench(['vm1', 'vm2']);
  url = ['--url', bench.app.url];
  for (const name of ['vm1', 'vm2'])
    for (const id of ['a', 'b']) bench.sim(name).jobs.start({ id, type: 'backup', len: GIB, bytesPerSecond: 1 });
  await expect
    .poll(async () => (await bench.wire.call('job.list', {})).jobs.map(({ status }) => status))
    .toEqual(Array(4).fill('running'));
});

async function ask(args: readonly string[], stdin?: string) {
  const asked = run([...args, ...url]);
  if (stdin !== undefined) asked.child.stdin.end(stdin);
  return { code: await asked.exit, out: asked.out(), err: asked.err() };
}
const statuses = async (): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await bench.wire.call('job.list', {})).jobs.map(({ source, job, status }) => [`${source} ${job}`, status]),
  );

describe('several jobs', () => {
  it('by a glob are each asked for, and each answer is printed', async () => {
    const paused = await ask(['pause', 'vm*', 'a']);
    expect(paused).toMatchObject({ code: 0, err: '' });
    expect(paused.out.trim().split('\n').sort()).toEqual([
      expect.stringMatching(/^requested: QEMU has accepted to pause vm1 a; /),
      expect.stringMatching(/^requested: QEMU has accepted to pause vm2 a; /),
    ]);
    await expect
      .poll(statuses)
      .toEqual({ 'vm1 a': 'paused', 'vm1 b': 'running', 'vm2 a': 'paused', 'vm2 b': 'running' });
    expect((await ask(['resume', '*', '*'])).code).toBe(1);
    await expect.poll(async () => new Set(Object.values(await statuses()))).toEqual(new Set(['running']));
  });

  it('have the exit code of the worst, and one that is refused does not end the others', async () => {
    const { code, out, err } = await ask(['abort', 'vm1', 'a', 'zzz', '--sync']);
    expect(code).toBe(1);
    expect(out).toBe('cancelled: vm1 a\n');
    expect(err).toMatch(/^vm1 zzz: JOB_NOT_FOUND: .*\n {2}next: qmp-gateway jobs --source vm1/);
    expect((await ask(['abort', 'vm9', '*'])).err).toMatch(/no such job matches vm9 '\*'/);
  });

  it('come from a pipe, as names or as JSON with the run', async () => {
    const names = await ask(['jobs', '-o', 'name', '--job', 'b']);
    expect(names.out).toBe('vm1 b\nvm2 b\n');
    expect(await ask(['speed', '1M', '-', '-q'], names.out)).toEqual({ code: 0, out: '', err: '' });
    await expect
      .poll(async () => (await bench.wire.call('job.list', {})).jobs.map(({ speed }) => speed))
      .toEqual([0, 2 ** 20, 0, 2 ** 20]);
    const json = await ask(['jobs', '--json', '--source', 'vm1']);
    const stale = json.out.replace(/"run":"[^"]*:(\d+)"/, '"run":"aa:$1"');
    const aborted = await ask(['abort', '-', '--sync', '--json'], stale);
    expect(aborted.code).toBe(1);
    expect(aborted.err).toMatch(/^vm1 \w: STALE_RUN: .*\n {2}next: qmp-gateway get vm1 \w \(its run is /);
    expect(JSON.parse(aborted.out)).toMatchObject({ status: 'settled', outcome: 'cancelled', source: 'vm1' });
    expect(await ask(['abort', '-'], '')).toMatchObject({ code: 0, err: 'stdin has no jobs: nothing was sent\n' });
    expect(await ask(['abort', '-'], 'vm1\n')).toMatchObject({
      code: 2,
      err: expect.stringContaining('line 1 of stdin'),
    });
  });
});

describe('a dry run', () => {
  it('says for each job what would be sent or why it is refused, and changes nothing', async () => {
    await ask(['pause', 'vm2', 'b']);
    await expect.poll(async () => (await statuses())['vm2 b']).toBe('paused');
    const [before, jobs] = [await bench.wire.call('server.info', {}), await statuses()];
    const { code, out, err } = await ask(['abort', '*', 'b', '--dry-run']);
    expect(code).toBe(1);
    expect(out).toMatch(
      /^would abort vm1 b, which is running \(run \S+\)\n {2}sends: block-job-cancel \{"device":"b"\}\n {2}QEMU stops the job/,
    );
    expect(err).toMatch(/^vm2 b: JOB_STATE: a paused job cannot abort\n {2}hint: .*"qmp-gateway resume" it first/);
    expect((await bench.wire.call('server.info', {})).cursor).toBe(before.cursor);
    expect(await statuses()).toEqual(jobs);
    const json = await ask(['pause', 'vm1', 'a', '--dry-run', '--json']);
    expect(JSON.parse(json.out)).toMatchObject({ status: 'dryRun', effect: 'pauses', jobStatus: 'running' });
  });

  it('foretells what the verb itself then does', async () => {
    const target = { source: 'vm1', job: 'm' };
    bench.sim('vm1').jobs.start({ id: 'm', type: 'mirror', len: 1, bytesPerSecond: GIB });
    const status = async (): Promise<string | undefined> => (await statuses())['vm1 m'];
    await expect.poll(status).toBe('ready');
    const ask = async (verb: 'pause' | 'resume' | 'finalize' | 'dismiss' | 'abort' | 'complete', dryRun: boolean) => {
      const { error } = await bench.wire.ask(`job.${verb}`, { ...target, ...(dryRun && { dryRun }) });
      return (error?.data as { reason?: string } | undefined)?.reason ?? 'accepted';
    };
    const met: string[] = [];
    for (const verb of ['finalize', 'resume', 'dismiss', 'pause', 'pause', 'abort', 'resume', 'complete'] as const) {
      const tried = await ask(verb, true);
      met.push(`${verb} ${tried}`);
      expect(`${verb} ${await ask(verb, false)}`).toBe(met.at(-1));
      if (tried === 'accepted' && verb !== 'complete')
        await expect.poll(status).toBe(verb === 'pause' ? 'standby' : 'ready');
    }
    const refused = ['finalize', 'resume', 'dismiss'].map((verb) => `${verb} JOB_STATE`);
    const rest = ['pause accepted', 'pause JOB_STATE', 'abort JOB_STATE', 'resume accepted', 'complete accepted'];
    expect(met).toEqual([...refused, ...rest]);
  });
});

describe('the end of a job', () => {
  it('that is waited for is as asked where it completes, and 3 where it does not come in time', async () => {
    expect(await ask(['wait', 'vm1', 'a', '--timeout', '200ms'])).toMatchObject({
      code: 3,
      err: expect.stringMatching(/TIMEOUT[\s\S]*next: qmp-gateway wait vm1 a/),
    });
    const waits = run(['wait', 'vm1', 'a', ...url]);
    await expect.poll(async () => (await bench.wire.call('server.info', {})).cursor).toBeTruthy();
    bench.sim('vm1').jobs.cancel('a');
    expect(await waits.exit).toBe(1);
    expect(waits.out() + waits.err()).toMatch(/cancelled: vm1 a|JOB_NOT_FOUND/);
  });
});

it('`get` prints one job, its verbs and what it waits for', async () => {
  const got = await ask(['get', 'vm1', 'a', '--utc']);
  expect(got).toMatchObject({ code: 0, err: '' });
  expect(got.out).toMatch(/^job +a of vm1\nrun +\S+\ntype +backup\nstatus +running\n/);
  expect(got.out).toMatch(/^verbs +pause speed abort$/m);
  expect(got.out).toMatch(/^as of +\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$/m);
  expect(await ask(['get', 'vm1', 'zzz'])).toMatchObject({ code: 1, err: expect.stringContaining('next:') });
});

it.each([
  [['abort', 'vm1', 'a', '--force', '--escalate-after', '1s'], /--escalate-after can't go with --force/],
  [['pause', 'vm1', '*', '--run', 'a:1'], /--run goes with one SOURCE and one JOB/],
  [['abort', 'vm1', 'a', '--run', ''], /--run.*expected a run/],
  [['speed', 'fast', 'vm1', 'a'], /expected bytes per second/],
  [['abort', 'x'.repeat(129), 'a'], /SOURCE: /],
])('%j is wrong usage', async (args, why) => {
  expect(await ask(args)).toMatchObject({ code: 2, out: '', err: expect.stringMatching(why) });
});
