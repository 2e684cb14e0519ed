// What a tool sends: its messages, without line ends too, and what QEMU would say of each.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringifyJson } from '../../src/qmp/index.js';
import { toolLine, withId } from '../../src/qmp/tool-command.js';
import { readJobCommand } from '../../src/share/job-command.js';
import { readRequest } from '../../src/share/request.js';
import { RequestSplitter } from '../../src/share/request-splitter.js';
import { qmpCall } from '../../src/sources/qmp/commands.js';

const KIB = 1024;

function split(chunks: readonly Buffer[], maxBytes = KIB): unknown[] {
  const splitter = new RequestSplitter(maxBytes);
  return chunks.flatMap((chunk) => {
    splitter.push(chunk);
    const all: unknown[] = [];
    for (let next = splitter.next(); next; next = splitter.next()) {
      all.push(next.kind === 'message' ? next.text : next);
      if (next.kind === 'excess') break;
    }
    return all;
  });
}

/** So many bytes at a time. */
const cut = (text: string, size: number): Buffer[] => {
  const bytes = Buffer.from(text);
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.subarray(n * size, (n + 1) * size));
};

describe('the messages of a tool', () => {
  it('are whole where their braces balance, however they are cut, with line ends or without', () => {
    const json = fc.record({ execute: fc.string({ unit: 'grapheme' }), arguments: fc.jsonValue({ maxDepth: 4 }) });
    const end = fc.constantFrom('', ' ', '\n', '\r\n');
    fc.assert(
      fc.property(fc.array(fc.tuple(json, end)), fc.integer({ min: 1, max: 40 }), (messages, size) => {
        const texts = messages.map(([message]) => JSON.stringify(message));
        const wire = messages.map(([, mark], at) => `${texts[at]}${mark}`).join('');
        expect(split(cut(wire, size), KIB * KIB)).toEqual(texts);
      }),
    );
  });

  it('that are no JSON end with their line, and the next one is read', () => {
    expect(split([Buffer.from('hello\n{"a": "b\n} \n{}')])).toEqual(['hello', '{"a": "b', '}', '{}']);
  });

  it('beyond the limit of bytes or of depth are told', () => {
    expect(split([Buffer.from(`{"a":"${'x'.repeat(KIB)}`)])).toMatchObject([{ kind: 'excess' }]);
    expect(split([Buffer.from('['.repeat(129))])).toMatchObject([{ kind: 'excess' }]);
    expect(split([Buffer.from(`${'['.repeat(128)}${']'.repeat(128)}`)])).toHaveLength(1);
  });

  it('take time in proportion to their bytes, sent one by one', () => {
    const text = `{"a":"${'x'.repeat(200_000)}"}`;
    const before = performance.now();
    expect(split(cut(text, 1), KIB * KIB)).toEqual([text]);
    expect(performance.now() - before).toBeLessThan(2_000);
  });
});

describe('a request', () => {
  it('keeps its numbers and its id as they are written', () => {
    const text =
      '{"execute":"x","arguments":{"speed":9223372036854775807,"f":1.50},"id":{"n":[18446744073709551615,null]}}';
    expect(readRequest(text, false)).toMatchObject({
      kind: 'command',
      command: {
        member: 'execute',
        name: 'x',
        args: '{"speed":9223372036854775807,"f":1.50}',
        id: '{"n":[18446744073709551615,null]}',
      },
    });
  });

  it.each([
    ['[]', 'QMP input must be a JSON object'],
    ['{"id":1}', "QMP input lacks member 'execute'"],
    ['{"execute":1}', "QMP input member 'execute' must be a string"],
    ['{"execute":"x","arguments":[]}', "QMP input member 'arguments' must be an object"],
    ['{"execute":"x","more":1}', "QMP input member 'more' is unexpected"],
    ['{"exec-oob":"x"}', "QMP input member 'exec-oob' is unexpected"],
    ['{"execute":"\\ud800"}', 'JSON parse error, a string has what is no Unicode character'],
    ['{"execute":"x","arguments":{"a":["\\uffff"]}}', 'JSON parse error, a string has what is no Unicode character'],
  ])('%s is refused as QEMU does', (text, desc) => {
    expect(readRequest(text, false)).toMatchObject({ kind: 'malformed', error: { class: 'GenericError', desc } });
  });

  it('that is no JSON has no id; one that QEMU would refuse has its own', () => {
    expect(readRequest('{', false)).toMatchObject({ kind: 'malformed', id: undefined });
    expect(readRequest('{"id":"a","execute":7}', false)).toMatchObject({ id: '"a"' });
  });

  it('may be out of band once that is negotiated, and not be two commands', () => {
    expect(readRequest('{"exec-oob":"yank"}', true)).toMatchObject({ command: { member: 'exec-oob', name: 'yank' } });
    expect(readRequest('{"exec-oob":"yank","execute":"x"}', true)).toMatchObject({ kind: 'malformed' });
  });
});

describe('a reply', () => {
  const ours = 'qmpgw-0a1b2c-7';
  it.each([
    [
      '{"return": {"speed": 9007199254740993}, "id": "qmpgw-0a1b2c-7"}',
      '"mine"',
      '{"return": {"speed": 9007199254740993}, "id": "mine"}',
    ],
    ['{"id": "qmpgw-0a1b2c-7", "return": {}}', 'null', '{"id": null, "return": {}}'],
    ['{"return": {}, "id": "qmpgw-0a1b2c-7"}', undefined, '{"return": {}}'],
    ['{"id": "qmpgw-0a1b2c-7", "return": 9007199254740993}', undefined, '{"return":9007199254740993}'],
    ['{"return": "qmpgw-0a1b2c-7", "id": "qmpgw-0a1b2c-7"}', '1', '{"return":"qmpgw-0a1b2c-7", "id": 1}'],
  ])('%s gets the id %s of the tool', (text, id, expected) => {
    expect(withId(text, ours, id)).toBe(expected);
  });

  it('has the id of the command that was written', () => {
    const command = { member: 'execute', name: 'x', args: '{"a": 1}', id: undefined } as const;
    expect(toolLine(command, ours)).toBe(`{"execute": "x", "arguments": {"a": 1}, "id": "${ours}"}\r\n`);
  });
});

describe('a command on a job', () => {
  it('is read from every form in which the gateway writes it', () => {
    const verbs = fc.constantFrom('abort', 'complete', 'pause', 'resume', 'finalize', 'dismiss', 'setSpeed');
    fc.assert(
      fc.property(verbs, fc.string(), fc.boolean(), fc.nat(), fc.boolean(), (verb, id, force, speed, has) => {
        const { name, args } = qmpCall({ verb, id, force, speed } as never, () => has);
        const request = readRequest(`{"execute":"${name}","arguments":${stringifyJson(args)}}`, false);
        if (request.kind === 'malformed') return;
        expect(readJobCommand(name, request.values)).toEqual({
          verb,
          id,
          ...(verb === 'abort' && { force }),
          ...(verb === 'setSpeed' && { speed }),
        });
      }),
    );
  });

  it('keeps a speed beyond 2^53 exactly, and others are none', () => {
    const { values } = readRequest(
      '{"execute":"block-job-set-speed","arguments":{"device":"j","speed":9007199254740993}}',
      false,
    ) as { values: Record<string, unknown> };
    expect(readJobCommand('block-job-set-speed', values)).toEqual({
      verb: 'setSpeed',
      id: 'j',
      speed: '9007199254740993',
    });
    expect(readJobCommand('blockdev-mirror', { id: 'j' })).toBeUndefined();
    expect(readJobCommand('job-cancel', { id: 7 })).toBeUndefined();
  });
});
