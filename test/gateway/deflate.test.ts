// Whose messages are compressed, and what a compressed frame is.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readConfig } from '../../src/config/index.js';
import { acceptOffer } from '../../src/gateway/http/compression.js';
import { Deflater } from '../../src/gateway/wire/deflate.js';
import { openFrame, payloadOf, shareFrame } from '../../src/gateway/wire/frame.js';
import { inflate } from '../support/deflate.js';

const FAR = '192.0.2.7';

describe('an offer', () => {
  it.each([
    ['permessage-deflate', 'permessage-deflate'],
    ['permessage-deflate; client_max_window_bits', 'permessage-deflate'],
    ['permessage-deflate;client_max_window_bits=10 ; server_no_context_takeover', 'permessage-deflate'],
    ['permessage-deflate; client_no_context_takeover', 'permessage-deflate'],
    ['x-other, permessage-deflate', 'permessage-deflate'],
    ['permessage-deflate; server_max_window_bits=15', 'permessage-deflate; server_max_window_bits=15'],
    ['permessage-deflate; server_max_window_bits=10', undefined],
    ['permessage-deflate; server_max_window_bits=10, permessage-deflate', 'permessage-deflate'],
    ['permessage-deflate; server_max_window_bits', undefined],
    ['permessage-deflate; server_max_window_bits=16', undefined],
    ['permessage-deflate; client_max_window_bits=7', undefined],
    ['permessage-deflate; server_no_context_takeover=1', undefined],
    ['permessage-deflate; server_no_context_takeover; server_no_context_takeover', undefined],
    ['permessage-deflate; unheard_of', undefined],
    ['x; y="a, permessage-deflate, b"', undefined],
    ['x-webkit-deflate-frame', undefined],
    ['', undefined],
    [',;=', undefined],
  ])('%s: %s', (offered, taken) => {
    expect(acceptOffer('on', FAR, offered)).toBe(taken);
  });

  it('is accepted as the setting says: from loopback only with `on`', () => {
    const taken = (setting: 'auto' | 'on' | 'off', address: string | undefined): boolean =>
      acceptOffer(setting, address, 'permessage-deflate') !== undefined;
    for (const address of ['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1', undefined])
      expect([taken('auto', address), taken('on', address), taken('off', address)]).toEqual([false, true, false]);
    for (const address of [FAR, '2001:db8::1', '::ffff:192.0.2.7'])
      expect([taken('auto', address), taken('on', address), taken('off', address)]).toEqual([true, true, false]);
    expect(acceptOffer('on', FAR, undefined)).toBeUndefined();
  });
});

describe('the setting', () => {
  it('is auto, unless a flag, the environment or the file says otherwise', () => {
    const read = (flag: string | undefined, env?: string) =>
      readConfig({ listen: '0', compression: flag }, { QMP_GATEWAY_COMPRESSION: env });
    expect(read(undefined)).toMatchObject({ ok: true, config: { compression: 'auto' } });
    expect(read(undefined, 'off')).toMatchObject({ ok: true, config: { compression: 'off' } });
    const folder = mkdtempSync(join(tmpdir(), 'config-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'file.json'), '{"compression":"on"}');
    expect(readConfig({ config: join(folder, 'file.json') }, {})).toMatchObject({ config: { compression: 'on' } });
    expect(read('on', 'off')).toMatchObject({ ok: true, config: { compression: 'on' } });
    expect(read(undefined, 'yes')).toEqual({
      ok: false,
      problems: ['QMP_GATEWAY_COMPRESSION yes: one of auto on off'],
    });
  });
});

describe('a compressed frame', () => {
  it.each([600, 70_000])('says the same in fewer bytes: %i', (length) => {
    const text = '{"é":"event"}'.repeat(length / 13);
    const frame = shareFrame(text);
    const deflater = new Deflater();
    const form = deflater.formOf(frame);
    expect(form[0]).toBe(0xc1);
    expect(form.length).toBeLessThan(frame.bytes.length / 4);
    expect(inflate(payloadOf(form)).toString()).toBe(text);
    expect(deflater.counts).toEqual({
      deflatedFrames: 1,
      deflatedFrom: frame.bytes.length,
      deflatedTo: form.length,
    });
  });

  it('is made once', () => {
    const frame = shareFrame('x'.repeat(1_000));
    const deflater = new Deflater();
    const form = deflater.formOf(frame);
    expect(deflater.formOf(frame)).toBe(form);
    expect(deflater.counts.deflatedFrames).toBe(1);
  });

  it('is the plain one where it is small, or would not be smaller', () => {
    const deflater = new Deflater();
    const noise = openFrame(0x81, 1_000);
    randomBytes(1_000).copy(noise, noise.length - 1_000);
    for (const frame of [shareFrame('x'.repeat(500)), { bytes: noise, deflated: undefined, blocks: undefined }])
      expect(deflater.formOf(frame)).toBe(frame.bytes);
    expect(deflater.counts.deflatedFrames).toBe(0);
  });

  it('may begin with words of its own, whatever their length', () => {
    const own = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 300 }), fc.constantFrom('é'.repeat(40_000), ''));
    fc.assert(
      fc.property(own, fc.integer({ min: 0, max: 3_000 }), (head, length) => {
        const tail = shareFrame('word ß '.repeat(length / 7));
        const joined = new Deflater().join(head, tail);
        const payload = payloadOf(joined);
        const text = joined[0] === 0xc1 ? inflate(payload) : payload;
        expect(text.toString()).toBe(head + payloadOf(tail.bytes).toString());
        expect(payload.length).toBe(joined.length - (payload.length < 126 ? 2 : payload.length < 65_536 ? 4 : 10));
      }),
    );
  });
});
