// `history`, `show`, `events --since`, `log check` and `log export` as processes.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run } from '../support/cli.js';
import { copyOf, newFolder } from '../support/folder.js';
import { openBench } from './stream/support.js';

async function ask(...args: string[]) {
  const asked = run(args);
  return { code: await asked.exit, out: asked.out(), err: asked.err() };
}

it('list the runs that have ended, tell one, and read the folder of the log', async () => {
  const data = newFolder();
  const { app, wire, sim } = await openBench(['vm1', 'vm2'], {}, { data });
  await wire.call('subscribe', {});
  for (const name of ['vm1', 'vm2']) sim(name).jobs.start({ id: 'j', type: 'backup', bytesPerSecond: 1 });
  await wire.until(() => wire.events.filter(({ type }) => type === 'JOB_STATUS_CHANGE').length >= 4);
  const { run: name } = await wire.call('job.abort', { source: 'vm1', job: 'j', sync: true });
  const url = ['--url', app.url];

  const all = await ask('history', ...url, '--since', '7d');
  const [head, row, ...more] = all.out.trimEnd().split('\n');
  expect([all.code, all.err, more]).toEqual([0, '', []]);
  expect(head).toMatch(/^ENDED +SOURCE +JOB +TYPE +OUTCOME +DURATION +SIZE +BY +ERROR$/);
  expect(row).toMatch(/Z +vm1 +j +backup +cancelled +\S+ m?s +\S+ \w+ +anonymous$/);
  expect((await ask('history', ...url, '--outcome', 'failed')).out).toBe('no jobs have ended\n');
  expect(JSON.parse((await ask('history', ...url, '--json', '--by', 'anon*')).out)).toMatchObject({ run: name });
  expect(await ask('history', ...url, '--outcome', 'bad')).toMatchObject({ code: 2 });

  const story = await ask('show', ...url, 'vm1', 'j');
  expect(story).toMatchObject({ code: 0, err: '' });
  expect(story.out).toMatch(new RegExp(`^run +${name}$`, 'm'));
  expect(story.out).toMatch(/GATEWAY_COMMAND {2}j.*GATEWAY_JOB_SETTLED {2}j {2}cancelled, requested by anonymous\n/s);
  expect((await ask('show', ...url, 'vm2', 'j')).out).toContain('it has not ended');
  expect(await ask('show', ...url, 'vm2', 'k')).toMatchObject({
    code: 1,
    err: expect.stringContaining('JOB_NOT_FOUND'),
  });

  const events = run(['events', ...url, '--since', '1h ago', '--type', 'GATEWAY_JOB_SETTLED']);
  await events.said('cancelled, requested by anonymous');
  events.child.kill('SIGINT');
  expect(await events.exit).toBe(0);
  expect((await ask('events', ...url, '--since', '1h', '--after', 'a:1')).code).toBe(2);

  expect(await ask('log', 'check', data)).toMatchObject({ code: 1, err: expect.stringContaining('in use') });
  const exported = await ask('log', 'export', data, '--source', 'vm1', '--format', 'cloudevents');
  const types = exported.out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const settled = { type: 'GATEWAY_JOB_SETTLED', source: 'qmp-gateway/vm1', subject: 'j' };
  expect(types).toContainEqual(expect.objectContaining(settled));
  expect((await ask('log', 'export', data, '--since', '2100-01-01')).out).toBe('');
  const copy = copyOf(data);
  expect(await ask('log', 'check', copy)).toMatchObject({ code: 0, out: expect.stringMatching(/\.log +whole/) });
  const [file = ''] = readdirSync(copy).filter((each) => each.endsWith('.log'));
  const bytes = readFileSync(join(copy, file));
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  writeFileSync(join(copy, file), bytes);
  const damaged = await ask('log', 'check', '--json', copy);
  expect([damaged.code, damaged.err]).toEqual([1, expect.stringContaining(`${file} is damaged`)]);
  expect(JSON.parse(damaged.out)).toMatchObject({ ok: false, files: [{ state: 'damaged' }] });
  expect(await ask('log', 'export', copy)).toMatchObject({ code: 1 });
}, 60_000);
