// `qmp-gateway/qmp` beside a real qemu-storage-daemon: commands that the gateway never sends.
import { expect, it, onTestFinished } from 'vitest';
import { ofType, openMonitor, type QmpSession } from '../../src/qmp.js';
import { haveQemu, startQemu } from '../support/qemu.js';

it.skipIf(!haveQemu)('sends any command and hears any event, with integers beyond 2^53', async () => {
  const qemu = await startQemu();
  onTestFinished(() => qemu.close());
  const session = await new Promise<QmpSession>((resolve, reject) => {
    const subscription = openMonitor({ kind: 'unix', path: qemu.path }).subscribe({
      next: (state) => state.kind === 'open' && resolve(state.session),
      error: reject,
    });
    onTestFinished(() => subscription.unsubscribe());
  });
  const add = await session.execute('blockdev-add', { driver: 'null-co', 'node-name': 'big', size: 2n ** 62n });
  expect(add).toEqual({ kind: 'return', value: {} });
  const nodes = await session.execute('query-named-block-nodes', { flat: true });
  if (nodes.kind !== 'return') throw new Error(nodes.kind);
  expect(nodes.value.map(({ image }) => image['virtual-size'])).toEqual(['4611686018427387904']);

  const deleted: string[] = [];
  session.events$.pipe(ofType('BLOCK_EXPORT_DELETED')).subscribe(({ data }) => deleted.push(data.id));
  const addr = { type: 'unix', data: { path: `${qemu.folder}/nbd` } } as const;
  expect(await session.execute('nbd-server-start', { addr })).toMatchObject({ kind: 'return' });
  expect(await session.execute('block-export-add', { type: 'nbd', id: 'e', 'node-name': 'big' })).toMatchObject({
    kind: 'return',
  });
  expect(await session.execute('block-export-del', { id: 'e' })).toMatchObject({ kind: 'return' });
  await expect.poll(() => deleted).toEqual(['e']);
  expect(await session.execute('blockdev-del', { 'node-name': 'none' })).toMatchObject({
    kind: 'error',
    class: 'GenericError',
  });
});
