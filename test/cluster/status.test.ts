// What members answer to the question how they are, which may come from any version.
import { describe, expect, it } from 'vitest';
import { parseMember } from '../../src/cluster/status.js';

const OWNER = {
  ...{ v: 1, member: 'rack1:17', role: 'owner', version: '0.2.0', pid: 17, since: '2026-11-29T08:00:00Z' },
  sources: [{ name: 'vm1', state: 'up', waitingBytes: 0 }],
  edge: null,
};
const WEBHOOK = { name: 'tickets', isPosting: true, lagSeconds: 1.5 };
const EDGE = {
  ...{ ...OWNER, role: 'edge', sources: [] },
  edge: { head: 4097, lagMs: 3, connections: 2, url: 'http://e/', webhooks: [WEBHOOK] },
};

describe('an answer', () => {
  it.each([OWNER, EDGE, { ...EDGE, role: 'both', sources: OWNER.sources }])('of $role is read as it is', (said) => {
    expect(parseMember(JSON.stringify(said))).toEqual(said);
  });

  it('of a newer version is read without what is new in it', () => {
    expect(parseMember(JSON.stringify({ ...EDGE, mood: 'fine', edge: { ...EDGE.edge, mood: 'fine' } }))).toEqual(EDGE);
  });

  it.each(['', '{', 'null', '7', '[]', '{}', '{"v":2,"member":"a","role":"edge"}', '{"v":1,"member":"a","role":"x"}'])(
    'that is %j is none',
    (text) => {
      expect(parseMember(text)).toBeUndefined();
    },
  );

  it('without its lists is one of a member that has nothing, and a wrong member of one does not hide the rest', () => {
    expect(parseMember('{"v":1,"member":"a","role":"edge"}')).toMatchObject({ sources: [], edge: null });
    expect(parseMember('{"v":1,"member":"a","role":"owner","sources":[null]}')?.sources).toHaveLength(1);
    expect(parseMember('{"v":1,"member":"a","role":"edge","edge":{"head":1}}')?.edge?.webhooks).toEqual([]);
    expect(parseMember('{"v":1,"member":"a","role":"edge","edge":{"webhooks":[null]}}')?.edge?.webhooks).toHaveLength(
      1,
    );
  });
});
