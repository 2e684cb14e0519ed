// A domain that is read natively: jobs that libvirt did not begin, or tells nothing of, are as their events say.
import { expect, it } from 'vitest';
import { openConversation, VDA, VDB } from '../../support/libvirt-conversation.js';

const open = () => openConversation({ queries: 'native' });
const INFO = { type: 1, bandwidth: 0n, cur: 5n, end: 10n };

it('natively a job that libvirt did not begin is as its events say, and is no obstacle to others', async () => {
  const { clock, status, told, hear, conversation, signals, written, world } = await open();
  world.info = (target) => {
    if (target === 'vdb') return INFO;
    return target === 'vda' ? undefined : { code: 8, message: 'invalid argument: disk not found in domain' };
  };
  status('backup-vda', 'created', 'running');
  status('commit-base', 'created', 'running');
  status(VDB, 'created', 'running');
  hear('BLOCK_JOB_READY', { device: 'commit-base', type: 'commit', len: 7, offset: 6, speed: 5 });
  const refreshed = conversation.refresh();
  await clock.turn(5);
  expect(await refreshed).toBe(true);
  expect(told().at(-1)).toBe(`jobs: backup-vda running,commit-base running,${VDB} running`);
  expect(written).toEqual(['jobInfo']);
  expect(signals.at(-1)).toMatchObject({
    jobs: [
      { id: 'backup-vda', type: 'unknown', len: 0, offset: 0 },
      { id: 'commit-base', type: 'commit', len: 7, offset: 6, speed: 5 },
      { id: VDB, type: 'backup', len: 10, offset: 5 },
    ],
  });
});

it('natively a job of whose disk libvirt tells nothing any more keeps its figures', async () => {
  const { clock, status, conversation, signals, world } = await open();
  world.info = () => INFO;
  status(VDA, 'created', 'running');
  status(VDB, 'created', 'running');
  void conversation.refresh();
  await clock.turn(5);
  world.info = (target) => (target === 'vda' ? { code: 8, message: 'disk not found' } : { ...INFO, cur: 6n });
  const refreshed = conversation.refresh();
  await clock.turn(5);
  expect(await refreshed).toBe(true);
  expect(signals.at(-1)).toMatchObject({
    jobs: [
      { id: VDA, status: 'running', offset: 5 },
      { id: VDB, status: 'running', offset: 6 },
    ],
  });
});

it('natively a domain that another call holds is asked again', async () => {
  const { clock, status, conversation, told, world } = await open();
  status(VDA, 'created', 'running');
  let refusals = 2;
  world.info = () => (refusals-- > 0 ? { code: 68, message: 'cannot acquire state change lock' } : INFO);
  const refreshed = conversation.refresh();
  await clock.turn(10);
  expect(await refreshed).toBe(true);
  expect(told().slice(-3)).toEqual(['querying', 'responsive', `jobs: ${VDA} running`]);
});

it('natively what libvirt was asked of one run says nothing of the next under its id', async () => {
  const { clock, status, conversation, told, release, world } = await open();
  status(VDA, 'created', 'running');
  world.holds = true;
  const refreshed = conversation.refresh();
  status(VDA, 'null', 'created', 'running');
  world.holds = false;
  release();
  await clock.advance(600);
  expect(await refreshed).toBe(true);
  expect(told().at(-1)).toBe(`jobs: ${VDA} running`);
});
