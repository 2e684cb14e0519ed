// The QMP commands of the simulator: a request of a negotiated client becomes an input of the state machine, or an immediate reply.

import { type Lack, type Lacks, raisedBy, type Version } from './lacks.js';
import { DONE, fail, type JobSpec, type Reply } from './model.js';
import { jobOf, type Nodes, STARTERS } from './nodes.js';
import { type Arguments, checkParameters, type Parameters } from './parameters.js';
import type { Input } from './step.js';

export interface Context {
  version: Version;
  versionPackage: string;
  lacks: Lacks;
  nodes: Nodes;
}

/** `untilGone`: the reply is given when that job is gone, and until then nothing else is executed. */
export type Interpreted = { input: Input; untilGone?: string } | { reply: Reply };

interface Command {
  parameters: Parameters;
  /** A QEMU that lacks this does not have the command. */
  lackedBy?: Lack;
  /** Another name, of a QEMU that lacks asynchronous cancels, which has only this one. */
  oldName?: true;
  run(values: Arguments, context: Context): Interpreted;
}

const JOB_VERBS = ['cancel', 'pause', 'resume', 'complete', 'finalize', 'dismiss'] as const;

function table(): Record<string, Command> {
  const commands: Record<string, Command> = {
    'query-version': { parameters: {}, run: (_, context) => ({ reply: { ok: true, value: versionInfo(context) } }) },
    'query-commands': {
      parameters: {},
      run: (_, context) => ({ reply: { ok: true, value: names(context).map((name) => ({ name })) } }),
    },
    'query-events': {
      parameters: {},
      lackedBy: 'query-events',
      run: (_, { lacks }) => ({ reply: { ok: true, value: raisedBy(lacks).map((name) => ({ name })) } }),
    },
    'query-jobs': { parameters: {}, lackedBy: 'query-jobs', run: () => ({ input: { kind: 'query-jobs' } }) },
    'query-block-jobs': { parameters: {}, run: (_, { version }) => ({ input: { kind: 'query-block-jobs', version } }) },
    'x-debug-query-block-graph': {
      parameters: {},
      lackedBy: 'query-jobs',
      run: () => ({ input: { kind: 'query-block-graph' } }),
    },
    quit: { parameters: {}, run: () => ({ input: { kind: 'quit' } }) },
    block_job_set_speed: {
      parameters: { device: 'str', value: 'int' },
      oldName: true,
      run: (values) => ({
        input: { kind: 'set-speed', id: values.string('device') ?? '', speed: values.int('value') ?? 0 },
      }),
    },
    block_job_cancel: {
      parameters: { device: 'str' },
      oldName: true,
      run: (values) => {
        const id = values.string('device') ?? '';
        return { input: { kind: 'verb', verb: 'cancel', id, block: true, soft: true }, untilGone: id };
      },
    },
    'block-job-set-speed': {
      lackedBy: 'async-cancel',
      parameters: { device: 'str', speed: 'int' },
      run: (values) => ({
        input: { kind: 'set-speed', id: values.string('device') ?? '', speed: values.int('speed') ?? 0 },
      }),
    },
    'block-job-cancel': {
      lackedBy: 'async-cancel',
      parameters: { device: 'str', 'force?': 'bool' },
      run: (values) => ({
        input: {
          kind: 'verb',
          verb: 'cancel',
          id: values.string('device') ?? '',
          block: true,
          soft: !values.boolean('force'),
        },
      }),
    },
    transaction: {
      parameters: { actions: 'list', 'properties?': 'object' },
      run: (values, context) => transaction(values, context),
    },
  };
  for (const verb of JOB_VERBS) {
    commands[`job-${verb}`] = {
      parameters: { id: 'str' },
      lackedBy: 'query-jobs',
      run: (values) => ({ input: { kind: 'verb', verb, id: values.string('id') ?? '', block: false } }),
    };
    if (verb === 'cancel') continue;
    const named = verb === 'finalize' || verb === 'dismiss' ? 'id' : 'device';
    commands[`block-job-${verb}`] = {
      parameters: { [named]: 'str' },
      lackedBy: named === 'id' ? 'query-jobs' : 'async-cancel',
      run: (values) => ({ input: { kind: 'verb', verb, id: values.string(named) ?? '', block: true } }),
    };
  }
  for (const [name, parameters] of Object.entries(STARTERS)) {
    commands[name] = {
      parameters,
      run: (values, { nodes }) => ({ input: { kind: 'start', jobs: [jobOf(name, values, nodes)], grouped: false } }),
    };
  }
  return commands;
}

const COMMANDS = table();

/** A recent QEMU lacks query-events too. */
function isMissing(name: string, { lackedBy, oldName }: Command, { lacks }: Context): boolean {
  if (oldName) return !lacks.has('async-cancel');
  if (name === 'query-events' && lacks.size === 0) return true;
  return lackedBy !== undefined && lacks.has(lackedBy);
}

const names = (context: Context): string[] => [
  'qmp_capabilities',
  ...Object.entries(COMMANDS).flatMap(([name, command]) => (isMissing(name, command, context) ? [] : [name])),
];

export function versionInfo({ version, versionPackage }: Context): Record<string, unknown> {
  const { micro, minor, major } = version;
  return { qemu: { micro, minor, major }, package: versionPackage };
}

/** `qmp_capabilities` is handled in conversation.ts; here it is an unknown command, as in QEMU after negotiation. Never throws. */
export function interpret(
  execute: string,
  oob: boolean,
  given: Record<string, unknown>,
  context: Context,
): Interpreted {
  const command = Object.hasOwn(COMMANDS, execute) ? COMMANDS[execute] : undefined;
  if (!command || isMissing(execute, command, context)) {
    return { reply: fail(`The command ${execute} has not been found`, 'CommandNotFound') };
  }
  if (oob) return { reply: fail(`The command ${execute} does not support OOB`) };
  const checked = checkParameters(command.parameters, given);
  return checked.ok ? command.run(checked.values, context) : { reply: checked };
}

/** All actions are checked before the first one is prepared; then each is prepared in order, until one is refused. */
function transaction(values: Arguments, { nodes }: Context): Interpreted {
  const mode = values.object('properties')['completion-mode'] ?? 'individual';
  if (mode !== 'individual' && mode !== 'grouped') {
    return { reply: fail(`Parameter 'completion-mode' does not accept value '${String(mode)}'`) };
  }
  const jobs: (JobSpec | Reply)[] = [];
  for (const action of values.list('actions')) {
    const { type, data } = checkParameters({ type: 'str', data: 'object' }, action as Record<string, unknown>).ok
      ? (action as { type: string; data: Record<string, unknown> })
      : { type: 'malformed', data: {} };
    if (type === 'abort') {
      jobs.push(fail('Transaction aborted using Abort action'));
      continue;
    }
    const parameters = type === 'blockdev-backup' ? STARTERS[type] : undefined;
    if (!parameters) return { reply: fail(`Parameter 'type' does not accept value '${type}'`) };
    const checked = checkParameters(parameters, data);
    if (!checked.ok) return { reply: checked };
    jobs.push(jobOf(type, checked.values, nodes));
  }
  if (jobs.length === 0) return { reply: DONE };
  return { input: { kind: 'start', jobs, grouped: mode === 'grouped' } };
}
