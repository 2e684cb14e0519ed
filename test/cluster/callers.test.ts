// Who calls, as an owner knows it: an edge that was taken can pass on a JWT, and no other name and no other scopes than it has.
import { beforeEach, describe, expect, it } from 'vitest';
import { AccessPolicy, ALL_GRANTS, type CallContext, type Principal } from '../../src/access/index.js';
import { commandsByOwners } from '../../src/cluster/command-client.js';
import { CommandServer } from '../../src/cluster/command-server.js';
import { Owners } from '../../src/cluster/owners.js';
import { Requests } from '../../src/cluster/requests.js';
import type { CommandRequest } from '../../src/cluster/words.js';
import type { CommandPort } from '../../src/gateway/index.js';
import { subjectsOf } from '../../src/nats/subjects.js';
import { FakeClock } from '../support/fake-clock.js';
import { FOREIGN, issueJwt, JWT_SETTINGS } from '../support/jwt.js';
import { MemoryBus } from '../support/memory-bus.js';

const subjects = subjectsOf('qmp');

let clock: FakeClock;
let bus: MemoryBus;
/** Who may have what carried out, and was let through to the source. */
let done: string[];
let requests: Requests;

beforeEach(() => {
  clock = new FakeClock();
  bus = new MemoryBus();
  done = [];
  requests = new Requests();
});

const carryOut =
  (method: string) =>
  async ({ principal }: CallContext, params: { source: string; job: string }) => {
    done.push(`${method} ${params.source} by ${principal.name}`);
    return { ok: true as const, result: { status: 'requested', ...params, run: 'r:1', cursor: 'e:1' } };
  };

/** An owner of vm1 and vm2. */
function own({ jwt = true, requiresJwt = false } = {}): void {
  const policy = new AccessPolicy(jwt ? { jwt: JWT_SETTINGS } : {}, clock);
  const commands = Object.fromEntries(['job.abort', 'job.get'].map((method) => [method, carryOut(method)]));
  const server = new CommandServer({
    ...{ bus, subjects, clock, commands: commands as unknown as CommandPort },
    view: { freshen: () => undefined },
    cursorOf: () => 'e:1',
    requestsOf: () => requests,
    callers: { verify: (token) => policy.verify(token), requiresJwt },
  });
  for (const source of ['vm1', 'vm2']) server.serve(source);
}

/** What a client gets, and what was carried out. */
async function call(principal: Principal, method: 'job.abort' | 'job.get', source: string): Promise<unknown> {
  const edge = commandsByOwners({
    ...{ bus, subjects, clock, owners: new Owners(bus, subjects, clock, 10_000), graceMs: 250 },
    sourceOf: (name) => ({ name, state: 'up', since: '' }),
    reached: () => Promise.resolve(),
  });
  const signal = new AbortController().signal;
  const now = clock.now();
  const context: CallContext = { principal, address: undefined, receivedAt: now, deadline: now + 1_000, signal };
  const answer = await edge[method](context, { source, job: 'drive0' });
  return answer.ok ? 'ok' : answer.error.reason;
}

/** As an edge knows who comes with that token. */
async function principalOf(token: string): Promise<Principal> {
  const answer = await new AccessPolicy({ jwt: JWT_SETTINGS }, clock).verify(token);
  if (!answer?.ok) throw new Error('the edge refuses the token');
  return answer.result;
}

const ann = async (): Promise<Principal> => principalOf(await issueJwt(clock.date(), 'ann', { control: ['vm1'] }));
const forged = (changes: Partial<CommandRequest>) => (body: unknown) => ({ ...(body as object), ...changes });

describe('a caller with a JWT', () => {
  it('may do at the owner what the token grants', async () => {
    own();
    expect(await call(await ann(), 'job.abort', 'vm1')).toBe('ok');
    expect(done).toEqual(['job.abort vm1 by ann']);
  });

  it('may not do more, whatever the edge lets through', async () => {
    own();
    const generous = { ...(await ann()), grants: ALL_GRANTS };
    expect(await call(generous, 'job.abort', 'vm2')).toBe('SOURCE_NOT_FOUND');
    const reader = await principalOf(await issueJwt(clock.date(), 'bob', { read: ['vm*'] }));
    expect(await call({ ...reader, grants: ALL_GRANTS }, 'job.abort', 'vm2')).toBe('FORBIDDEN');
    expect(done).toEqual([]);
    expect(await call(reader, 'job.get', 'vm2')).toBe('ok');
  });

  it('is not taken for another, whom the edge names', async () => {
    own();
    bus.forge = forged({ by: 'root' });
    expect(await call(await ann(), 'job.abort', 'vm1')).toBe('UNAUTHENTICATED');
    expect(done).toEqual([]);
  });

  it.each<[string, Parameters<typeof issueJwt>[3]]>([
    ['that the edge has made', { key: FOREIGN }],
    ['of another issuer', { iss: 'https://evil.example' }],
    ['for another audience', { aud: 'another' }],
    ['that has expired', { exp: 1 }],
  ])('%s is refused', async (_what, changes) => {
    own();
    bus.forge = forged({ token: await issueJwt(clock.date(), 'ann', { control: ['*'] }, changes) });
    expect(await call(await ann(), 'job.abort', 'vm1')).toBe('UNAUTHENTICATED');
    expect(done).toEqual([]);
  });

  it('whose token has ended since another owner has sent the command is not told that nothing was done', async () => {
    own();
    bus.forge = forged({ id: 'known', token: await issueJwt(clock.date(), 'ann', { control: ['*'] }, { exp: 1 }) });
    const job = { id: 'drive0', run: 'r:1' };
    const data = { command: 'c1', verb: 'abort', by: 'ann', args: {}, request: 'known' };
    requests.entry({ type: 'GATEWAY_COMMAND', job, data }, clock.date(), 'e:1');
    expect(await call(await ann(), 'job.abort', 'vm1')).toBe('OUTCOME_UNKNOWN');
    expect(done).toEqual([]);
  });

  it('is as the edge says where the owner has no keys of an issuer', async () => {
    own({ jwt: false });
    bus.forge = forged({ by: 'root' });
    expect(await call(await ann(), 'job.abort', 'vm2')).toBe('ok');
    expect(done).toEqual(['job.abort vm2 by root']);
  });
});

describe('a caller without a JWT', () => {
  const backup: Principal = { name: 'backup', grants: ALL_GRANTS, expiresAt: null };

  it('is as the edge says', async () => {
    own();
    expect(await call(backup, 'job.abort', 'vm2')).toBe('ok');
    expect(bus.requests).toEqual([expect.not.objectContaining({ token: expect.anything() })]);
    expect(done).toEqual(['job.abort vm2 by backup']);
  });

  it('is refused by an owner that requires one, where the edge has left it away too', async () => {
    own({ requiresJwt: true });
    expect(await call(backup, 'job.abort', 'vm2')).toBe('UNAUTHENTICATED');
    bus.forge = forged({ token: undefined as never });
    expect(await call(await ann(), 'job.abort', 'vm1')).toBe('UNAUTHENTICATED');
    bus.forge = (body) => body;
    expect(done).toEqual([]);
    expect(await call(await ann(), 'job.abort', 'vm1')).toBe('ok');
  });
});
