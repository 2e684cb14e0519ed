// Other QMP tools on one shared socket of a gateway, on a real qemu-storage-daemon. The tools are bare sockets; they share no code with src.
import { execFile } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { haveQemu } from '../support/qemu.js';
import { connectRaw, type RawClient } from '../support/qmp-raw.js';
import { have } from '../support/required.js';
import { dirtyMirror, KIB, MIB, openRig, type Rig, type RigOptions, sharePath, slowMirror } from '../support/rig.js';

const tool = async (rig: Rig, enable: readonly string[] = []): Promise<RawClient> => {
  const client = await connectRaw({ path: sharePath(rig.qemu) });
  onTestFinished(() => client.close());
  return client.negotiate(enable);
};
const open = (share = 'allow=*', more: RigOptions = {}): Promise<Rig> => openRig({ share, ...more });

const havePython = have('python3', 'REQUIRE_PYTHON');

const textsOf = ({ received }: RawClient, type: string): string[] =>
  received.filter(({ message }) => message.event === type).map(({ text }) => text);
const idsOf = ({ received }: RawClient): unknown[] =>
  received.filter(({ message }) => 'return' in message || 'error' in message).map(({ message }) => message.id);

describe.skipIf(!haveQemu)('a shared socket', () => {
  it('serves three tools at once: each has its own replies, and all events as QEMU sent them', async () => {
    const rig = await open();
    const tools = [await tool(rig), await tool(rig), await tool(rig)] as const;
    await slowMirror(rig, 'j');
    const asked = Array.from({ length: 100 }, (_, n) => n);
    for (const n of asked) for (const each of tools) each.send(`{"execute":"query-jobs","id":${n}}`);
    const answer = await rig.wire.call('job.abort', { source: 'vm1', job: 'j', sync: true, timeoutMs: 10_000 });
    expect(answer).toMatchObject({ status: 'settled' });
    await rig.raw.waitFor(({ data }) => (data as { status?: string } | undefined)?.status === 'null');
    for (const each of tools) {
      await each.waitFor(({ id }) => id === 99);
      await each.waitFor(({ data }) => (data as { status?: string } | undefined)?.status === 'null');
      expect(idsOf(each).slice(1)).toEqual(asked);
      for (const type of ['JOB_STATUS_CHANGE', 'BLOCK_JOB_CANCELLED'])
        expect(textsOf(each, type)).toEqual(textsOf(rig.raw, type));
    }
    expect(textsOf(rig.raw, 'BLOCK_JOB_CANCELLED')).toHaveLength(1);
  });

  it('greets as QEMU does, and answers as QEMU does before the negotiation and after it', async () => {
    const rig = await open();
    const said = async (path: string): Promise<unknown[]> => {
      const client = await connectRaw({ path });
      onTestFinished(() => client.close());
      client.send('{"execute":"query-jobs","id":1}{"execute":"qmp_capabilities","id":2}{"execute":"qmp_capabilities"}');
      client.send('{"execute":"no-such","id":{"a":null}}{"execute":7,"id":3}{"exec-oob":"query-jobs","id":4}{"id":5}');
      client.send(
        '{"execute":"query-jobs","arguments":[],"id":6}{"execute":"job-pause","arguments":{"id":"no"},"id":7}',
      );
      client.send('{"execute":"job-pause","arguments":{"x":1},"id":8}{"execute":"query-jobs","more":1,"id":9}');
      await client.waitFor(({ id }) => id === 9);
      return client.received.map(({ message }) => message);
    };
    // The gateway holds one monitor, the rig another.
    const third = await openRig({ more: 1 });
    const direct = await said(third.qemu.paths[2] ?? '');
    expect(await said(sharePath(rig.qemu))).toEqual(direct);
  });

  it('echoes ids of all JSON types, and passes integers of 64 bits in both directions exactly', async () => {
    const rig = await open();
    await slowMirror(rig, 'j');
    const one = await tool(rig);
    const ids = ['"x"', '0', '-1.50', 'true', 'false', 'null', '[1, [2]]', '{"a": {"b": 18446744073709551615}}'];
    for (const id of ids) one.send(`{"execute":"query-version","id":${id}}`);
    one.send('{"execute":"query-version"}');
    one.send('{"execute":"block-job-set-speed","arguments":{"device":"j","speed":9007199254740993},"id":"speed"}');
    one.send('{"execute":"query-block-jobs","id":"end"}');
    const end = await one.waitFor(({ id }) => id === 'end');
    expect(end.text).toContain('"speed": 9007199254740993');
    const replies = one.received.filter(({ message }) => 'return' in message).slice(1, 1 + ids.length + 1);
    const plain = (text: string): string => text.replaceAll(' ', '');
    expect(replies.slice(0, -1).map(({ text }) => plain(/"id": (.*)\}$/.exec(text)?.[1] ?? ''))).toEqual(
      ids.map(plain),
    );
    expect('id' in (replies.at(-1)?.message ?? { id: 1 })).toBe(false);
    expect((await rig.wire.typed('GATEWAY_SHARED_COMMAND')).data).toEqual({
      command: 'block-job-set-speed',
      tool: 'share:share.sock#1',
      args: { job: 'j', speed: '9007199254740993' },
    });
  });

  it('that is read-only refuses everything else by name, and one with globs what it does not name', async () => {
    const rig = await open('');
    const one = await tool(rig);
    expect(await one.execute('query-jobs')).toMatchObject({ return: [] });
    expect(await one.execute('job-cancel', { id: 'j' })).toMatchObject({
      error: { class: 'GenericError', desc: "refused by the gateway's policy: job-cancel" },
    });
    const all = await tool(await open('allow=*'));
    expect(await all.execute('human-monitor-command', { 'command-line': 'info' })).toMatchObject({
      error: { desc: "refused by the gateway's policy: human-monitor-command" },
    });
  });

  it('executes out of band what a tool sends so, and QEMU says which commands can be', async () => {
    const rig = await open();
    const one = await tool(rig, ['oob']);
    one.send('{"exec-oob":"query-yank","id":1}{"exec-oob":"query-jobs","id":2}');
    const yank = await one.waitFor(({ id }) => id === 1);
    expect('return' in yank.message || JSON.stringify(yank.message).includes('CommandNotFound')).toBe(true);
    expect((await one.waitFor(({ id }) => id === 2)).message).toMatchObject({
      error: { desc: 'The command query-jobs does not support OOB' },
    });
  });

  it('has the file mode that was given, 0600 by default, and its file goes with the gateway', async () => {
    const [own, group] = [await open(''), await open('mode=0660')];
    expect(statSync(sharePath(own.qemu)).mode & 0o777).toBe(0o600);
    expect(statSync(sharePath(group.qemu)).mode & 0o777).toBe(0o660);
    await own.app.close();
    expect(existsSync(sharePath(own.qemu))).toBe(false);
  });

  it('closes tools with the connection to QEMU, and those that come meanwhile, and serves again after it', async () => {
    const rig = await open('', { cuttable: true });
    const one = await tool(rig);
    rig.line.cut();
    await one.closed;
    const meanwhile = await connectRaw({ path: sharePath(rig.qemu) });
    await meanwhile.closed;
    expect(meanwhile.received).toEqual([]);
    rig.line.heal();
    await expect.poll(async () => (await tool(rig)).execute('query-jobs').catch(() => undefined)).toBeDefined();
  });

  it('closes tools beyond its number of them', async () => {
    const rig = await open('', { tuning: { share: { tools: 2 } } });
    await tool(rig);
    const second = await tool(rig);
    const third = await connectRaw({ path: sharePath(rig.qemu) });
    await third.closed;
    second.close();
    await expect.poll(async () => (await tool(rig)).execute('query-jobs').catch(() => undefined)).toBeDefined();
  });

  it('answers a tool that has sent its last command and closed its half, as a shell script does', async () => {
    const rig = await open();
    const text = await new Promise<string>((resolve) => {
      const socket = connect({ path: sharePath(rig.qemu), allowHalfOpen: true });
      let all = '';
      socket.on('data', (chunk) => {
        all += String(chunk);
      });
      socket.on('end', () => resolve(all));
      socket.end('{"execute":"qmp_capabilities"}{"execute":"query-version","id":"last"}');
    });
    expect(text.trimEnd().split('\r\n')).toHaveLength(3);
    expect(text).toContain('"id": "last"');
  });

  it.skipIf(!havePython)('speaks QMP to a program of another language', async () => {
    const rig = await open();
    const program = `
import json, socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); f = s.makefile('r')
assert 'QMP' in json.loads(f.readline())
for command in ('qmp_capabilities', 'query-version'):
    s.sendall(json.dumps({'execute': command, 'id': command}).encode())
    reply = json.loads(f.readline())
    assert reply['id'] == command and 'return' in reply
print('ok')`;
    const { stdout } = await promisify(execFile)('python3', ['-c', program, sharePath(rig.qemu)]);
    expect(stdout).toBe('ok\n');
  });
});

describe.skipIf(!haveQemu)('a tool on a shared socket', () => {
  it('that does not read is closed, and delays nobody', async () => {
    const rig = await open('', { tuning: { share: { unsentBytes: 256 * KIB } } });
    const [slow, other] = [await tool(rig), await tool(rig)];
    slow.pause();
    slow.send('{"execute":"query-qmp-schema"}'.repeat(40));
    for (let n = 0; n < 50; n += 1) expect(await other.execute('query-version')).toHaveProperty('return');
    slow.send('{"execute":"query-qmp-schema"}'.repeat(40));
    await expect.poll(() => metric(rig, 'share_unsent_bytes')).toBe(1);
    slow.resume();
    await slow.closed;
    expect(await other.execute('query-version')).toHaveProperty('return');
  });

  it('that floods is answered in its order, while others and an abort are answered at once', async () => {
    const rig = await open('');
    await slowMirror(rig, 'j');
    const [flood, other] = [await tool(rig), await tool(rig)];
    const count = 3_000;
    flood.send(Array.from({ length: count }, (_, id) => `{"execute":"query-jobs","id":${id}}`).join(''));
    expect(await other.execute('query-version')).toHaveProperty('return');
    await rig.wire.call('job.abort', { source: 'vm1', job: 'j', sync: true, timeoutMs: 5_000 });
    expect(idsOf(flood).length).toBeLessThan(count);
    await flood.waitFor(({ id }) => id === count - 1, { withinMs: 15_000 });
    expect(idsOf(flood).slice(1)).toEqual([...Array(count).keys()]);
    expect(await metric(rig, 'share_commands')).toBeGreaterThan(0);
  });

  it('that completes a mirror is named by the settlement, the pivot is proven, and a soft abort after it is refused', async () => {
    const rig = await open();
    await dirtyMirror(rig, 'j', 32 * MIB, 4 * MIB);
    const one = await tool(rig);
    expect(await one.execute('job-complete', { id: 'j' })).toMatchObject({ return: {} });
    // QEMU still says that the job is READY.
    await expect(rig.wire.call('job.abort', { source: 'vm1', job: 'j' })).rejects.toMatchObject({
      body: { data: { reason: 'JOB_STATE', status: 'ready' } },
    });
    const { data } = await rig.wire.typed('GATEWAY_JOB_SETTLED', 'j');
    expect(data).toMatchObject({
      outcome: 'completed',
      pivoted: true,
      pivotProof: 'graph',
      requestedBy: ['share:share.sock#1'],
    });
    const trail = rig.wire.events.filter(({ type }) => /^GATEWAY_.*COMMAND/.test(type));
    expect(trail.map(({ type }) => type)).toEqual([
      'GATEWAY_SHARED_COMMAND',
      'GATEWAY_COMMAND',
      'GATEWAY_COMMAND_ANSWERED',
    ]);
    expect(trail[1]?.data).toMatchObject({ verb: 'complete', by: 'share:share.sock#1', args: { job: 'j' } });
  });

  it('that cancels a job is named by the settlement', async () => {
    const rig = await open('allow=block-job-cancel');
    await slowMirror(rig, 'j');
    expect(await (await tool(rig)).execute('block-job-cancel', { device: 'j' })).toMatchObject({ return: {} });
    const { data } = await rig.wire.typed('GATEWAY_JOB_SETTLED', 'j');
    expect(data).toMatchObject({ outcome: 'cancelled', requestedBy: ['share:share.sock#1'], forced: false });
  });

  it('leaves an entry of each command but queries, without the arguments of what is no command on a job', async () => {
    const rig = await open();
    const one = await tool(rig);
    await one.execute('query-jobs');
    await one.execute('blockdev-add', { driver: 'null-co', 'node-name': 'secret' });
    await one.execute('job-pause', { id: 'none' });
    const entries = await rig.wire.until(() => {
      const all = rig.wire.events.filter(({ type }) => type === 'GATEWAY_SHARED_COMMAND');
      return all.length >= 2 && all;
    });
    expect(entries.map(({ data }) => data)).toEqual([
      { command: 'blockdev-add', tool: 'share:share.sock#1' },
      { command: 'job-pause', tool: 'share:share.sock#1', args: { job: 'none' } },
    ]);
  });
});

async function metric(rig: Rig, limit: string): Promise<number> {
  const text = await (await fetch(`${rig.app.url}metrics`)).text();
  return Number(new RegExp(`limit_hits_total\\{limit="${limit}"\\} (\\d+)`).exec(text)?.[1]);
}
