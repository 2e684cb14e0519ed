// Bodies and signatures, and the two receivers of the documentation that verify one.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { LoggedEntry } from '../../src/log/index.js';
import { entryMessage, gapMessage, sign } from '../../src/webhooks/message.js';

const json = '{"offset":7,"source":"a b","type":"BLOCK_JOB_READY","time":null,"data":{"len":9223372036854775807}}';
const entry: LoggedEntry = {
  ...{ offset: 7, source: 'a b', type: 'BLOCK_JOB_READY', time: 1_700_000_000_000_001, job: { id: 'j', run: 'r:1' } },
  ...{ repeated: undefined, json, bytes: 1 },
};
const gap = { from: 'e:3', reason: 'retention' } as const;

it('an entry has its cursor, and its own text without a rounded integer', () => {
  const { id, type, body } = entryMessage(entry, 'e', 'plain');
  expect([id, type]).toEqual(['e:7', 'application/json']);
  expect(body).toBe(`{"cursor":"e:7","event":${json}}`);
});

it('an entry as a CloudEvent has the attributes of version 1.0', () => {
  const { id, type, body } = entryMessage(entry, 'e', 'cloudevents');
  expect([id, type]).toEqual(['e:7', 'application/cloudevents+json']);
  expect(body).toContain('9223372036854775807');
  expect(JSON.parse(body)).toEqual({
    ...{
      specversion: '1.0',
      id: 'e:7',
      source: 'qmp-gateway/a%20b',
      type: 'qmp-gateway.BLOCK_JOB_READY',
      subject: 'j',
    },
    ...{ time: '2023-11-14T22:13:20.000001Z', datacontenttype: 'application/json', data: JSON.parse(json) },
  });
  const without = entryMessage({ ...entry, time: null, job: undefined }, 'e', 'cloudevents');
  expect(Object.keys(JSON.parse(without.body) as object)).not.toEqual(expect.arrayContaining(['time', 'subject']));
});

it('a gap says from where to where, and why', () => {
  const [plain, event] = (['plain', 'cloudevents'] as const).map((format) =>
    gapMessage(gap, { epoch: 'f', offset: 9 }, format),
  );
  expect(plain?.body).toBe('{"gap":{"from":"e:3","to":"f:9","reason":"retention"}}');
  expect(plain?.id).toBe('gap:e:3-f:9');
  expect(JSON.parse(event?.body ?? '')).toMatchObject({ type: 'qmp-gateway.gap', data: { to: 'f:9' } });
});

describe('the example of the documentation that verifies a signature', () => {
  const page = readFileSync('docs/WEBHOOKS.md', 'utf8');
  const example = (language: string): string =>
    new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(page)?.[1] ?? 'not there';
  const secret = 'a key of many letters';
  const now = Math.floor(Date.now() / 1_000);
  const CASES: [string, string, string, boolean][] = [
    ['a good one', sign(secret, now, '{"ü":1}'), '{"ü":1}', true],
    ['another body', sign(secret, now, '{}'), '{"ü":1}', false],
    ['another key', sign('another key of letters', now, '{}'), '{}', false],
    ['an old one', sign(secret, now - 600, '{}'), '{}', false],
    ['none', '', '{}', false],
  ];

  it.each(CASES)('in JavaScript: %s', (_what, header, body, isGood) => {
    const code = `${example('js')}\nconsole.log(isSigned(Buffer.from(process.argv[1]), process.argv[2], process.argv[3]))`;
    const said = execFileSync('node', ['--input-type=module', '-e', code, body, header, secret], { encoding: 'utf8' });
    expect(said.trim()).toBe(String(isGood));
  });

  it.each(CASES)('in Python: %s', (_what, header, body, isGood) => {
    const code = `${example('python')}\nimport sys\nprint(is_signed(sys.argv[1].encode(), sys.argv[2], sys.argv[3]))`;
    const said = execFileSync('python3', ['-c', code, body, header, secret], { encoding: 'utf8' });
    expect(said.trim()).toBe(isGood ? 'True' : 'False');
  });
});
