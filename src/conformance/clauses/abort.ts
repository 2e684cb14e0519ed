// Aborts, on a job that may be stopped.
import { compareCursors, parseCursor } from '../../protocol/cursor.js';
import type { Settled } from '../../protocol/methods.js';
import type { Entry } from '../../protocol/types.js';
import { type Aborted, aborted, REFUSALS, target } from '../aborted.js';
import type { Clause } from '../clause.js';
import { brief } from '../connection.js';
import { sameEntries } from '../streams.js';
import { ClauseFailed, check, NotTried, need } from '../verdict.js';

const resultOf = ({ settled }: Aborted): Settled => {
  if (settled.error) throw new ClauseFailed(`the synchronous abort was answered with ${brief(settled.error)}`);
  return settled.result as Settled;
};
const ofRun = (entries: readonly Entry[], { job }: Aborted): Entry[] =>
  entries.filter((entry) => entry.job?.run === job.run);
const FLAG = { flag: '--abort' } as const;

export const ABORT: readonly Clause[] = [
  {
    // A server that carried it out would stop the job: it must be one that may be stopped.
    id: 'dry-run',
    section: 'Dry run',
    sentence: 'no command and no query is written to QEMU, and the log has no entry',
    needs: FLAG,
    async run(server) {
      need(server.has('dryRun'), 'needs the feature dryRun');
      const connection = await server.connect();
      const { source, job } = target(server);
      const { subscription } = await connection.call('subscribe', {
        sources: [source],
        jobs: [job],
        types: ['GATEWAY_COMMAND*'],
        snapshot: false,
      });
      const { result, error } = await connection.ask('job.abort', { source, job, dryRun: true });
      const reason = error?.data?.reason ?? '';
      need(!error || ![...REFUSALS, 'JOB_NOT_FOUND'].includes(reason), `an abort would be refused: ${reason}`);
      check((result as { status?: string } | undefined)?.status === 'dryRun', () => `got ${brief(result ?? error)}`);
      await connection.quiet();
      const [entry] = connection.events(subscription).filter((each) => each.job);
      check(!entry, () => `the log has ${brief(entry)}`);
    },
  },
  {
    id: 'abort.unknown',
    section: 'Errors',
    sentence: 'no live job of that id, after a fresh query',
    needs: FLAG,
    async run(server) {
      const connection = await server.connect();
      const { source } = target(server);
      await connection.refused('JOB_NOT_FOUND', 'job.abort', { source, job: 'conformance-nobody' });
    },
  },
  {
    id: 'abort.stale',
    section: 'job.abort',
    sentence: 'With another run than the present one: STALE_RUN, and nothing is sent.',
    needs: FLAG,
    async run(server) {
      const all = await aborted(server);
      const { data } = all.stale.error ?? {};
      check(data?.reason === 'STALE_RUN' && data.run === all.job.run, () => `got ${brief(all.stale)}`);
    },
  },
  {
    id: 'abort.async',
    section: 'job.abort',
    sentence: 'once QEMU has accepted. Every consequence lies after cursor.',
    needs: FLAG,
    async run(server) {
      const all = await aborted(server);
      const { result, error } = all.requested;
      check(!error, () => `the asynchronous abort was answered with ${brief(error)}`);
      const { status, cursor } = result as Settled;
      if ((status as string) !== 'requested') throw new NotTried('the run ended before QEMU answered');
      const position = parseCursor(cursor)?.offset ?? 0;
      const ends = /^(BLOCK_JOB_(CANCELLED|COMPLETED)|GATEWAY_JOB_SETTLED)$/;
      const early = ofRun(all.caller, all).find(({ type, offset }) => ends.test(type) && offset <= position);
      check(!early, () => `${brief(early)} is not after ${cursor}`);
    },
  },
  {
    id: 'abort.shared',
    section: 'job.abort',
    sentence: 'Concurrent aborts of one run share one command and one outcome',
    needs: FLAG,
    async run(server) {
      const all = await aborted(server);
      const commands = ofRun(all.caller, all).filter(({ type }) => type === 'GATEWAY_COMMAND');
      check(commands.length === 1, `${commands.length} commands were written for two aborts`);
    },
  },
  {
    id: 'abort.sync-order',
    section: 'Guarantees',
    sentence:
      "On one connection, before the result of a synchronous abort every matching subscription has been sent all up to the result's cursor",
    needs: FLAG,
    async run(server) {
      const all = await aborted(server);
      const { cursor, status } = resultOf(all);
      check(status === 'settled', () => `the status is ${status}`);
      const position = parseCursor(cursor)?.offset ?? 0;
      const isDue = ({ offset }: Entry): boolean => offset > all.since && offset <= position;
      const due = all.watcher.filter(isDue);
      check(
        due.some(({ type, offset }) => type === 'GATEWAY_JOB_SETTLED' && offset === position),
        () => `there is no settlement at the result's cursor ${cursor}`,
      );
      sameEntries(due, all.callerBefore.filter(isDue));
    },
  },
  {
    id: 'abort.outcome',
    section: 'job.abort',
    sentence: 'It is what happened, not what was requested.',
    needs: FLAG,
    async run(server) {
      const all = await aborted(server);
      const result = resultOf(all);
      const settled = ofRun(all.watcher, all).find(({ type }) => type === 'GATEWAY_JOB_SETTLED');
      const data = (settled?.data ?? {}) as Record<string, unknown>;
      for (const member of [
        'outcome',
        'provenance',
        'pivoted',
        'pivotProof',
        'forced',
        'escalated',
        'dismissed',
      ] as const)
        check(
          data[member] === result[member],
          () => `${member}: ${brief(result[member])}, the event has ${brief(data[member])}`,
        );
    },
  },
  {
    id: 'abort.cancelled-event',
    section: 'Guarantees',
    sentence: 'BLOCK_JOB_CANCELLED is published whenever QEMU raises it, whatever the mode of the abort',
    needs: FLAG,
    async run(server) {
      const all = await aborted(server);
      if (resultOf(all).outcome !== 'cancelled') throw new NotTried(`the job ended ${resultOf(all).outcome}`);
      for (const entries of [all.caller, all.watcher])
        check(
          ofRun(entries, all).some(({ type }) => type === 'BLOCK_JOB_CANCELLED'),
          'a subscriber lacks BLOCK_JOB_CANCELLED',
        );
    },
  },
  {
    id: 'abort.settled-once',
    section: 'Events',
    sentence: 'exactly once for each run',
    needs: FLAG,
    async run(server) {
      const all = await aborted(server);
      for (const entries of [all.caller, all.watcher, all.resumed]) {
        const count = ofRun(entries, all).filter(({ type }) => type === 'GATEWAY_JOB_SETTLED').length;
        check(count === 1, `a subscriber was sent ${count} settlements of the run`);
      }
    },
  },
  {
    id: 'abort.settled-again',
    section: 'job.abort',
    sentence: 'With the run of a settled run: its settlement again.',
    needs: FLAG,
    async run(server) {
      const all = await aborted(server);
      const again = all.again.result as Settled | undefined;
      const { outcome, cursor } = resultOf(all);
      check(again?.outcome === outcome && compareCursors(again.cursor, cursor) === 0, () => `got ${brief(all.again)}`);
    },
  },
  {
    id: 'abort.resumed',
    section: 'Guarantees',
    sentence: 'A subscription sees each matching entry exactly once, in order, across reconnects, or a reset.',
    needs: FLAG,
    async run(server) {
      const all = await aborted(server);
      const last = Math.min(all.watcher.at(-1)?.offset ?? 0, all.resumed.at(-1)?.offset ?? 0);
      const upTo = (entries: readonly Entry[]): Entry[] =>
        entries.filter(({ offset }) => offset > all.since && offset <= last);
      check(last >= (parseCursor(resultOf(all).cursor)?.offset ?? 0), 'the resumed stream lacks the settlement');
      sameEntries(upTo(all.watcher), upTo(all.resumed));
    },
  },
];
