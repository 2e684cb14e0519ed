// The helpers around the real daemon do what the other suites rely on.
import { expect, it } from 'vitest';
import { connectQemu, haveQemu, startQemu } from '../../support/qemu.js';

it.skipIf(!haveQemu)('several pretty monitors, stopped and continued, killed and removed', async () => {
  const qemu = await startQemu({ monitors: 2, pretty: true });
  try {
    const first = await (await connectQemu(qemu)).negotiate();
    const second = await (await connectQemu(qemu, 1)).negotiate();
    expect(first.received[0]?.text).toContain('{\r\n    "QMP": {\r\n');
    qemu.stop();
    const reply = second.execute('query-jobs');
    const count = second.received.length;
    qemu.cont();
    expect(await reply).toMatchObject({ return: [] });
    expect(second.received.length).toBe(count + 1);
    await qemu.kill();
    expect([null, 'ECONNRESET']).toContain(await first.closed);
  } finally {
    await qemu.close();
  }
});
