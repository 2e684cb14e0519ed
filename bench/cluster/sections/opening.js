// How long an edge takes from its start until it serves, with a stream of 1,000 sources and 20,000 runs: with checkpoints alone, and with 50 messages
// after each checkpoint, as events of a minute or so. Where the time goes is measured by the same reads, alone.
import { cpuOf, DIST, memoryOf, Rig, until } from '../processes.js';

const SOURCES = 1_000;
const RUNS = 20;
const MESSAGES = 50;
const { loadSource, SourceWriter, WRITER_DEFAULTS } = await import(`${DIST}/log/index.js`);
const { openNats } = await import(`${DIST}/nats/index.js`);
const { CLOCK } = await import(`${DIST}/clock.js`);
const { startSimulator } = await import(`${DIST}/simulator/index.js`);

export async function opening({ rounds }) {
  const figures = {};
  for (const servers of [1, 3]) {
    const rig = new Rig();
    try {
      await rig.nats(servers);
      figures[`no sources, ${servers} NATS`] = await measure(rig, rounds, true);
      const lines = await checkpointOfOne(rig);
      const writers = await fill(rig, lines);
      figures[`checkpoints alone, ${servers} NATS`] = await measure(rig, rounds);
      await each(writers, 32, async (writer, at) => {
        for (let n = 0; n < MESSAGES; n += 1)
          await new Promise((shown) => {
            const data = { 'node-name': `node${n}`, 'amount-exceeded': n, 'write-threshold': n };
            writer.append(
              [{ source: `vm${at}`, type: 'BLOCK_WRITE_THRESHOLD', time: Date.now() * 1_000, data }],
              shown,
            );
          });
      });
      figures[`and ${MESSAGES} messages a source, ${servers} NATS`] = await measure(rig, rounds);
    } finally {
      await rig.close();
    }
  }
  return figures;
}

/** What an owner saves of a source with so many jobs. */
async function checkpointOfOne(rig) {
  const simulator = await startSimulator({ listen: { path: `${rig.folder}/one` } });
  for (let n = 0; n < RUNS; n += 1)
    simulator.jobs.start({ id: `job${n}`, type: 'backup', len: 2 ** 40, bytesPerSecond: 1 << 20 });
  const owner = await rig.owner('o1', '--source', `vm0=unix:${rig.folder}/one`);
  const nats = await open(rig);
  await until('the checkpoint', () =>
    nats.stream.last('vm0').then(
      (last) => last !== undefined,
      () => false,
    ),
  );
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const gone = new Promise((resolve) => owner.child.once('exit', resolve));
  owner.child.kill('SIGTERM');
  await gone;
  const { lines } = await loadSource(nats.stream, 'vm0');
  await nats.close();
  await simulator.close();
  return lines;
}

async function fill(rig, lines) {
  const { stream } = await open(rig);
  const { epoch } = await stream.state();
  const text = lines.join('\n');
  const [, prefix] = /"run":"([0-9a-f]+):/.exec(text) ?? [];
  const writers = Array.from({ length: SOURCES }, (_, at) => {
    const own =
      prefix === undefined ? text : text.replaceAll(`${prefix}:`, `${prefix}${at.toString(16).padStart(4, '0')}:`);
    const saved = at === 0 ? lines : own.replaceAll('"vm0"', `"vm${at}"`).split('\n');
    return { at, saved };
  });
  return each(writers, 32, async ({ at, saved }) => {
    const last = (await stream.last(`vm${at}`))?.seq ?? 0;
    const listener = { fenced: () => console.error('fenced'), gap() {}, renewed() {}, failing: console.error };
    const options = { clock: CLOCK, ...WRITER_DEFAULTS, checkpointMs: 3_600_000, checkpointEntries: 1e9 };
    const writer = new SourceWriter({
      stream,
      source: `vm${at}`,
      owner: 'o1',
      epoch,
      last,
      save: () => saved,
      listener,
      options,
    });
    await writer.drained();
    return writer;
  });
}

async function measure(rig, rounds, isEmpty = false) {
  const figures = { startMs: [], cpu: [], memory: [], windowMs: [], sourcesMs: [] };
  if (isEmpty) {
    // An edge waits for a stream; an owner makes it.
    const owner = await rig.owner('o0', '--source', `none=unix:${rig.folder}/none`);
    const nats = await open(rig);
    await until('the stream', () =>
      nats.stream.state().then(
        () => true,
        () => false,
      ),
    );
    await nats.close();
    owner.child.kill('SIGKILL');
  }
  for (let round = 0; round < rounds; round += 1) {
    const began = performance.now();
    const edge = await rig.edge(`e${round}`);
    figures.startMs.push(performance.now() - began);
    figures.cpu.push(cpuOf(edge.pid));
    figures.memory.push(memoryOf(edge.pid) / 2 ** 20);
    if (!isEmpty) {
      let runs = 0;
      for (let page = ''; page !== undefined; ) {
        const read = await fetch(`http://127.0.0.1:${edge.port}/v1/jobs?${page && `pageToken=${page}`}`);
        const { jobs, pageToken } = await read.json();
        runs += jobs.length;
        page = pageToken;
      }
      if (runs < SOURCES * RUNS) throw new Error(`the edge has ${runs} jobs`);
    }
    edge.child.kill('SIGKILL');
    const nats = await open(rig);
    const { firstSeq, lastSeq } = await nats.stream.state();
    let at = performance.now();
    await nats.stream.replay(Math.max(1, firstSeq, lastSeq - 50_000 + 1), lastSeq, () => undefined);
    figures.windowMs.push(performance.now() - at);
    at = performance.now();
    await each(await nats.stream.sources(), 64, (source) => loadSource(nats.stream, source, lastSeq));
    figures.sourcesMs.push(performance.now() - at);
    await nats.close();
  }
  return figures;
}

const open = ({ nodes }) => openNats({ servers: nodes.map(({ url }) => url), name: 'bench' }, 'qmp');

/** So many at a time. */
async function each(list, atOnce, work) {
  const [left, done] = [[...list.entries()], []];
  const worker = async () => {
    for (let next = left.shift(); next; next = left.shift()) done[next[0]] = await work(next[1], next[0]);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return done;
}
