// Events in words, the connection in words, and the console's line.
import { describe, expect, it } from 'vitest';
import { describe as inWords } from '../../demo-client/src/model/events/describe.js';
import { feedMatcher } from '../../demo-client/src/model/events/feed-filter.js';
import { isImportant } from '../../demo-client/src/model/events/severity.js';
import { freshness } from '../../demo-client/src/model/page/freshness.js';
import { linkText } from '../../demo-client/src/model/page/link.js';
import { accept, readTyped, suggest, TEMPLATES } from '../../demo-client/src/model/page/methods.js';
import { socketUrl } from '../../demo-client/src/model/page/socket-url.js';
import type { Entry } from '../../src/protocol/types.js';
import { endOf } from './fixtures.js';

const entry = (type: string, data: unknown): Entry => ({ offset: 1, source: 'vm1', type, time: null, data });

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

describe('the status line', () => {
  const open = { phase: 'open', since: 0 } as const;
  it.each([
    ['nothing yet', open, {}, 'Nothing received yet.', 'calm'],
    ['all is well', open, { heardAt: 9_000, eventMs: 20 }, 'Up to date.', 'calm'],
    ['an event is late', open, { heardAt: 9_000, eventMs: 5_000 }, 'The last event came 5.0 s after', 'warn'],
    ['silence', open, { heardAt: -30_000 }, 'The gateway has sent nothing for 40 s.', 'warn'],
    [
      'no connection',
      { phase: 'connecting', attempt: 1 } as const,
      { heardAt: 5_000 },
      'this is as of 5.0 s ago',
      'warn',
    ],
  ])('says in words that %s', (_what, state, lag, text, tone) => {
    const said = freshness(state, lag, 10_000);
    expect(said.text).toContain(text);
    expect(said.tone).toBe(tone);
  });
});

describe('important events', () => {
  it('are those that went wrong, have ended, or wait for a person', () => {
    const settled = entry('GATEWAY_JOB_SETTLED', { ...endOf('x').settled, outcome: 'cancelled' });
    expect(isImportant(settled)).toBe(true);
    expect(isImportant(entry('BLOCK_JOB_ERROR', { operation: 'write', action: 'stop' }))).toBe(true);
    expect(isImportant(entry('GATEWAY_SOURCE_DOWN', { reason: 'closed' }))).toBe(true);
    expect(isImportant(entry('JOB_STATUS_CHANGE', { id: 'x', status: 'running' }))).toBe(false);
    expect(isImportant(entry('GATEWAY_SOURCE_SYNCED', { jobs: 1 }))).toBe(false);
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
