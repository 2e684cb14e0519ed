// The conversation on the page of the wire, held anew: what each side says is as the page has it, but for the moment and the names of this log.
// `UPDATE_TRANSCRIPT=1 npx vitest run test/integration/transcript.test.ts` writes what was said into the page.

import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { Subscribed } from '../../src/protocol/index.js';
import { METHOD_NAMES, PARAMS } from '../../src/protocol/schemas.js';
import { startSimulator } from '../../src/simulator/index.js';
import { allUp, startApp } from '../support/app.js';
import type { Frame, Wire } from '../support/wire.js';

const PAGE = 'docs/PROTOCOL.md';
const BLOCK = /(\n## A conversation\n[\s\S]*?```text\n)([\s\S]*?)(```\n)/;
const WIDTH = 150;

type Line = { note: string } | { by: 'client' | 'gateway'; message: Frame };

/** A message with its continuation lines; JSON does not mind where they break. */
function parse(text: string): Line[] {
  return text
    .split(/\n(?=[→←#])/)
    .map((part) => part.trim())
    .map((part) =>
      part.startsWith('#')
        ? { note: part.slice(1).trim() }
        : { by: part.startsWith('→') ? 'client' : 'gateway', message: JSON.parse(part.slice(1)) as Frame },
    );
}

function print(line: Line): string {
  if ('note' in line) return `# ${line.note}`;
  let out = line.by === 'client' ? '→ ' : '← ';
  let column = out.length;
  for (const part of JSON.stringify(line.message).split(/(?<=,)(?=["{])/)) {
    if (column + part.length > WIDTH) {
      out += '\n  ';
      column = 2;
    }
    out += part;
    column += part.length;
  }
  return out;
}

/** Members that are of this run of the conversation: only their kind is compared. */
const OF_THE_MOMENT = ['offset', 'time', 'updated', 'since', 'cursor', 'after', 'run', 'began', 'command'];

const eventsOf = ({ params = {} }: Frame): unknown[] => params.events as unknown[];

/** What was said without the moment, and without how many messages the events came in: that depends on the loop. */
function essence(lines: readonly Line[]): unknown[] {
  const said: unknown[] = [];
  for (const line of lines) {
    if ('note' in line) continue;
    const message = JSON.parse(JSON.stringify(line.message), (key, value: unknown) =>
      OF_THE_MOMENT.includes(key) ? typeof value : value,
    ) as Frame;
    const before = said.at(-1) as { by: string; message: Frame } | undefined;
    if (message.method === 'events' && before?.message.method === 'events')
      eventsOf(before.message).push(...eventsOf(message));
    else said.push({ by: line.by, message });
  }
  return said;
}

async function converse(): Promise<Line[]> {
  const folder = await mkdtemp(join(tmpdir(), 'transcript-'));
  const path = join(folder, 'vm.sock');
  const simulator = await startSimulator({ listen: { path } });
  onTestFinished(async () => {
    await simulator.close();
    await rm(folder, { recursive: true, force: true });
  });
  const app = await startApp({ vm1: `unix:${path}` });
  const mirror = { type: 'mirror', len: 268_435_456, bytesPerSecond: 20_971_520 } as const;
  const before = await app.wire();
  await allUp(before);
  simulator.jobs.start({ ...mirror, id: 'drive0' });
  // All of its members are known once a query has shown it.
  await expect.poll(async () => (await before.call('job.list', {})).jobs[0]?.ioStatus).toBe('ok');

  const lines: Line[] = [];
  const note = (text: string): void => void lines.push({ note: text });
  const open = async (): Promise<Wire> => {
    const wire = await app.wire();
    wire.ws.on('message', (data) => lines.push({ by: 'gateway', message: JSON.parse(String(data)) as Frame }));
    return wire;
  };
  let id = 1;
  const ask = async (wire: Wire, method: string, params: unknown): Promise<Frame> => {
    lines.push({ by: 'client', message: { jsonrpc: '2.0', id, method, params } as Frame });
    return wire.ask(method, params, id++);
  };

  note('The present, and from there on all that happens to the jobs of vm1: one mirror is running.');
  const filter = { sources: ['vm1'], types: ['BLOCK_JOB_*', 'GATEWAY_COMMAND*', 'GATEWAY_JOB_SETTLED'] };
  const first = await open();
  await ask(first, 'subscribe', filter);
  note('A synchronous abort. Its events come first, then its result: the cursor says up to where.');
  const params = { source: 'vm1', job: 'drive0', sync: true, timeoutMs: 10_000 };
  await ask(first, 'job.abort', params);
  const last = first.notifications('events').at(-1);
  first.close();
  note(
    `The connection is lost. Meanwhile a backup begins and ends. On a new connection the client goes on after ${last?.cursor}.`,
  );
  simulator.jobs.start({ id: 'drive1', type: 'backup', len: 1_048_576 });
  const second = await open();
  const resumed = await ask(second, 'subscribe', { ...filter, after: last?.cursor });
  expect((resumed.result as Subscribed).resumed).toBe(true);
  await second.typed('GATEWAY_JOB_SETTLED', 'drive1');
  note('Now it is live again.');
  simulator.jobs.start({ ...mirror, id: 'drive2', bytesPerSecond: Number.POSITIVE_INFINITY });
  await second.typed('BLOCK_JOB_READY', 'drive2');
  return lines;
}

it('goes as docs/PROTOCOL.md prints it', async () => {
  const page = readFileSync(PAGE, 'utf8');
  const lines = await converse();
  if (process.env.UPDATE_TRANSCRIPT)
    writeFileSync(
      PAGE,
      page.replace(BLOCK, (_, before, __, after) => `${before}${lines.map(print).join('\n')}\n${after}`),
    );
  const shown = parse(BLOCK.exec(readFileSync(PAGE, 'utf8'))?.[2] ?? '');
  expect(essence(shown)).toEqual(essence(lines));
  for (const line of shown) {
    if ('note' in line || line.by !== 'client') continue;
    const method = METHOD_NAMES.find((name) => name === line.message.method);
    expect(method && PARAMS[method].safeParse(line.message.params).success).toBe(true);
  }
});
