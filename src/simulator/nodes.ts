// Block nodes, and the commands that start jobs on them. Any node name is accepted.
import { type ErrorAction, fail, type JobSpec, type Reply, type Traits } from './model.js';
import type { Arguments, Parameters } from './parameters.js';

/** How jobs on a node behave; with `missing` QEMU does not know the node. */
export type NodeTraits = Partial<Traits> & { missing?: boolean };
export type Nodes = ReadonlyMap<string, NodeTraits>;

const ACTIONS: readonly ErrorAction[] = ['report', 'ignore', 'enospc', 'stop'];
const COMMON: Parameters = { 'speed?': 'int', 'auto-finalize?': 'bool', 'auto-dismiss?': 'bool' };

/** The commands that start a job, with the parameters that QEMU 7.2 declares. */
export const STARTERS: Readonly<Record<string, Parameters>> = {
  'blockdev-mirror': {
    'job-id?': 'str',
    device: 'str',
    target: 'str',
    'replaces?': 'str',
    sync: ['top', 'full', 'none', 'incremental', 'bitmap'],
    'granularity?': 'int',
    'buf-size?': 'int',
    'on-source-error?': ACTIONS,
    'on-target-error?': ACTIONS,
    'filter-node-name?': 'str',
    'copy-mode?': ['background', 'write-blocking'],
    ...COMMON,
  },
  'blockdev-backup': {
    'job-id?': 'str',
    device: 'str',
    target: 'str',
    sync: ['top', 'full', 'none', 'incremental', 'bitmap'],
    'bitmap?': 'str',
    'bitmap-mode?': ['on-success', 'never', 'always'],
    'compress?': 'bool',
    'on-source-error?': ACTIONS,
    'on-target-error?': ACTIONS,
    'filter-node-name?': 'str',
    'x-perf?': 'object',
    ...COMMON,
  },
  'block-stream': {
    'job-id?': 'str',
    device: 'str',
    'base?': 'str',
    'base-node?': 'str',
    'backing-file?': 'str',
    'bottom?': 'str',
    'on-error?': ACTIONS,
    'filter-node-name?': 'str',
    ...COMMON,
  },
  'block-commit': {
    'job-id?': 'str',
    device: 'str',
    'base-node?': 'str',
    'base?': 'str',
    'top-node?': 'str',
    'top?': 'str',
    'backing-file?': 'str',
    'on-error?': ACTIONS,
    'filter-node-name?': 'str',
    ...COMMON,
  },
  'blockdev-create': { 'job-id': 'str', options: 'object' },
};

const TYPES = {
  'blockdev-mirror': 'mirror',
  'blockdev-backup': 'backup',
  'block-stream': 'stream',
  'block-commit': 'commit',
  'blockdev-create': 'create',
} as const;

/** The job that a command would start. A commit without `top-node` or `top` is one of the active layer. */
export function jobOf(command: string, values: Arguments, nodes: Nodes): JobSpec | Reply {
  const type = TYPES[command as keyof typeof TYPES];
  const id = values.string('job-id') ?? '';
  if (type === 'create') return { id, type, len: 1, ...nodes.get(id) };
  const names = ['device', 'target', 'base-node', 'top-node'].flatMap((name) => values.string(name) ?? []);
  const missing = names.find((name) => nodes.get(name)?.missing);
  if (missing !== undefined) return fail(`Cannot find device='${missing}' nor node-name='${missing}'`);
  if (type === 'mirror' && names[0] === names[1]) return fail("Can't mirror node into itself");
  const traits: Partial<Traits> = Object.assign({}, ...names.map((name) => nodes.get(name) ?? {}));
  const side = traits.operation === 'read' ? 'on-source-error' : 'on-target-error';
  const errorAction = values.string('on-error') ?? values.string(side);
  return {
    ...traits,
    id,
    type,
    ...(type === 'commit' ? { active: !values.has('top-node') && !values.has('top') } : {}),
    speed: values.int('speed') ?? 0,
    autoFinalize: values.boolean('auto-finalize') ?? true,
    autoDismiss: values.boolean('auto-dismiss') ?? true,
    ...(errorAction === undefined ? {} : { errorAction: errorAction as ErrorAction }),
  };
}
