// Names of domains and of libvirt's jobs, libvirt's words, and what it relays.
import { describe, expect, it } from 'vitest';
import { SOURCE_NAME } from '../../../src/protocol/limits.js';
import { readEvent } from '../../../src/sources/libvirt/events.js';
import { LibvirtWords } from '../../../src/sources/libvirt/libvirt-words.js';
import { isLibvirts, sourceNameOf, targetOf, typeOf } from '../../../src/sources/libvirt/names.js';
import { FakeClock } from '../../support/fake-clock.js';

const uuid = 'fbe2c69ca431437f9dbe26259a109e1d';
const domain = { name: 'vm1', uuid, id: 2 };

describe('a domain is named', () => {
  it.each([
    ['vm1', 'vm1'],
    ['a.b:c@d_e-f', 'a.b:c@d_e-f'],
    ['my vm', 'my-vm-fbe2c69c'],
    ['ü/ \n x', '-x-fbe2c69c'],
    ['', '-fbe2c69c'],
    ['taken', 'taken-fbe2c69c'],
    ['x'.repeat(129), `${'x'.repeat(100)}-fbe2c69c`],
  ])('%j: %s', (name, expected) => {
    expect(sourceNameOf({ ...domain, name }, (each) => each === 'taken')).toBe(expected);
  });

  it.each(['my vm', 'x'.repeat(200)])('as none of the others: %s', (name) => {
    const taken = new Set<string>();
    for (let count = 0; count < 25; count += 1) {
      const given = sourceNameOf({ ...domain, name }, (each) => taken.has(each));
      expect(given).toMatch(SOURCE_NAME);
      expect(taken).not.toContain(given);
      taken.add(given);
    }
    expect([...taken][1]).toMatch(/-fbe2c69ca$/);
    expect([...taken].at(-1)).toMatch(/-fbe2c69ca431437f9dbe26259a109e1d$/);
  });
});

// The first four are a real libvirt 9's. In newer ones a raw image has no node of its format.
it.each([
  ['copy-vda-libvirt-1-format', 'vda', 'mirror'],
  ['commit-sdb-libvirt-3-format', 'sdb', 'commit'],
  ['pull-vdc-libvirt-2-format', 'vdc', 'stream'],
  ['backup-vdaa-libvirt-14-format', 'vdaa', 'backup'],
  ['copy-xvda1-libvirt-1-storage', 'xvda1', 'mirror'],
  ['commit-hda-libvirt-1-slice-sto', 'hda', 'commit'],
])('libvirt’s own job %s is of the disk %s', (id, target, type) => {
  expect([targetOf(id), isLibvirts(id), typeOf(id)]).toEqual([target, true, type]);
});

it.each(['create-libvirt-2-format', 'create-libvirt-12-storage'])('libvirt’s own job %s is of no disk', (id) => {
  expect([targetOf(id), isLibvirts(id), typeOf(id)]).toEqual([undefined, true, 'create']);
});

it.each([
  ...['copy-', 'copy-vda', 'pull-vda', 'commit-base', 'backup-vda', 'backup-vda-nightly', 'backup-vda-libvirt'],
  ...[
    'backup-vda-libvirt-1',
    'backup-vda-libvirt-x-format',
    'backup-vda-libvirt-1-format2',
    'xcopy-vda-libvirt-1-format',
  ],
  ...['copy-my-disk-libvirt-1-format', 'mirror-vda-libvirt-1-format', 'create-libvirt-2', 'create-vda'],
  ...['drive0', 'drive-virtio-disk0', 'copy-vda-libvirt-1-format\n', 'libvirt-3-format'],
])('%j is not libvirt’s own job', (id) => {
  expect([targetOf(id), isLibvirts(id), typeOf(id)]).toEqual([undefined, false, 'unknown']);
});

describe('libvirt’s word on an end', () => {
  function open() {
    const clock = new FakeClock();
    const seen: string[] = [];
    const words = new LibvirtWords(clock, 500);
    const pass = (name: string): void => words.inOrder(() => seen.push(name));
    const end = (target: string): void =>
      words.inOrder(() => words.await(target, () => void seen.push(`end of ${target}`)));
    return { clock, seen, words, pass, end };
  }

  it('comes before the last event, and everything behind that event keeps its order', () => {
    const { seen, words, pass, end } = open();
    pass('a');
    end('vda');
    pass('b');
    words.said('vdb', () => seen.push('word on vdb'));
    pass('c');
    expect(seen).toEqual(['a']);
    words.said('vda', () => seen.push('word on vda'));
    expect(seen).toEqual(['a', 'word on vda', 'end of vda', 'b', 'word on vdb', 'c']);
    words.said('vda', () => seen.push('late word'));
    expect(seen.at(-1)).toBe('late word');
  });

  it('is awaited for half a second at most, and no longer at the end of the connection', async () => {
    const { clock, seen, words, pass, end } = open();
    end('vda');
    await clock.advance(500);
    expect(seen).toEqual(['end of vda']);
    end('vda');
    pass('next');
    words.close();
    end('vda');
    pass('last');
    expect(seen).toEqual(['end of vda', 'end of vda', 'next', 'end of vda', 'last']);
  });

  it('of one disk after another is awaited in turn, and nothing changes its place', async () => {
    const { clock, seen, words, pass, end } = open();
    end('vda');
    pass('first');
    end('vdb');
    pass('second');
    words.said('vda', () => undefined);
    expect(seen).toEqual(['end of vda', 'first']);
    pass('third');
    await clock.advance(500);
    expect(seen).toEqual(['end of vda', 'first', 'end of vdb', 'second', 'third']);
  });

  it('that comes while another disk’s end waits is not awaited any more', () => {
    const { clock, seen, words, pass, end } = open();
    end('vda');
    end('vdb');
    pass('next');
    words.said('vdb', () => seen.push('word on vdb'));
    words.said('vda', () => seen.push('word on vda'));
    expect(seen).toEqual(['word on vda', 'end of vda', 'word on vdb', 'end of vdb', 'next']);
    expect(clock.pending).toBe(0);
  });

  it('what comes while the rest is passed on has its place behind it', () => {
    const { seen, words, pass, end } = open();
    end('vda');
    words.inOrder(() => {
      seen.push('first');
      pass('answer to the first');
    });
    pass('second');
    words.said('vda', () => undefined);
    expect(seen).toEqual(['end of vda', 'first', 'second', 'answer to the first']);
  });
});

describe('what libvirtd relays', () => {
  const event = { kind: 'monitor-event', domain, type: 'RESUME', seconds: 5n, micros: 7, data: undefined } as const;

  it('is an event with QEMU’s time', () => {
    expect(readEvent(event)).toMatchObject({ kind: 'event', event: { type: 'RESUME', time: 5_000_007, data: {} } });
    expect(readEvent({ ...event, seconds: -1n })).toMatchObject({ event: { time: null } });
    const data = '{"device":"d","type":"mirror","len":9007199254740993,"offset":0,"speed":0}';
    expect(readEvent({ ...event, type: 'BLOCK_JOB_READY', data })).toMatchObject({
      event: { data: { len: '9007199254740993' } },
    });
  });

  it.each([
    ['no JSON', { ...event, data: '{' }],
    ['an event of the gateway', { ...event, type: 'GATEWAY_JOB_SETTLED', data: '{}' }],
    ['a word of libvirt', { ...event, type: 'LIBVIRT_BLOCK_JOB', data: '{}' }],
    ['a job event without a job', { ...event, type: 'JOB_STATUS_CHANGE', data: '{}' }],
    ['an unknown status of a job', { kind: 'block-job', domain, target: 'vda', type: 2, status: 9 } as const],
  ])('is refused: %s', (_what, message) => {
    expect(readEvent(message).kind).toBe('malformed');
  });

  it('is libvirt’s word on a job', () => {
    expect(readEvent({ kind: 'block-job', domain, target: 'vda', type: 4, status: 2 })).toEqual({
      kind: 'word',
      data: { target: 'vda', type: 'active-commit', status: 'canceled' },
    });
  });
});
