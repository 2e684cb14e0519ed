// The calls of a source's commands, over a takeover.
import { expect, it } from 'vitest';
import { Requests } from '../../src/cluster/requests.js';

const job = { id: 'j', run: 'r:1' };
const command = (name: string, request?: string) => ({
  type: 'GATEWAY_COMMAND',
  job,
  data: { command: name, verb: 'abort', by: 'me', args: {}, ...(request && { request }) },
});
const answered = (name: string, result: string) => ({
  type: 'GATEWAY_COMMAND_ANSWERED',
  job,
  data: { command: name, result },
});

it('are known with their result, from the entries and, for those before it, from a checkpoint', () => {
  const before = new Requests();
  const position = { cursor: undefined as string | undefined };
  before.entry({ ...command('c1', 'a'), position }, 1_000);
  before.entry(answered('c1', 'accepted'), 1_000);
  before.entry(command('c2', 'b'), 1_000);
  before.entry(command('c3'), 1_000);
  position.cursor = 'e:7';
  const after = new Requests();
  for (const line of [...before.save(2_000), '{"kind":"run"}']) after.line(line);
  after.entry(answered('c2', 'refused'), 2_000);
  expect(after.find('a')).toMatchObject({ job, command: 'c1', result: 'accepted', cursor: 'e:7' });
  expect(after.find('b')).toMatchObject({ command: 'c2', result: 'refused' });
  expect(after.find('c')).toBeUndefined();
});

it('are forgotten when no caller can ask any more', () => {
  const requests = new Requests();
  requests.entry(command('c1', 'a'), 0);
  expect(requests.save(3_600_000)).toHaveLength(1);
  expect(requests.save(3_800_000)).toEqual([]);
});
