// What the page shows as its address, and back; and what is copied for a shell.
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { COLUMN_KEYS, TAB_COLUMNS } from '../../demo-client/src/model/fleet/columns.js';
import {
  isClosed,
  type Listing,
  listingOf,
  toggleGroup,
  UNFOLDED,
  withTab,
} from '../../demo-client/src/model/fleet/listing.js';
import { cliAbort, cliEvents, cliShow, curlOf, shellWord } from '../../demo-client/src/model/page/commands.js';
import {
  entryHref,
  FLEET,
  jobHref,
  parseRoute,
  printRoute,
  type Route,
} from '../../demo-client/src/model/page/route.js';

const ODD = ['a/b #%? ü', '-rf', 'a&b=c+d', '"quoted" \\ \'so\'', '日本\u202e', '?#/events', ' ', 'x,y', '%2f%', '\n'];
const text = fc.oneof(fc.constantFrom(...ODD), fc.string({ unit: 'grapheme', maxLength: 12 }));
const name = text.filter((each) => each !== '');
const listing: fc.Arbitrary<Listing> = fc.record({
  tab: fc.constantFrom('active', 'ended', 'all'),
  filter: text,
  sort: fc.record({ by: fc.constantFrom(...COLUMN_KEYS), down: fc.boolean() }),
  columns: fc.option(
    fc.subarray([...COLUMN_KEYS].slice(1)).map((some) => ['job' as const, ...some]),
    { nil: undefined },
  ),
  folding: fc.option(fc.record({ allClosed: fc.boolean(), but: fc.uniqueArray(name, { maxLength: 4 }) }), {
    nil: undefined,
  }),
});
const route: fc.Arbitrary<Route> = fc.oneof(
  fc.record({ page: fc.constant('fleet' as const), listing }),
  fc.record({
    page: fc.constant('events' as const),
    feed: fc.record({
      filter: text,
      isImportantOnly: fc.boolean(),
      open: fc.option(name, { nil: undefined }),
    }),
  }),
  fc.record({
    page: fc.constant('job' as const),
    source: name,
    job: name,
    run: fc.option(name, { nil: undefined }),
    isJson: fc.boolean(),
  }),
  fc.constant({ page: 'console' } as const),
);

/** The hash as a browser has it after an assignment: it encodes what a URL may not contain. */
const inBrowser = (hash: string): string => new URL(hash, 'http://127.0.0.1:7070/').hash;

describe('the address', () => {
  it('gives back the view that it was made from, whatever jobs and sources are called', () => {
    fc.assert(
      fc.property(route, (view) => {
        expect(parseRoute(inBrowser(printRoute(view)))).toEqual(view);
        expect(printRoute(parseRoute(printRoute(view)))).toBe(printRoute(view));
      }),
    );
  });

  it('is short where the view is as usual, and readable where it is not', () => {
    expect(printRoute(FLEET)).toBe('#/');
    const view = { ...listingOf('ended'), filter: 'source:vm1', sort: { by: 'job', down: true } } as const;
    expect(printRoute({ page: 'fleet', listing: view })).toBe('#/?tab=ended&filter=source:vm1&sort=-job');
    const [source, job, run] = ['vm@1', 'a/b #%? ü', 'e:1'];
    expect(parseRoute(jobHref(source, job, run))).toEqual({ page: 'job', source, job, run, isJson: false });
    expect(entryHref('e:7')).toBe('#/events?open=e:7');
  });

  it('never throws: what it does not understand is as if it were missing', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (hash) => void parseRoute(hash)));
    expect(parseRoute('#/?tab=__proto__&sort=--rate&columns=nothing&group=mars')).toEqual(FLEET);
    expect(parseRoute('#/?columns=rate,job,job,x')).toMatchObject({ listing: { columns: ['job', 'rate'] } });
  });

  it.each([
    ['', 'fleet'],
    ['#/', 'fleet'],
    ['#/events', 'events'],
    ['#/console', 'console'],
    ['#/job/vm1', 'missing'],
    ['#/nowhere', 'missing'],
    ['#/job/%E0%A4%A/x', 'job'],
  ])('%j is %s', (hash, page) => expect(parseRoute(hash).page).toBe(page));

  it('has no half characters, on which the whole page would fail', () => {
    expect(jobHref('vm1', 'a\ud800b', 'e:1')).toBe('#/job/vm1/a%EF%BF%BDb/e%3A1');
  });
});

describe('a listing', () => {
  it('of another tab has its own sort and columns, and the same filter and groups', () => {
    const view: Listing = { ...listingOf('active'), filter: 'x', columns: TAB_COLUMNS.all, folding: UNFOLDED };
    expect(withTab(view, 'ended')).toEqual({ ...listingOf('ended'), filter: 'x', folding: UNFOLDED });
  });

  it('opens and closes one group, also where all were closed', () => {
    const one = toggleGroup(UNFOLDED, 'vm1');
    expect([isClosed(one, 'vm1'), isClosed(one, 'vm2')]).toEqual([true, false]);
    expect(toggleGroup(one, 'vm1')).toEqual(UNFOLDED);
    const all = toggleGroup({ allClosed: true, but: [] }, 'vm1');
    expect([isClosed(all, 'vm1'), isClosed(all, 'vm2')]).toEqual([false, true]);
  });
});

describe('a command that is copied', () => {
  const gate = { url: 'https://host/qmp/', hasToken: false };
  const target = { source: 'vm1', job: 'drive0', run: 'e:1' };

  it('gives each name to the program as it is', () => {
    for (const word of ODD) {
      const printed = execFileSync('/bin/sh', ['-c', `printf %s ${shellWord(word)}`], { encoding: 'utf8' });
      expect(printed).toBe(word);
    }
  });

  it('asks the gateway of this page, beside a proxy too', () => {
    const body = '{"jsonrpc":"2.0","id":1,"method":"job.get","params":{"source":"vm1"}}';
    expect(curlOf(gate, 'job.get', { source: 'vm1' })).toBe(
      `curl -sS https://host/qmp/v1/rpc -H 'Content-Type: application/json' -d '${body}'`,
    );
    expect(cliShow(gate, target)).toBe('qmp-gateway show --url https://host/qmp/ --run e:1 vm1 drive0');
    expect(cliAbort(gate, target)).toBe('qmp-gateway abort --url https://host/qmp/ --sync --run e:1 vm1 drive0');
    expect(cliEvents(gate, 'e:1')).toBe('qmp-gateway events --url https://host/qmp/ --after e:1');
  });

  it('never has the token in it, and takes no name for a flag', () => {
    expect(curlOf({ ...gate, hasToken: true }, 'source.list', {})).toContain('Bearer $QMP_GATEWAY_TOKEN"');
    expect(cliShow(gate, { source: 'vm1', job: '--force' })).toMatch(/show .* -- vm1 --force$/);
  });
});
