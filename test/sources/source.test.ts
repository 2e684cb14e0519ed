// Sources as an operator names them, and what is logged of them.
import type { Logger } from 'pino';
import { EMPTY, Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Configured } from '../../src/sources/configured.js';
import {
  ConfiguredSources,
  formatDiscovery,
  formatSource,
  type JobSource,
  logSignals,
  type ProvidedSource,
  parseSource,
  type SourceSignal,
} from '../../src/sources/index.js';

describe('a source on the command line', () => {
  it.each([
    ['vm1=unix:/run/vm1.qmp', 'vm1', 'unix:/run/vm1.qmp'],
    ['vm1=tcp:localhost:4444', 'vm1', 'tcp:localhost:4444'],
    ['vm1=tcp:[::1]:4444', 'vm1', 'tcp:[::1]:4444'],
    ['vm.1:x@y-z_=unix:/a=b', 'vm.1:x@y-z_', 'unix:/a=b'],
    [`vm1=unix:/${'x'.repeat(106)}`, 'vm1', `unix:/${'x'.repeat(106)}`],
    ['vm1=libvirt:web 1', 'vm1', 'libvirt:web 1'],
    ['vm1=libvirt:a=b:c?socket=/run/s&uri=qemu:///session', 'vm1', 'libvirt:a=b:c?socket=/run/s&uri=qemu:///session'],
  ])('%s is taken', (text, name, address) => {
    const parsed = parseSource(text);
    expect('source' in parsed && [parsed.source.name, formatSource(parsed.source)]).toEqual([name, address]);
  });

  it.each([
    ['vm1', 'expected NAME='],
    ['a=b=unix:/x', 'expected NAME=unix:/path'],
    ['=unix:/x', 'a name is'],
    ['a b=unix:/x', 'a name is'],
    [`${'x'.repeat(129)}=unix:/x`, 'a name is'],
    ['vm1=unix:', 'the path is empty'],
    [`vm1=unix:/${'x'.repeat(107)}`, 'at most 107 bytes'],
    [`vm1=unix:/${'é'.repeat(54)}`, 'at most 107 bytes'],
    ['vm1=/run/vm1.qmp', 'expected NAME=unix:/path'],
    ['vm1=tcp:localhost', 'expected NAME=unix:/path'],
    ['vm1=tcp:::1:4444', 'expected NAME=unix:/path'],
    ['vm1=tcp:localhost:0', 'a port is'],
    ['vm1=tcp:localhost:65536', 'a port is'],
    ['vm1=libvirt:*', 'write libvirt:*'],
    ['vm1=libvirt:', 'expected NAME=unix:/path'],
    ['vm1=libvirt:x?host=h', 'no parameter host'],
    [`libvirt:*?socket=/${'x'.repeat(107)}`, 'at most 107 bytes'],
    ['libvirt:*?socket=', 'the path is empty'],
  ])('%s is refused, and the text says why', (text, why) => {
    const parsed = parseSource(text);
    expect(!parsed.ok && parsed.error).toContain(why);
    expect(!parsed.ok && parsed.error).toContain(text);
  });
});

it('all domains of a libvirtd are one setting', () => {
  const parsed = parseSource('libvirt:*?socket=/run/s');
  expect('discovery' in parsed && formatDiscovery(parsed.discovery)).toBe('libvirt:*?socket=/run/s');
});

describe('configured sources', () => {
  const configured = (...texts: string[]): Configured => {
    const parsed = texts.map((text) => parseSource(text));
    return {
      sources: parsed.flatMap((each) => ('source' in each ? [each.source] : [])),
      discoveries: parsed.flatMap((each) => ('discovery' in each ? [each.discovery] : [])),
    };
  };
  const named = (name: string): JobSource => ({ name }) as JobSource;

  it('are added; of another configuration the new ones are added, and those that are gone or have moved are replaced', () => {
    const seen: string[] = [];
    const sources = new ConfiguredSources(configured('a=unix:/a', 'b=unix:/b', 'c=unix:/c'), {
      source: (source) => named(`${source.name} ${formatSource(source)}`),
      discovery: () => ({ sources$: EMPTY }),
    });
    sources.sources$.subscribe((change) =>
      seen.push(change.kind === 'added' ? `+${change.source.name}` : `-${change.name}`),
    );
    expect(seen).toEqual(['+a unix:/a', '+b unix:/b', '+c unix:/c']);
    seen.length = 0;
    const changes = sources.replace(configured('a=unix:/a', 'b=tcp:h:1', 'd=unix:/d'));
    expect(changes).toEqual({ added: ['d'], removed: ['c'], moved: ['b'] });
    expect(seen).toEqual(['-c', '+b tcp:h:1', '+d unix:/d']);
  });

  it('that are found come and go with what finds them, and know which names are taken', () => {
    const found$ = new Subject<ProvidedSource>();
    const seen: string[] = [];
    let isTaken: (name: string) => boolean = () => false;
    const sources = new ConfiguredSources(configured('a=unix:/a', 'libvirt:*'), {
      source: ({ name }) => named(name),
      discovery: (_discovery, taken) => {
        isTaken = taken;
        return { sources$: found$ };
      },
    });
    sources.sources$.subscribe((change) =>
      seen.push(change.kind === 'added' ? `+${change.source.name}` : `-${change.name}`),
    );
    found$.next({ kind: 'added', source: named('vm1') });
    found$.next({ kind: 'added', source: named('vm2') });
    found$.next({ kind: 'removed', name: 'vm1' });
    expect([isTaken('a'), isTaken('vm2')]).toEqual([true, false]);
    expect(sources.replace(configured('a=unix:/a'))).toEqual({ added: [], removed: ['libvirt:*'], moved: [] });
    found$.next({ kind: 'added', source: named('late') });
    expect(seen).toEqual(['+a', '+vm1', '+vm2', '-vm1', '-vm2']);
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
        { kind: 'jobs', jobs: [], legacy: false, quietCancel: false },
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
