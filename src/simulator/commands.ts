// The QMP commands of the simulator: a request of a negotiated client becomes an input of the state machine, or an immediate reply.
import { DONE, fail, type JobSpec, type Reply } from './model.js';
import { jobOf, type Nodes, STARTERS } from './nodes.js';
import { type Arguments, checkParameters, type Parameters } from './parameters.js';
import type { Input } from './step.js';

export interface Version {
  major: number;
  minor: number;
  micro: number;
}

export interface Context {
  version: Version;
  versionPackage: string;
  legacy: boolean;
  nodes: Nodes;
}

export type Interpreted = { input: Input } | { reply: Reply };

interface Command {
  parameters: Parameters;
  /** Commands that QEMU before 3.0 lacks. */
  modern?: true;
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
    'query-jobs': { parameters: {}, modern: true, run: () => ({ input: { kind: 'query-jobs' } }) },
    'query-block-jobs': { parameters: {}, run: (_, { version }) => ({ input: { kind: 'query-block-jobs', version } }) },
    'x-debug-query-block-graph': {
      parameters: {},
      modern: true,
      run: () => ({ input: { kind: 'query-block-graph' } }),
    },
    quit: { parameters: {}, run: () => ({ input: { kind: 'quit' } }) },
    'block-job-set-speed': {
      parameters: { device: 'str', speed: 'int' },
      run: (values) => ({
        input: { kind: 'set-speed', id: values.string('device') ?? '', speed: values.int('speed') ?? 0 },
      }),
    },
    'block-job-cancel': {
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
      modern: true,
      run: (values) => ({ input: { kind: 'verb', verb, id: values.string('id') ?? '', block: false } }),
    };
    if (verb === 'cancel') continue;
    const named = verb === 'finalize' || verb === 'dismiss' ? 'id' : 'device';
    commands[`block-job-${verb}`] = {
      parameters: { [named]: 'str' },
      ...(named === 'id' ? { modern: true as const } : {}),
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

const names = ({ legacy }: Context): string[] =>
  ['qmp_capabilities', ...Object.keys(COMMANDS)].filter((name) => !(legacy && COMMANDS[name]?.modern));

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
  if (!command || (context.legacy && command.modern)) {
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
