// One tool, without a socket, on a session that the test answers as QEMU would.
import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { SharedCommandTrace } from '../../src/jobs/index.js';
import { QMP_LIMITS } from '../../src/qmp/index.js';
import { readMessage } from '../../src/qmp/message.js';
import { QmpSession } from '../../src/qmp/session.js';
import { SHARE_LIMITS, type ShareLimits } from '../../src/share/index.js';
import { compilePolicy } from '../../src/share/policy.js';
import { Tool } from '../../src/share/tool.js';
import { FakeClock } from '../support/fake-clock.js';

const greeting = { version: { qemu: { major: 9, minor: 2, micro: 0 }, package: 'v' }, capabilities: ['oob'] };

class Bench {
  readonly clock = new FakeClock();
  /** Lines that were written to QEMU and are not answered. */
  readonly asked: { execute?: string; 'exec-oob'?: string; id: string; text: string }[] = [];
  readonly session = new QmpSession(greeting, QMP_LIMITS, (text) =>
    this.asked.push({ ...(JSON.parse(text) as { id: string }), text }),
  );
  readonly traced: string[] = [];
  readonly limited: string[] = [];
  readonly refused: string[] = [];
  readonly #allow: readonly string[] | undefined;
  readonly #limits: ShareLimits;
  #connected = 0;

  constructor(allow?: readonly string[], limits: Partial<ShareLimits> = {}) {
    this.#allow = allow;
    this.#limits = { ...SHARE_LIMITS, ...limits };
  }

  connect(reads = true): Connection {
    this.#connected += 1;
    return new Connection(`t${this.#connected}`, this, this.#limits, compilePolicy(this.#allow), reads);
  }

  trace(tool: string, name: string): SharedCommandTrace {
    return {
      written: () => this.traced.push(`${tool} ${name} written`),
      replied: ({ kind }) => this.traced.push(`${tool} ${name} ${kind}`),
    };
  }

  /** QEMU answers the oldest command of that name. */
  reply(name: string, members: string): void {
    const at = this.asked.findIndex((each) => (each.execute ?? each['exec-oob']) === name);
    const [asked] = at < 0 ? [] : this.asked.splice(at, 1);
    if (!asked) throw new Error(`${name} is not asked`);
    const text = `{${members}, "id": "${asked.id}"}`;
    this.session.receive(readMessage(JSON.parse(text), text.length, QMP_LIMITS), text);
  }
}

class Connection {
  readonly tool: Tool;
  /** Lines that the tool has got. */
  readonly got: string[] = [];
  isClosed = false;
  readonly #stream: Duplex;

  constructor(name: string, bench: Bench, limits: ShareLimits, allows: (name: string) => boolean, reads: boolean) {
    this.#stream = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _, done) => {
        this.got.push(...chunk.toString().trimEnd().split('\r\n'));
        if (reads) done();
      },
    });
    this.tool = new Tool(name, this.#stream, {
      session: bench.session,
      limits,
      clock: bench.clock,
      allows,
      begin: ({ tool, name: command }) => bench.trace(tool, command),
      refused: (tool, command) => bench.refused.push(`${tool} ${command}`),
      limited: (tool, limit, why) => bench.limited.push(`${tool} ${limit}${why === undefined ? '' : ' closed'}`),
      closed: () => {
        this.isClosed = true;
      },
    });
  }

  async say(text: string): Promise<void> {
    this.#stream.push(text);
    await this.flush();
  }

  async flush(): Promise<void> {
    for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  async negotiate(enable = ''): Promise<this> {
    await this.say(`{"execute":"qmp_capabilities","arguments":{"enable":[${enable}]}}`);
    this.got.length = 0;
    return this;
  }
}

const parsed = (lines: readonly string[]): unknown[] => lines.map((line) => JSON.parse(line) as unknown);

describe('a tool', () => {
  it('is greeted with the version and the capabilities of QEMU, and must negotiate first', async () => {
    const bench = new Bench();
    const tool = bench.connect();
    await tool.say(
      '{"execute":"query-jobs","id":7}{"execute":"qmp_capabilities","id":[1]}{"execute":"qmp_capabilities"}',
    );
    expect(parsed(tool.got)).toEqual([
      { QMP: greeting },
      {
        error: { class: 'CommandNotFound', desc: "Expecting capabilities negotiation with 'qmp_capabilities'" },
        id: 7,
      },
      { return: {}, id: [1] },
      { error: { class: 'CommandNotFound', desc: 'Capabilities negotiation is already complete, command ignored' } },
    ]);
    expect(bench.asked).toEqual([]);
  });

  it('is told of anything that it enables and that is no capability, and may go on', async () => {
    for (const value of ['[{"toString":1}]', '{"toString":1}', '[[]]', '1', '[null]']) {
      const tool = new Bench().connect();
      const wrong = `{"execute":"qmp_capabilities","arguments":{"enable":${value}}}`;
      await tool.say(`${wrong}{"execute":"qmp_capabilities"}`);
      expect(parsed(tool.got).slice(1), value).toMatchObject([{ error: { class: 'GenericError' } }, { return: {} }]);
    }
  });

  it('that enables what is no capability may try again', async () => {
    const tool = new Bench().connect();
    await tool.say('{"execute":"qmp_capabilities","arguments":{"enable":["x"]}}{"execute":"qmp_capabilities"}');
    expect(parsed(tool.got).slice(1)).toMatchObject([{ error: { class: 'GenericError' } }, { return: {} }]);
  });

  it('gets events from its negotiation on', async () => {
    const tool = new Bench().connect();
    tool.tool.event(Buffer.from('{"event":"A"}\r\n'));
    await tool.say('{"execute":"qmp_capabilities"}');
    tool.tool.event(Buffer.from('{"event":"B"}\r\n'));
    await tool.flush();
    expect(tool.got.slice(1)).toEqual(['{"return": {}}', '{"event":"B"}']);
  });

  it('gets its own replies, under its own ids, whatever the others ask', async () => {
    const bench = new Bench();
    const [one, two] = [await bench.connect().negotiate(), await bench.connect().negotiate()];
    await one.say('{"execute":"query-jobs","id":"same"}');
    await two.say('{"execute":"query-version","id":"same"}');
    expect(new Set(bench.asked.map(({ id }) => id)).size).toBe(2);
    bench.reply('query-version', '"return": {"v": 9007199254740993}');
    bench.reply('query-jobs', '"error": {"class": "DeviceNotFound", "desc": "why"}');
    await one.flush();
    expect(one.got).toEqual(['{"error": {"class": "DeviceNotFound", "desc": "why"}, "id": "same"}']);
    expect(two.got).toEqual(['{"return": {"v": 9007199254740993}, "id": "same"}']);
  });

  it('is answered in its order: an error of the gateway waits for the reply before it', async () => {
    const bench = new Bench();
    const tool = await bench.connect().negotiate();
    await tool.say('{"execute":"query-jobs","id":1}{"execute":"quit","id":2}{"execute":"query-version","id":3}');
    expect(bench.asked.map(({ execute }) => execute)).toEqual(['query-jobs']);
    bench.reply('query-jobs', '"return": []');
    bench.reply('query-version', '"return": {}');
    await tool.flush();
    expect(parsed(tool.got)).toEqual([
      { return: [], id: 1 },
      { error: { class: 'GenericError', desc: "refused by the gateway's policy: quit" }, id: 2 },
      { return: {}, id: 3 },
    ]);
    expect(bench.refused).toEqual(['t1 quit']);
  });

  it('that has negotiated oob is answered out of band before what waits', async () => {
    const bench = new Bench();
    const tool = await bench.connect().negotiate('"oob"');
    await tool.say('{"execute":"query-jobs","id":1}{"exec-oob":"query-yank","id":2}');
    bench.reply('query-yank', '"return": []');
    await tool.flush();
    expect(parsed(tool.got)).toEqual([{ return: [], id: 2 }]);
  });

  it('leaves entries of commands that are no queries, in the turn in which each is written and answered', async () => {
    const bench = new Bench(['*']);
    const tool = await bench.connect().negotiate();
    await tool.say('{"execute":"query-jobs"}{"execute":"job-cancel","arguments":{"id":"j"}}');
    bench.reply('query-jobs', '"return": []');
    expect(bench.traced).toEqual(['t1 job-cancel written']);
    bench.reply('job-cancel', '"return": {}');
    expect(bench.traced).toEqual(['t1 job-cancel written', 't1 job-cancel accepted']);
  });

  it('that goes takes back what is not written; what was written is answered for the log', async () => {
    const bench = new Bench(['*']);
    const tools = [bench.connect(), bench.connect(), bench.connect()];
    for (const tool of tools) await (await tool.negotiate()).say('{"execute":"stop"}');
    expect(bench.asked).toHaveLength(2);
    for (const { tool } of tools) tool.close();
    bench.reply('stop', '"return": {}');
    bench.reply('stop', '"return": {}');
    expect(bench.asked).toEqual([]);
    expect(bench.traced.filter((line) => line.endsWith('accepted'))).toHaveLength(2);
  });

  it('that floods has nine commands read, the rest waits as bytes, and none is lost', async () => {
    const bench = new Bench();
    const tool = await bench.connect().negotiate();
    const count = 200;
    await tool.say(Array.from({ length: count }, (_, id) => `{"execute":"query-jobs","id":${id}}`).join(''));
    expect(bench.limited).toEqual(['t1 share_commands']);
    for (let n = 0; n < count; n += 1) {
      expect(bench.asked).toHaveLength(1);
      bench.reply('query-jobs', '"return": []');
    }
    await tool.flush();
    expect(parsed(tool.got).map((reply) => (reply as { id: number }).id)).toEqual([...Array(count).keys()]);
  });

  it('that floods with what is refused has so much of it read in a turn', async () => {
    const bench = new Bench();
    const tool = await bench.connect().negotiate();
    await tool.say('{}'.repeat(1_000));
    expect(tool.got).toHaveLength(SHARE_LIMITS.perTurn);
    for (let turn = 0; turn < 20; turn += 1) await bench.clock.turn();
    await tool.flush();
    expect(tool.got).toHaveLength(1_000);
  });

  it('whose messages are long has one of them read in a turn of the loop', async () => {
    const bench = new Bench(undefined, { charsPerTurn: 1_000 });
    const tool = await bench.connect().negotiate();
    const before = tool.got.length;
    await tool.say(`{"execute":"${'x'.repeat(1_000)}"}`.repeat(3));
    await tool.flush();
    expect(tool.got).toHaveLength(before + 1);
    for (let turn = 0; turn < 3; turn += 1) await bench.clock.turn();
    await tool.flush();
    expect(tool.got).toHaveLength(before + 3);
  });

  it('that does not read is closed at its bound of unsent bytes', async () => {
    const bench = new Bench(undefined, { unsentBytes: 10_000 });
    const tool = bench.connect(false);
    await tool.say('{"execute":"qmp_capabilities"}');
    const event = Buffer.from(`{"event":"${'E'.repeat(1_000)}"}\r\n`);
    for (let n = 0; n < 9; n += 1) tool.tool.event(event);
    expect(tool.isClosed).toBe(false);
    tool.tool.event(event);
    expect(tool.isClosed).toBe(true);
    expect(bench.limited).toEqual(['t1 share_unsent_bytes closed']);
  });

  it('whose message is too large is closed', async () => {
    const bench = new Bench(undefined, { messageBytes: 1_000 });
    const tool = await bench.connect().negotiate();
    await tool.say(`{"execute":"${'x'.repeat(2_000)}`);
    expect(tool.isClosed).toBe(true);
    expect(bench.limited).toEqual(['t1 share_message_bytes closed']);
  });
});

describe('commands of tools on a monitor', () => {
  it('have two places: a verb of the gateway is written at once, and tools wait in turn', async () => {
    const bench = new Bench();
    const tools = [bench.connect(), bench.connect(), bench.connect(), bench.connect()];
    for (const [n, tool] of tools.entries())
      await (await tool.negotiate()).say(`{"execute":"query-t${n}"}{"execute":"query-u${n}"}`);
    void bench.session.execute('job-cancel', { id: 'j' }, { lane: 'abort' });
    void bench.session.execute('query-jobs', {});
    expect(bench.asked.map(({ execute }) => execute)).toEqual(['query-t0', 'query-t1', 'job-cancel', 'query-jobs']);
    bench.reply('job-cancel', '"return": {}');
    bench.reply('query-jobs', '"return": []');
    bench.reply('query-t0', '"return": {}');
    bench.reply('query-t1', '"return": {}');
    expect(bench.asked.map(({ execute }) => execute)).toEqual(['query-t2', 'query-t3']);
  });
});
