// Names of domains and of libvirt's jobs, libvirt's words, and what it relays.
import { describe, expect, it } from 'vitest';
import { readEvent } from '../../../src/sources/libvirt/events.js';
import { LibvirtWords } from '../../../src/sources/libvirt/libvirt-words.js';
import { sourceNameOf, targetOf } from '../../../src/sources/libvirt/names.js';
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
});

it.each([
  ['copy-vda-libvirt-1-format', 'vda'],
  ['commit-sdb-libvirt-3-format', 'sdb'],
  ['pull-vdc-libvirt-2-format', 'vdc'],
  ['backup-vda-libvirt-4-format', 'vda'],
  ['create-libvirt-2-format', undefined],
  ['copy-', undefined],
  ['drive0', undefined],
])('the disk of %s is %s', (id, target) => {
  expect(targetOf(id)).toBe(target);
});

describe('libvirt’s word on an end', () => {
  function open() {
    const clock = new FakeClock();
    const seen: string[] = [];
    const words = new LibvirtWords(clock, 500);
    const pass = (name: string): void => words.inOrder(() => seen.push(name));
    return { clock, seen, words, pass };
  }

  it('comes before the last event, and everything behind that event keeps its order', () => {
    const { seen, words, pass } = open();
    pass('a');
    words.await('vda');
    pass('null');
    pass('b');
    expect(words.said('vdb', () => seen.push('of another disk'))).toBe(false);
    expect(seen).toEqual(['a']);
    expect(words.said('vda', () => seen.push('word'))).toBe(true);
    expect(seen).toEqual(['a', 'word', 'null', 'b']);
  });

  it('is awaited for half a second at most, and no longer at the end of the connection', async () => {
    const { clock, seen, words, pass } = open();
    words.await('vda');
    pass('null');
    await clock.advance(500);
    expect(seen).toEqual(['null']);
    words.await('vda');
    pass('next');
    words.close();
    words.await('vda');
    pass('last');
    expect(seen).toEqual(['null', 'next', 'last']);
  });

  it('of one disk after another is awaited in turn', () => {
    const { seen, words, pass } = open();
    words.await('vda');
    words.inOrder(() => {
      seen.push('first');
      words.await('vdb');
    });
    pass('second');
    words.said('vda', () => undefined);
    expect(seen).toEqual(['first']);
    words.said('vdb', () => undefined);
    expect(seen).toEqual(['first', 'second']);
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
