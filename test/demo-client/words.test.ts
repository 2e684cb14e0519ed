// Routes, events in words, the connection in words, and the console's line.
import { describe, expect, it } from 'vitest';
import { clock } from '../../demo-client/src/model/clock.js';
import { describe as inWords } from '../../demo-client/src/model/describe.js';
import { feedMatcher } from '../../demo-client/src/model/feed-filter.js';
import { linkText } from '../../demo-client/src/model/link.js';
import { accept, readTyped, suggest, TEMPLATES } from '../../demo-client/src/model/methods.js';
import { jobHref, parseRoute } from '../../demo-client/src/model/route.js';
import { socketUrl } from '../../demo-client/src/model/socket-url.js';
import type { Entry } from '../../src/protocol/types.js';
import { endOf } from './fixtures.js';

const entry = (type: string, data: unknown): Entry => ({ offset: 1, source: 'vm1', type, time: null, data });

describe('routes', () => {
  it('come back from their own addresses, whatever a job is called', () => {
    const [source, job, run] = ['vm@1', 'a/b #%? ü', 'e:1'];
    expect(parseRoute(jobHref(source, job, run))).toEqual({ page: 'job', source, job, run });
  });

  it('have no half characters, on which the whole page would fail', () => {
    expect(jobHref('vm1', 'a\ud800b', 'e:1')).toBe('#/job/vm1/a%EF%BF%BDb/e%3A1');
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
});

it.each([
  ['http://127.0.0.1:7070/', 'ws://127.0.0.1:7070/v1'],
  ['https://host/qmp/', 'wss://host/qmp/v1'],
  ['https://host/qmp/index.html?x#/events', 'wss://host/qmp/v1'],
])('the page %s speaks to %s', (page, socket) => expect(socketUrl(page)).toBe(socket));

describe('events', () => {
  it('read as sentences', () => {
    expect(inWords(entry('JOB_STATUS_CHANGE', { id: 'x', status: 'null' })).text).toBe('left QEMU');
    expect(inWords(entry('GATEWAY_SOURCE_SYNCED', { jobs: 1 })).text).toBe('in sync, 1 job');
    const settled = { ...endOf('x').settled, pivoted: 'unknown' };
    expect(inWords(entry('GATEWAY_JOB_SETTLED', settled)).text).toBe('completed, pivot unknown');
    const answered = entry('GATEWAY_COMMAND_ANSWERED', { command: 'e:c1', result: 'refused', error: 'busy' });
    expect(inWords(answered)).toEqual({ text: 'QEMU has refused the command: busy', tone: 'warn' });
    const storm = { ...entry('BLOCK_JOB_ERROR', { operation: 'write', action: 'ignore' }), repeated: 6_000 };
    expect(inWords(storm)).toEqual({ text: 'write error, action ignore × 6000', tone: 'bad' });
  });

  it('of an unknown type are written with their data', () => {
    expect(inWords(entry('VSERPORT_CHANGE', { open: true })).text).toBe('{"open":true}');
    expect(inWords(entry('STOP', {})).text).toBe('');
  });

  it('are filtered by all words, and a gap is never hidden', () => {
    const matches = feedMatcher('vm1 write');
    expect(matches({ kind: 'entry', entry: entry('BLOCK_JOB_ERROR', { operation: 'write' }) })).toBe(true);
    expect(matches({ kind: 'entry', entry: entry('STOP', {}) })).toBe(false);
    expect(matches({ kind: 'gap' })).toBe(true);
  });
});

it('the clock prints no time that QEMU did not know', () => {
  expect(clock(null)).toBe('--:--:--.---');
  expect(clock('2026-11-22T22:56:14.609123Z')).toMatch(/:56:14\.609$/);
});

describe('the connection', () => {
  it('says when and why it comes back', () => {
    const reason = { cause: 'bye', code: 1012, detail: 'drain' } as const;
    const { label, detail, tone } = linkText({ phase: 'waiting', attempt: 2, retryAt: 4_200, reason }, 1_000);
    expect(label).toBe('Offline, retry in 4 s');
    expect(detail).toContain('(1012): drain');
    expect(tone).toBe('warn');
  });

  it('is live, or closed for a reason', () => {
    expect(linkText({ phase: 'open', since: 0 }, 5_000).label).toBe('Live');
    const reason = { cause: 'refused', code: 4401, detail: 'no' } as const;
    expect(linkText({ phase: 'closed', reason }, 0).tone).toBe('bad');
  });
});

describe('the console', () => {
  it('suggests what begins so, then what contains it', () => {
    expect(suggest('job.a')).toEqual(['job.abort']);
    expect(suggest('list')).toEqual(['source.list', 'job.list', 'history.list']);
    expect(suggest('subscribe')).toEqual(['subscribe', 'unsubscribe']);
    expect(suggest('unsubscribe')).toEqual([]);
    expect(suggest('job.get {')).toEqual([]);
    expect(suggest('{"method":')).toEqual([]);
  });

  it('has params for every method that are JSON', () => {
    for (const name of Object.keys(TEMPLATES)) {
      expect(readTyped(accept(name as keyof typeof TEMPLATES), 1)).toMatchObject({ ok: true, method: name });
    }
  });

  it('sends a method with params, or a request as it stands', () => {
    const text = '{"jsonrpc":"2.0","id":7,"method":"job.list","params":{"limit":1}}';
    expect(readTyped('job.list {"limit":1}', 7)).toEqual({ ok: true, text, id: 7, method: 'job.list' });
    expect(readTyped(text, 8)).toEqual({ ok: true, text, id: 7, method: 'job.list' });
    expect(readTyped('job.list {', 7)).toMatchObject({ ok: false });
    expect(readTyped(' ', 7)).toMatchObject({ ok: false });
  });
});
