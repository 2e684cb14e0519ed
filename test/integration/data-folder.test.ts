// The folder of the log, as one meets it at a terminal. The demo keeps its log, so that what one did in it is there after it was started again.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run } from '../support/cli.js';
import { newFolder } from '../support/folder.js';
import { connectWire } from '../support/wire.js';

it('an abort, Ctrl-C, and started again: an open page resumes, and the abort is in what it was sent and in the snapshot', async () => {
  const env = { XDG_STATE_HOME: newFolder() };
  const start = async (listen: string) => {
    const serve = run(['serve', '--demo', '--listen', listen, '--log-level', 'warn'], undefined, env);
    const said = await serve.said(/listens at .*\n/);
    return { ...serve, said, url: /http:\/\/\S+/.exec(said)?.[0] ?? '' };
  };
  const first = await start('127.0.0.1:0');
  const page = await connectWire(first.url);
  await page.call('subscribe', {});
  const running = await page.until(() =>
    page.events.find(({ data }) => (data as { status?: string }).status === 'running'),
  );
  const job = running.job?.id ?? '';
  const { run: aborted } = await page.call('job.abort', { source: 'demo', job, sync: true, force: true });
  const cursor = page.notifications('events').at(-1)?.cursor ?? '';

  const second = await start('127.0.0.1:0');
  expect(second.said).toContain('its log is in memory: the folder');
  second.child.kill('SIGINT');
  await second.exit;

  first.child.kill('SIGINT');
  expect(await first.exit).toBe(0);
  const again = await start(new URL(first.url).host);
  const reopened = await connectWire(again.url);
  expect(await reopened.call('subscribe', { after: cursor })).toMatchObject({ resumed: true });
  const { settled = [] } = await (await connectWire(again.url)).call('subscribe', {});
  expect(settled.find((each) => each.run === aborted)).toMatchObject({
    job,
    settled: { outcome: 'cancelled', requestedBy: [expect.any(String)] },
  });
  again.child.kill('SIGINT');
  expect(await again.exit).toBe(0);
});

it('a folder that another gateway has, or that cannot be made, ends the start with one line and exit 1', async () => {
  const folder = newFolder();
  const serve = ['serve', '--listen', '127.0.0.1:0', '--source', 'vm1=unix:/none', '--log-level', 'error'];
  const first = run([...serve, '--data', folder]);
  await first.said('listens at');
  const second = run([...serve, '--data', folder]);
  expect(await second.exit).toBe(1);
  expect(second.err()).toBe(`qmp-gateway: the folder ${folder} is in use by another gateway\n`);
  const third = run([...serve, '--data', '/dev/null/log']);
  expect(await third.exit).toBe(1);
  expect(third.err()).toMatch(/^qmp-gateway: the folder \/dev\/null\/log cannot be made: ENOTDIR.*\n$/);
  // A parent that is there, and in which nobody can make one.
  const fourth = run([...serve, '--data', '/proc/log']);
  expect(await fourth.exit).toBe(1);
  expect(fourth.err()).toMatch(/^qmp-gateway: the folder \/proc\/log cannot be made: ENOENT.*\n$/);
  const long = join(folder, 'x'.repeat(100));
  const fifth = run([...serve, '--data', long]);
  expect(await fifth.exit).toBe(1);
  expect([fifth.err().includes('too long'), existsSync(long)]).toEqual([true, false]);
});
