// The simulator and the real daemon answer one set of scenarios with the same lines.
import { describe, expect, it } from 'vitest';
import { haveQemu, qemuVersion } from '../../support/qemu.js';
import { connectRaw, type Message, type RawClient } from '../../support/qmp-raw.js';
import { type Bench, line, openBench, type Peer } from './bench.js';
import { type Driver, SCENARIOS } from './scenarios.js';

/** By whose order of events the simulator goes. */
const isOf7 = qemuVersion.startsWith('7.');

const PEERS: { peer: Peer; present: boolean }[] = [
  { peer: 'simulator', present: true },
  { peer: 'qemu-storage-daemon', present: haveQemu },
];

async function withBench(peer: Peer, test: (bench: Bench) => Promise<void>): Promise<void> {
  const bench = await openBench(peer);
  try {
    await test(bench);
  } finally {
    await bench.close();
  }
}

const isProbe = (message: Message): boolean => String(message.id).startsWith('probe');

/** The second and third line of `x running, x paused, x running`, wherever they stand. */
const isBlip = (lines: readonly string[], text: string, index: number): boolean =>
  text.endsWith(' paused') || (text.endsWith(' running') && (lines[index - 1] ?? '').endsWith(' paused'));

/** Asks again and again, each time after the answer before. */
async function asleep(client: RawClient, id: string): Promise<void> {
  for (let probe = client.received.length; ; probe += 1) {
    const reply = await client.execute('query-block-jobs', {}, `probe-${probe}`);
    const rows = reply.return as { device: string; offset: number }[];
    if (rows.some(({ device, offset }) => device === id && offset > 0)) return;
  }
}

for (const { peer, present } of PEERS) {
  describe.skipIf(!present)(peer, () => {
    const scenarios = SCENARIOS.filter(({ orderOf7 }) => !orderOf7 || peer === 'simulator' || isOf7);
    it.each(scenarios)('$name', async ({ run, lines, chain = false, returnAnywhere = false, withoutBlips = false }) => {
      await withBench(peer, async (bench) => {
        const { client, folder } = bench;
        if (chain) await bench.chain();
        const from = client.received.length;
        const driver: Driver = {
          x: async (command, args) => void (await client.execute(command, args)),
          until: async (wanted) => void (await client.waitFor((message) => line(message) === wanted, { from })),
          send: (text) => client.send(text),
          folder,
          asleep: (id) => asleep(client, id),
        };
        await run(driver);
        // Whatever is still on its way must be no more and no less than what is expected.
        const said = (): string[] => {
          const all = client.received.slice(from).filter(({ message }) => !isProbe(message));
          const spoken = all.map(({ message }) => line(message));
          return withoutBlips ? spoken.filter((text, index) => !isBlip(spoken, text, index)) : spoken;
        };
        const order = (all: readonly string[]): readonly string[] =>
          returnAnywhere
            ? [...all.filter((text) => text !== 'return'), ...all.filter((text) => text === 'return')]
            : all;
        await client.waitFor(() => said().length >= lines.length, { withinMs: 5000 }).catch(() => {});
        expect(order(said())).toEqual(order(lines));
      });
    });

    it('greets, refuses commands before negotiation, and still negotiates after a refusal', async () => {
      await withBench(peer, async ({ client: first, address }) => {
        const client = await connectRaw(address);
        first.close();
        const greeting = await client.waitFor((message) => 'QMP' in message);
        expect(greeting.message).toMatchObject({
          QMP: { version: { qemu: { major: expect.any(Number) }, package: expect.any(String) }, capabilities: ['oob'] },
        });
        expect(line(await client.execute('query-jobs'))).toBe(
          "CommandNotFound: Expecting capabilities negotiation with 'qmp_capabilities'",
        );
        expect(line(await client.execute('qmp_capabilities', { enable: ['nope'] }))).toBe(
          "GenericError: Parameter 'null' does not accept value 'nope'",
        );
        expect(line(await client.execute('qmp_capabilities', { enable: ['oob'] }))).toBe('return');
        client.close();
      });
    });

    it('serves one client at a time, the oldest of the others next', async () => {
      await withBench(peer, async ({ client: first, address }) => {
        const [second, third] = [await connectRaw(address), await connectRaw(address)];
        await first.execute('query-jobs');
        expect([second.received.length, third.received.length]).toEqual([0, 0]);
        first.close();
        await second.negotiate();
        expect(third.received.length).toBe(0);
        second.close();
        await third.negotiate();
        third.close();
      });
    });

    it('echoes ids of any value, numbers exactly, in order', async () => {
      await withBench(peer, async ({ client }) => {
        const from = client.received.length;
        const ids = ['{"a": [1, 2, 9007199254740993]}', '"\\u00E4\\n"', 'null', '1.5', '18446744073709551615', 'true'];
        for (const id of ids) client.send(`{'execute': 'query-jobs', 'id': ${id}}\n`);
        await client.waitFor((_, index) => index === from + ids.length - 1);
        expect(client.received.slice(from).map(({ text }) => text)).toEqual(
          ids.map((id) => `{"return": [], "id": ${id}}`),
        );
      });
    });

    it('keeps a speed beyond 2^53 exact', async () => {
      await withBench(peer, async ({ client }) => {
        await client.execute('blockdev-mirror', { 'job-id': 'j', device: 'src', target: 'tgt', sync: 'full' });
        await client.waitFor(({ event }) => event === 'BLOCK_JOB_READY');
        const from = client.received.length;
        client.send('{"execute":"block-job-set-speed","arguments":{"device":"j","speed":9007199254740993}}');
        await client.execute('query-block-jobs');
        expect(
          client.received
            .slice(from)
            .map(({ text }) => text)
            .join(),
        ).toContain('"speed": 9007199254740993');
      });
    });

    it('ends the connection after quit', async () => {
      await withBench(peer, async ({ client }) => {
        expect(line(await client.execute('quit'))).toBe('return');
        expect([null, 'ECONNRESET']).toContain(await client.closed);
      });
    });
  });
}
