// Sources as an operator names them, and what is logged of them.
import type { Logger } from 'pino';
import { describe, expect, it } from 'vitest';
import {
  ConfiguredSources,
  formatAddress,
  type JobSource,
  logSignals,
  parseSource,
  type Source,
  type SourceSignal,
} from '../../src/sources/index.js';

describe('a source on the command line', () => {
  it.each([
    ['vm1=unix:/run/vm1.qmp', 'vm1', 'unix:/run/vm1.qmp'],
    ['vm1=tcp:localhost:4444', 'vm1', 'tcp:localhost:4444'],
    ['vm1=tcp:[::1]:4444', 'vm1', 'tcp:[::1]:4444'],
    ['vm.1:x@y-z_=unix:/a=b', 'vm.1:x@y-z_', 'unix:/a=b'],
    [`vm1=unix:/${'x'.repeat(106)}`, 'vm1', `unix:/${'x'.repeat(106)}`],
  ])('%s is taken', (text, name, address) => {
    const parsed = parseSource(text);
    expect(parsed.ok && [parsed.source.name, formatAddress(parsed.source.address)]).toEqual([name, address]);
  });

  it.each([
    ['vm1', 'expected NAME='],
    ['a=b=unix:/x', 'expected unix:/path'],
    ['=unix:/x', 'a name is'],
    ['a b=unix:/x', 'a name is'],
    [`${'x'.repeat(129)}=unix:/x`, 'a name is'],
    ['vm1=unix:', 'the path is empty'],
    [`vm1=unix:/${'x'.repeat(107)}`, 'at most 107 bytes'],
    [`vm1=unix:/${'é'.repeat(54)}`, 'at most 107 bytes'],
    ['vm1=/run/vm1.qmp', 'expected unix:/path'],
    ['vm1=tcp:localhost', 'expected unix:/path'],
    ['vm1=tcp:::1:4444', 'expected unix:/path'],
    ['vm1=tcp:localhost:0', 'a port is'],
    ['vm1=tcp:localhost:65536', 'a port is'],
  ])('%s is refused, and the text says why', (text, why) => {
    const parsed = parseSource(text);
    expect(!parsed.ok && parsed.error).toContain(why);
    expect(!parsed.ok && parsed.error).toContain(text);
  });
});

describe('configured sources', () => {
  const sourcesOf = (...texts: string[]): Source[] =>
    texts.map((text) => parseSource(text)).flatMap((parsed) => (parsed.ok ? [parsed.source] : []));

  it('are added; of another configuration the new ones are added, and those that are gone or have moved are replaced', () => {
    const seen: string[] = [];
    const sources = new ConfiguredSources(
      sourcesOf('a=unix:/a', 'b=unix:/b', 'c=unix:/c'),
      ({ name, address }) => ({ name: `${name} ${formatAddress(address)}` }) as JobSource,
    );
    sources.sources$.subscribe((change) =>
      seen.push(change.kind === 'added' ? `+${change.source.name}` : `-${change.name}`),
    );
    expect(seen).toEqual(['+a unix:/a', '+b unix:/b', '+c unix:/c']);
    seen.length = 0;
    const changes = sources.replace(sourcesOf('a=unix:/a', 'b=tcp:h:1', 'd=unix:/d'));
    expect(changes).toEqual({ added: ['d'], removed: ['c'], moved: ['b'] });
    expect(seen).toEqual(['-c', '+b tcp:h:1', '+d unix:/d']);
  });
});

describe('the log of a source', () => {
  function linesOf(...signals: SourceSignal[]): string[] {
    const lines: string[] = [];
    const level =
      (name: string) =>
      (...given: unknown[]): void =>
        void lines.push(`${name} ${given.map((each) => JSON.stringify(each)).join(' ')}`);
    const note = logSignals({ info: level('info'), warn: level('warn'), debug: level('debug') } as unknown as Logger);
    for (const signal of signals) note(signal);
    return lines;
  }
  const down = (reason: 'absent' | 'closed', attempt: number): SourceSignal => ({
    ...{ kind: 'down', reason, detail: 'd', attempt, retryInMs: 5 },
  });
  const levels = (...signals: SourceSignal[]): string[] => linesOf(...signals).map((line) => line.split(' ')[0] ?? '');

  it('has a line for each change, with its reason', () => {
    expect(
      linesOf(
        { kind: 'connecting', attempt: 1 },
        { kind: 'waiting', reason: 'silent', detail: 'd' },
        { kind: 'negotiated', qemu: '9.0.0' },
        { kind: 'up', qemu: '9.0.0', same: 'unknown' },
        { kind: 'refused' },
        { kind: 'querying' },
        { kind: 'jobs', jobs: [], legacy: false },
        { kind: 'stalled', waitedMs: 30_000 },
        { kind: 'responsive' },
      ),
    ).toEqual([
      'warn {"reason":"silent","detail":"d"} "source does not answer"',
      'info {"qemu":"9.0.0"} "connected"',
      'warn "source refused-query"',
      'warn {"waitedMs":30000} "source stalled"',
      'info "source responsive"',
    ]);
  });

  it('warns of a reason once, and of each that is new; further tries are for debugging', () => {
    expect(levels(down('absent', 1), down('absent', 2), down('absent', 3), down('closed', 4))).toEqual([
      ...['warn', 'debug', 'debug', 'warn'],
    ]);
    expect(levels(down('closed', 1), down('closed', 1))).toEqual(['warn', 'warn']);
  });
});
