// `login` and `logout` beside a gateway that asks for tokens: what is stored where, for which gateway, and what is said.
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { credentialsFile, originOf } from '../../src/cli/credentials.js';
import { describeScopes } from '../../src/cli/login.js';
import { startApp } from '../support/app.js';
import { MAIN, run } from '../support/cli.js';
import { runInTerminal } from '../support/terminal.js';
import { startGuarded, temporaryFolder } from '../support/tokens.js';

async function openDesk() {
  const { app, tokens } = await startGuarded(
    { vm1: 'unix:/nowhere' },
    { ann: { control: ['vm*'], metrics: true }, bob: { read: ['vm1'] } },
  );
  const home = await temporaryFolder();
  const file = join(home, 'qmp-gateway', 'credentials.json');
  const cli = (args: string[], env: Record<string, string> = {}) =>
    run(args, [process.execPath, MAIN], { XDG_CONFIG_HOME: home, ...env });
  const login = (token: string | undefined, url = app.url) => {
    const started = cli(['login', '--url', url]);
    started.child.stdin.end(token);
    return started;
  };
  const sources = async (env: Record<string, string> = {}, ...more: string[]) => {
    const asked = cli(['sources', '--json', '--url', app.url, ...more], env);
    return { code: await asked.exit, text: asked.out() + asked.err() };
  };
  return { app, tokens, home, file, cli, login, sources };
}

it('login verifies a token, says who one is and what one may do, and stores it for its owner alone', async () => {
  const { app, tokens, home, file, login, sources } = await openDesk();
  expect(await sources()).toMatchObject({ code: 1, text: expect.stringContaining('qmp-gateway login') });
  const ann = login(`${tokens.ann}\n`);
  expect(await ann.exit).toBe(0);
  expect(ann.out()).toContain(
    `logged in to ${originOf(app.url)} as ann, who may see and control the jobs of vm*, and may read /metrics`,
  );
  expect(ann.out() + ann.err()).not.toContain(tokens.ann);
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ tokens: { [originOf(app.url)]: tokens.ann } });
  expect([(await stat(file)).mode & 0o777, (await stat(join(home, 'qmp-gateway'))).mode & 0o777]).toEqual([
    0o600, 0o700,
  ]);
  // Nothing is left of the temporary name.
  expect(await readdir(join(home, 'qmp-gateway'))).toEqual(['credentials.json']);
  expect(await sources()).toMatchObject({ code: 0, text: expect.stringContaining('vm1') });
});

it('a refused token is not stored, and what was stored stays', async () => {
  const { tokens, file, login, sources } = await openDesk();
  expect(await login(tokens.ann).exit).toBe(0);
  const before = await readFile(file, 'utf8');
  const wrong = login('qmpgw_wrong-and-secret');
  expect(await wrong.exit).toBe(1);
  expect(wrong.err()).toContain('refused the token: no such token');
  expect(wrong.err()).not.toContain('wrong-and-secret');
  expect(await login('').exit).toBe(2);
  expect(await readFile(file, 'utf8')).toBe(before);
  expect((await sources()).code).toBe(0);
});

it('a token is that of --token-file, else of QMP_GATEWAY_TOKEN, else the one that is stored for this origin', async () => {
  const { app, tokens, home, login, cli, sources } = await openDesk();
  const wrong = join(home, 'wrong');
  await writeFile(wrong, 'of-the-file');
  expect(await login(tokens.ann).exit).toBe(0);
  expect(await sources({ QMP_GATEWAY_TOKEN: 'wrong' })).toMatchObject({ code: 1 });
  const own = { QMP_GATEWAY_TOKEN: tokens.bob ?? '' };
  expect(await sources(own)).toMatchObject({ code: 0 });
  expect(await sources(own, '--token-file', wrong)).toMatchObject({ code: 1 });
  const other = await startGuarded({ vm1: 'unix:/nowhere' }, {});
  const elsewhere = cli(['sources', '--url', other.app.url]);
  expect(await elsewhere.exit).toBe(1);
  expect(elsewhere.err()).toContain('UNAUTHENTICATED');
  // The same port under another name of the host is another origin.
  const renamed = cli(['sources', '--url', app.url.replace('127.0.0.1', 'localhost')]);
  expect(await renamed.exit).toBe(1);
  expect(renamed.err()).toContain('UNAUTHENTICATED');
});

it('a stored token that is refused is said to be the stored one; logout forgets it', async () => {
  const { app, tokens, file, login, cli, sources } = await openDesk();
  await login(tokens.ann).exit;
  await writeFile(file, JSON.stringify({ tokens: { [originOf(app.url)]: 'revoked' } }));
  expect((await sources()).text).toMatch(/refused the token that is stored for it: .*; qmp-gateway login stores/);
  const logout = cli(['logout', '--url', app.url]);
  expect(await logout.exit).toBe(0);
  expect(logout.out()).toContain('is forgotten');
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ tokens: {} });
  expect((await sources()).text).toContain('UNAUTHENTICATED');
  const again = cli(['logout', '--url', app.url]);
  expect(await again.exit).toBe(0);
  expect(again.out()).toContain('no token is stored');
});

it('a file that others can read is refused, and one that is no JSON is not quoted', async () => {
  const { tokens, home, file, login, sources } = await openDesk();
  await mkdir(join(home, 'qmp-gateway'), { mode: 0o700 });
  await writeFile(file, JSON.stringify({ tokens: {} }));
  await chmod(file, 0o640);
  const refused = login(tokens.ann);
  expect(await refused.exit).toBe(2);
  expect(refused.err()).toContain(`chmod 600 ${file}`);
  expect(await sources()).toMatchObject({ code: 2, text: expect.stringContaining(`chmod 600 ${file}`) });
  await chmod(file, 0o600);
  await writeFile(file, 'qmpgw_half-a-secret');
  const { code, text } = await sources();
  expect(code).toBe(2);
  expect(text).toContain('log in again');
  expect(text).not.toContain('half-a-secret');
});

it('what is typed into a terminal is not shown', async () => {
  const { app, tokens, home } = await openDesk();
  const terminal = runInTerminal(['login', '--url', app.url], { env: { XDG_CONFIG_HOME: home } });
  await expect.poll(() => terminal.raw()).toContain('token for');
  terminal.type(`${tokens.bob}x\u007f\r`);
  expect(await terminal.exit).toBe(0);
  expect(terminal.raw()).toContain('as bob, who may see the jobs of vm1');
  expect(terminal.raw()).not.toContain(tokens.bob);
});

it('a gateway that asks nobody gets no token stored', async () => {
  const { login, file } = await openDesk();
  const open = await startApp({});
  const needless = login('whatever', open.url);
  expect(await needless.exit).toBe(1);
  expect(needless.err()).toContain('asks for no token');
  await expect(stat(file)).rejects.toThrow('ENOENT');
});

describe('the parts', () => {
  it.each([
    ['http://127.0.0.1:7070/', 'http://127.0.0.1:7070'],
    ['ws://127.0.0.1:7070/v1', 'http://127.0.0.1:7070'],
    ['https://gw.example/qmp/', 'https://gw.example'],
    ['wss://GW.example:443/v1', 'https://gw.example'],
    ['unix:/run/gw.sock', 'unix:/run/gw.sock'],
  ])('the origin of %s is %s', (url, origin) => expect(originOf(url)).toBe(origin));

  it('the file is under XDG_CONFIG_HOME where that is absolute, else under ~/.config', () => {
    expect(credentialsFile({ XDG_CONFIG_HOME: '/x' })).toBe('/x/qmp-gateway/credentials.json');
    for (const env of [{}, { XDG_CONFIG_HOME: 'relative' }])
      expect(credentialsFile(env)).toMatch(/\/\.config\/qmp-gateway\/credentials\.json$/);
  });

  it('scopes are said in words', () => {
    expect(describeScopes([])).toBe('may see nothing');
    expect(describeScopes(['*'])).toBe('may do everything');
    expect(describeScopes(['read:a*', 'read:b'])).toBe('may see the jobs of a*, b');
  });
});
