// What a QEMU answers through libvirt: a guest that has taken it over answers as it likes.
import { expect, it } from 'vitest';
import type { DomainCalls } from '../../../src/sources/libvirt/calls.js';
import { MonitorReader } from '../../../src/sources/libvirt/domain-reader.js';
import { RelayedMonitor } from '../../../src/sources/libvirt/relayed-monitor.js';

/** A reader of a domain whose QEMU answers every command so. */
function readerOf(answered: string): { reader: MonitorReader; broken: string[] } {
  const calls = {
    send: (_procedure: unknown, _args: unknown, { answer }: { answer: (reply: unknown) => void }) => {
      answer({ kind: 'return', value: answered });
      return () => false;
    },
  } as unknown as DomainCalls;
  const broken: string[] = [];
  const monitor = new RelayedMonitor(calls, { name: 'vm', uuid: '', id: 1 }, 5_000, (why) => broken.push(why));
  const hooks = {
    asked: () => undefined,
    merge: () => undefined,
    inOrder: (action: () => void) => action(),
    stalled: () => undefined,
  };
  return { reader: new MonitorReader(monitor, 5_000, hooks), broken };
}

it('a version is read', async () => {
  const { reader, broken } = readerOf('{"return": {"qemu": {"major": 7, "minor": 2, "micro": 22}, "package": ""}}');
  expect(await reader.version()).toBe('7.2.22');
  expect(broken).toEqual([]);
});

it.each(['{}', 'null', '[]', '"7.2"', '{"qemu": null}', '{"qemu": {"major": "7", "minor": 2, "micro": 22}}'])(
  'what is no version ends the connection of that domain alone: %s',
  async (value) => {
    const { reader, broken } = readerOf(`{"return": ${value}}`);
    expect(await reader.version()).toBe('unknown');
    expect(broken).toEqual(['malformed reply to query-version']);
  },
);
