// Scenarios: commands to a QEMU and the exact lines of its answers, recorded from qemu-storage-daemon 7.2.22.

export interface Driver {
  /** Sends a command and waits for its reply. */
  x(command: string, args?: unknown): Promise<void>;
  /** Waits until a line has come since the scenario began. */
  until(line: string): Promise<void>;
  /** Waits until a rate-limited job has copied its first chunk and sleeps. What that takes is no line. */
  asleep(id: string): Promise<void>;
  /** A folder that the QEMU can write to. */
  folder: string;
  /** Raw text. */
  send(text: string): void;
}

export interface Scenario {
  name: string;
  run(driver: Driver): Promise<void>;
  lines: readonly string[];
  /** Leaves the blips through paused out: another start may or may not have caught the job. */
  withoutBlips?: true;
  /** Where the returns stand among the events is a matter of chance, as it is with work that takes no time. */
  returnAnywhere?: true;
  /** QEMU 10 raises the same events in another order, and drains more often. */
  orderOf7?: true;
  /** Wants the chain of overlays. */
  chain?: true;
}

type Args = Record<string, unknown>;
const on = (args: Args): Args => ({ 'job-id': 'j', device: 'src', target: 'tgt', sync: 'full', ...args });
const mirror = (driver: Driver, args: Args = {}): Promise<void> => driver.x('blockdev-mirror', on(args));
const backup = (driver: Driver, args: Args = {}): Promise<void> => driver.x('blockdev-backup', on(args));
const soft = (driver: Driver): Promise<void> => driver.x('block-job-cancel', { device: 'j' });
const group = (actions: Args[], mode: string): Args => ({
  actions: actions.map((data) => ({ type: 'blockdev-backup', data })),
  properties: { 'completion-mode': mode },
});
const a = (args: Args = {}): Args => on({ 'job-id': 'a', ...args });
const b = (args: Args = {}): Args => on({ 'job-id': 'b', device: 'src2', target: 'tgt2', ...args });

const BEGUN = ['j created', 'j running', 'return'];
const BLIPPED = ['j created', 'j running', 'j paused', 'j running', 'return'];
const READY = ['j ready', 'READY j mirror full'];
const WELL = ['j waiting', 'j pending', 'COMPLETED j mirror full', 'j concluded', 'j null'];
const AWAY = ['j aborting', 'CANCELLED j mirror', 'j concluded', 'j null'];
const BOTH_BEGUN = [
  'a created',
  'b created',
  'a running',
  'a paused',
  'b running',
  'b paused',
  'a running',
  'b running',
  'return',
];
const BOTH_AWAY = ['b', 'a'].flatMap((id) => [
  `${id} aborting`,
  `CANCELLED ${id} backup`,
  `${id} concluded`,
  `${id} null`,
]);
const verbRefused = (status: string, verb: string): string =>
  `GenericError: Job 'j' in state '${status}' cannot accept command verb '${verb}'`;

async function readyMirror(driver: Driver, args: Args = {}): Promise<void> {
  await mirror(driver, args);
  await driver.until('READY j mirror full');
}

/** Which of two quick members is done first is not defined: b sleeps until a waits. */
async function letFinish(driver: Driver): Promise<void> {
  await driver.until('a waiting');
  await driver.asleep('b');
  await driver.x('block-job-set-speed', { device: 'b', speed: 0 });
}

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'a mirror is READY, and completes after the return of job-complete',
    async run(d) {
      await readyMirror(d);
      await d.x('query-block-jobs');
      await d.x('query-jobs');
      await d.x('job-complete', { id: 'j' });
      await d.until('j null');
    },
    lines: [...BEGUN, ...READY, '[j mirror ready ready ok]', '[j mirror ready]', 'return', ...WELL],
  },
  {
    name: 'a soft cancel of a READY mirror is COMPLETED',
    async run(d) {
      await readyMirror(d);
      await soft(d);
      await d.until('j null');
    },
    lines: [...BEGUN, ...READY, 'return', ...WELL],
  },
  {
    name: 'a forced cancel of a READY mirror is CANCELLED',
    async run(d) {
      await readyMirror(d);
      await d.x('block-job-cancel', { device: 'j', force: true });
      await d.until('j null');
    },
    lines: [...BEGUN, ...READY, 'return', ...AWAY],
  },
  {
    name: 'job-cancel always forces',
    async run(d) {
      await readyMirror(d);
      await d.x('job-cancel', { id: 'j' });
      await d.until('j null');
    },
    lines: [...BEGUN, ...READY, 'return', ...AWAY],
  },
  {
    name: 'in standby a soft cancel is refused, a completion accepted and done after resume, without a second READY',
    async run(d) {
      await readyMirror(d);
      await d.x('job-pause', { id: 'j' });
      await d.x('job-pause', { id: 'j' });
      await d.x('query-block-jobs');
      await soft(d);
      await d.x('job-complete', { id: 'j' });
      await d.x('query-block-jobs');
      await d.x('job-resume', { id: 'j' });
      await d.until('j null');
    },
    lines: [
      ...BEGUN,
      ...READY,
      'j standby',
      'return',
      'GenericError: Job is already paused',
      '[j mirror standby paused ready ok]',
      "GenericError: The block job for device 'j' is currently paused",
      'return',
      '[j mirror standby paused ready ok]',
      'j ready',
      'return',
      ...WELL,
    ],
  },
  {
    name: 'a forced cancel in standby passes through ready',
    async run(d) {
      await readyMirror(d);
      await d.x('block-job-pause', { device: 'j' });
      await d.x('job-cancel', { id: 'j' });
      await d.until('j null');
    },
    lines: [...BEGUN, ...READY, 'j standby', 'return', 'j ready', 'return', ...AWAY],
  },
  {
    name: 'an accepted cancel waits for I/O in flight, and nothing shows it meanwhile',
    async run(d) {
      await mirror(d, { target: 'slow' });
      await soft(d);
      await d.x('query-jobs');
      await soft(d);
      await d.x('job-complete', { id: 'j' });
      await d.until('j null');
    },
    lines: [...BEGUN, 'return', '[j mirror running]', 'return', verbRefused('running', 'complete'), ...AWAY],
  },
  {
    name: 'a pause waits for I/O in flight',
    async run(d) {
      await mirror(d, { target: 'slow' });
      await d.x('job-pause', { id: 'j' });
      await d.x('query-block-jobs');
      await d.until('j paused');
      await d.x('block-job-pause', { device: 'j' });
      await soft(d);
      await d.x('job-complete', { id: 'j' });
      await d.x('job-cancel', { id: 'j' });
      await d.until('j null');
    },
    lines: [
      ...BEGUN,
      'return',
      '[j mirror running paused ok]',
      'j paused',
      'GenericError: Job is already paused',
      "GenericError: The block job for device 'j' is currently paused",
      verbRefused('paused', 'complete'),
      'j running',
      'return',
      ...AWAY,
    ],
  },
  {
    name: 'auto-finalize=false stands in pending, where only finalize and cancel are legal',
    async run(d) {
      await readyMirror(d, { 'auto-finalize': false });
      await d.x('job-complete', { id: 'j' });
      await d.until('PENDING j mirror');
      await d.x('query-block-jobs');
      for (const verb of ['pause', 'resume', 'complete', 'dismiss']) await d.x(`job-${verb}`, { id: 'j' });
      await d.x('block-job-set-speed', { device: 'j', speed: 1 });
      await d.x('job-finalize', { id: 'j' });
    },
    lines: [
      ...BEGUN,
      ...READY,
      'return',
      'j waiting',
      'j pending',
      'PENDING j mirror',
      '[j mirror pending paused ok]',
      verbRefused('pending', 'pause'),
      "GenericError: Can't resume a job that was not paused",
      verbRefused('pending', 'complete'),
      verbRefused('pending', 'dismiss'),
      verbRefused('pending', 'set-speed'),
      'COMPLETED j mirror full',
      'j concluded',
      'j null',
      'return',
    ],
  },
  {
    name: 'a cancel in pending is over before its return, a soft one too',
    async run(d) {
      await readyMirror(d, { 'auto-finalize': false });
      await d.x('job-complete', { id: 'j' });
      await d.until('PENDING j mirror');
      await soft(d);
    },
    lines: [...BEGUN, ...READY, 'return', 'j waiting', 'j pending', 'PENDING j mirror', ...AWAY, 'return'],
  },
  {
    name: 'auto-dismiss=false leaves a zombie that holds its id until dismissed',
    async run(d) {
      await readyMirror(d, { 'auto-dismiss': false });
      await d.x('job-cancel', { id: 'j' });
      await d.until('j concluded');
      await d.x('query-block-jobs');
      await d.x('query-jobs');
      for (const verb of ['cancel', 'pause', 'resume', 'complete', 'finalize']) await d.x(`job-${verb}`, { id: 'j' });
      await soft(d);
      await mirror(d);
      await d.x('block-job-dismiss', { id: 'j' });
      await d.x('query-jobs');
    },
    lines: [
      ...BEGUN,
      ...READY,
      'return',
      ...AWAY.slice(0, 3),
      '[j mirror concluded ok Operation canceled]',
      '[j mirror concluded Operation canceled]',
      verbRefused('concluded', 'cancel'),
      verbRefused('concluded', 'pause'),
      "GenericError: Can't resume a job that was not paused",
      verbRefused('concluded', 'complete'),
      verbRefused('concluded', 'finalize'),
      verbRefused('concluded', 'cancel'),
      "GenericError: Job ID 'j' already in use",
      'j null',
      'return',
      '[]',
    ],
  },
  {
    name: 'a backup blips through paused as it starts and completes by itself',
    async run(d) {
      await backup(d);
      await d.until('j null');
    },
    lines: [...BLIPPED, 'j waiting', 'j pending', 'COMPLETED j backup full', 'j concluded', 'j null'],
  },
  {
    name: 'three pipelined backups under one id are three lives',
    async run(d) {
      const text = JSON.stringify({ execute: 'blockdev-backup', arguments: on({}) });
      d.send(text + text);
      await d.x('blockdev-backup', on({}));
      await d.until('j null');
    },
    lines: [
      ...[1, 2, 3].flatMap(() => [
        'j created',
        'j running',
        'return',
        'j waiting',
        'j pending',
        'COMPLETED j backup full',
        'j concluded',
        'j null',
      ]),
    ],
    withoutBlips: true,
  },
  {
    name: 'the cancel of an idle backup is over before its return',
    async run(d) {
      await backup(d, { speed: 1 });
      await d.asleep('j');
      await d.x('job-complete', { id: 'j' });
      await soft(d);
    },
    lines: [
      ...BLIPPED,
      verbRefused('running', 'complete'),
      'j aborting',
      'CANCELLED j backup',
      'j concluded',
      'j null',
      'return',
    ],
  },
  {
    name: 'a paused backup refuses a soft cancel; a forced one is over before its return',
    async run(d) {
      await backup(d, { speed: 1 });
      await d.asleep('j');
      await d.x('job-pause', { id: 'j' });
      await soft(d);
      await d.x('job-cancel', { id: 'j' });
    },
    lines: [
      ...BLIPPED,
      'j paused',
      'return',
      "GenericError: The block job for device 'j' is currently paused",
      'j running',
      'j aborting',
      'CANCELLED j backup',
      'j concluded',
      'j null',
      'return',
    ],
  },
  {
    name: 'a pending backup is finalized before the return',
    async run(d) {
      await backup(d, { 'auto-finalize': false, 'auto-dismiss': false });
      await d.until('PENDING j backup');
      await d.x('query-block-jobs');
      await d.x('job-finalize', { id: 'j' });
      await d.x('query-jobs');
      await d.x('job-dismiss', { id: 'j' });
    },
    lines: [
      ...BLIPPED,
      'j waiting',
      'j pending',
      'PENDING j backup',
      '[j backup pending ok]',
      'COMPLETED j backup full',
      'j concluded',
      'return',
      '[j backup concluded]',
      'j null',
      'return',
    ],
  },
  {
    name: 'an I/O error with report is COMPLETED with the error',
    async run(d) {
      await backup(d, { target: 'bad', 'auto-dismiss': false });
      await d.until('j concluded');
      await d.x('query-block-jobs');
    },
    lines: [
      ...BLIPPED,
      'ERROR j write report',
      'j aborting',
      'COMPLETED j backup (Input/output error)',
      'j concluded',
      '[j backup concluded ok Input/output error]',
    ],
  },
  {
    name: 'an I/O error with ignore goes on, and io-status stays ok',
    async run(d) {
      await mirror(d, { target: 'bad', 'on-target-error': 'ignore' });
      await d.until('READY j mirror full');
      await d.x('query-block-jobs');
    },
    lines: [...BEGUN, 'ERROR j write ignore', ...READY, '[j mirror ready ready ok]'],
  },
  {
    name: 'an I/O error with stop pauses as a user would; resume retries',
    async run(d) {
      await backup(d, { target: 'bad', 'on-target-error': 'stop', 'auto-dismiss': false });
      await d.until('j paused');
      await d.until('ERROR j write stop');
      await d.x('query-block-jobs');
      await soft(d);
      await d.x('job-pause', { id: 'j' });
      await d.x('job-resume', { id: 'j' });
      await d.until('j concluded');
    },
    lines: [
      ...BLIPPED,
      'ERROR j write stop',
      'j paused',
      '[j backup paused paused failed]',
      "GenericError: The block job for device 'j' is currently paused",
      'GenericError: Job is already paused',
      'j running',
      'return',
      'j waiting',
      'j pending',
      'COMPLETED j backup full',
      'j concluded',
    ],
  },
  {
    name: 'enospc stops on a full disk; a forced cancel resets io-status',
    async run(d) {
      await mirror(d, { target: 'bad-nospace', 'on-target-error': 'enospc', 'auto-dismiss': false });
      await d.until('j paused');
      await d.x('query-block-jobs');
      await d.x('job-cancel', { id: 'j' });
      await d.until('j concluded');
      await d.x('query-block-jobs');
    },
    lines: [
      ...BEGUN,
      'ERROR j write stop',
      'j paused',
      '[j mirror paused paused nospace]',
      'j running',
      'return',
      'j aborting',
      'CANCELLED j mirror',
      'j concluded',
      '[j mirror concluded ok Operation canceled]',
    ],
  },
  {
    name: 'grouped backups wait for each other and end newest first',
    orderOf7: true,
    async run(d) {
      await d.x('transaction', group([a(), b({ 'auto-finalize': false, speed: 1 })], 'grouped'));
      await letFinish(d);
      await d.until('PENDING b backup');
      await d.until('a pending');
      await d.x('query-jobs');
      await d.x('job-finalize', { id: 'a' });
    },
    lines: [
      ...BOTH_BEGUN,
      'a waiting',
      'return',
      'b waiting',
      'b pending',
      'PENDING b backup',
      'a pending',
      '[b backup pending; a backup pending]',
      ...['b', 'a'].flatMap((id) => [`COMPLETED ${id} backup full`, `${id} concluded`, `${id} null`]),
      'return',
    ],
  },
  {
    name: 'individual backups of a transaction don’t know each other',
    orderOf7: true,
    async run(d) {
      await d.x('transaction', group([a({ speed: 1 }), b()], 'individual'));
      await d.until('b null');
      await d.x('query-jobs');
    },
    lines: [
      ...BOTH_BEGUN,
      'b waiting',
      'b pending',
      'COMPLETED b backup full',
      'b concluded',
      'b null',
      '[a backup running]',
    ],
  },
  {
    name: 'cancelling the waiting member of a group cancels the running one first',
    orderOf7: true,
    async run(d) {
      await d.x('transaction', group([a(), b({ speed: 1 })], 'grouped'));
      await d.until('a waiting');
      await d.asleep('b');
      await d.x('block-job-cancel', { device: 'a' });
    },
    lines: [...BOTH_BEGUN, 'a waiting', ...BOTH_AWAY, 'return'],
  },
  {
    name: 'cancelling a pending member of a group cancels all',
    orderOf7: true,
    async run(d) {
      await d.x(
        'transaction',
        group([a({ 'auto-finalize': false }), b({ 'auto-finalize': false, speed: 1 })], 'grouped'),
      );
      await letFinish(d);
      await d.until('PENDING a backup');
      await d.x('job-cancel', { id: 'b' });
    },
    lines: [
      ...BOTH_BEGUN,
      'a waiting',
      'return',
      'b waiting',
      'b pending',
      'PENDING b backup',
      'a pending',
      'PENDING a backup',
      ...BOTH_AWAY,
      'return',
    ],
  },
  {
    name: 'cancelling the older running member: it aborts first and ends last',
    orderOf7: true,
    async run(d) {
      await d.x('transaction', group([a({ speed: 1 }), b({ speed: 1 })], 'grouped'));
      await d.asleep('a');
      await d.asleep('b');
      await d.x('job-cancel', { id: 'a' });
    },
    lines: [
      ...BOTH_BEGUN,
      'a aborting',
      'b aborting',
      'CANCELLED b backup',
      'b concluded',
      'b null',
      'CANCELLED a backup',
      'a concluded',
      'a null',
      'return',
    ],
  },
  {
    name: 'a failing member of a group: COMPLETED with the error, the other CANCELLED',
    orderOf7: true,
    async run(d) {
      await d.x('transaction', group([a({ speed: 1 }), b({ target: 'bad' })], 'grouped'));
      await d.until('a null');
    },
    lines: [
      ...BOTH_BEGUN,
      'ERROR b write report',
      'b aborting',
      'COMPLETED b backup (Input/output error)',
      'b concluded',
      'b null',
      'a aborting',
      'CANCELLED a backup',
      'a concluded',
      'a null',
    ],
  },
  {
    name: 'a transaction whose second action is invalid undoes the first without a BLOCK_JOB event',
    async run(d) {
      await d.x('transaction', group([a(), b({ target: 'nosuch' })], 'grouped'));
      await d.x('transaction', group([a(), b({ 'job-id': 'a' })], 'individual'));
      await d.x('transaction', {
        actions: [
          { type: 'blockdev-backup', data: a() },
          { type: 'abort', data: {} },
        ],
      });
      await d.x('transaction', { actions: [] });
      await d.x('transaction', { actions: [{ type: 'nix', data: {} }] });
      await d.x('transaction', group([a()], 'x'));
    },
    lines: [
      'a created',
      'a aborting',
      'a concluded',
      'a null',
      "GenericError: Cannot find device='nosuch' nor node-name='nosuch'",
      'a created',
      'a aborting',
      'a concluded',
      'a null',
      "GenericError: Job ID 'a' already in use",
      'a created',
      'a aborting',
      'a concluded',
      'a null',
      'GenericError: Transaction aborted using Abort action',
      'return',
      "GenericError: Parameter 'type' does not accept value 'nix'",
      "GenericError: Parameter 'completion-mode' does not accept value 'x'",
    ],
  },
  {
    name: 'preparing a backup blips the other jobs',
    orderOf7: true,
    async run(d) {
      await readyMirror(d);
      await d.x('blockdev-backup', b({ speed: 1 }));
    },
    lines: [...BEGUN, ...READY, 'j standby', 'j ready', 'b created', 'b running', 'b paused', 'b running', 'return'],
  },
  {
    name: 'quit drains and force-cancels everything, newest first, before its return',
    orderOf7: true,
    async run(d) {
      await readyMirror(d);
      await d.x('blockdev-backup', b({ speed: 1 }));
      await d.asleep('b');
      await d.x('quit');
    },
    lines: [
      ...BEGUN,
      ...READY,
      'j standby',
      'j ready',
      'b created',
      'b running',
      'b paused',
      'b running',
      'return',
      'j standby',
      'b paused',
      'b running',
      'b aborting',
      'CANCELLED b backup',
      'b concluded',
      'b null',
      'j ready',
      ...AWAY,
      'return',
    ],
  },
  {
    name: 'quit dismisses zombies',
    async run(d) {
      await readyMirror(d, { 'auto-dismiss': false });
      await d.x('job-cancel', { id: 'j' });
      await d.until('j concluded');
      await d.x('quit');
    },
    lines: [...BEGUN, ...READY, 'return', ...AWAY, 'return'],
  },
  {
    name: 'not found: DeviceNotActive for block-job-*, GenericError for job-*',
    async run(d) {
      await d.x('block-job-cancel', { device: 'j' });
      await d.x('block-job-set-speed', { device: 'j', speed: 1 });
      for (const verb of ['pause', 'resume', 'complete']) await d.x(`block-job-${verb}`, { device: 'j' });
      for (const verb of ['finalize', 'dismiss']) await d.x(`block-job-${verb}`, { id: 'j' });
      for (const verb of ['cancel', 'pause', 'resume', 'complete', 'finalize', 'dismiss'])
        await d.x(`job-${verb}`, { id: 'j' });
    },
    lines: [
      ...Array.from({ length: 7 }, () => "DeviceNotActive: Block job 'j' not found"),
      ...Array.from({ length: 6 }, () => 'GenericError: Job not found'),
    ],
  },
  {
    name: 'bad starts',
    async run(d) {
      await mirror(d, { 'job-id': undefined });
      await mirror(d, { 'job-id': '1x' });
      await mirror(d, { target: 'nosuch' });
      await mirror(d, { sync: 'wrong' });
      await mirror(d, { sync: undefined });
      await mirror(d, { speed: -1 });
      await mirror(d, { speed: '1' });
      await mirror(d, { bogus: 1 });
      await mirror(d, { target: 'src' });
      await d.x('query-jobs');
    },
    lines: [
      "GenericError: Invalid job ID ''",
      "GenericError: Invalid job ID '1x'",
      "GenericError: Cannot find device='nosuch' nor node-name='nosuch'",
      "GenericError: Parameter 'sync' does not accept value 'wrong'",
      "GenericError: Parameter 'sync' is missing",
      'j created',
      'j null',
      "GenericError: Parameter 'speed' expects a non-negative value",
      "GenericError: Invalid parameter type for 'speed', expected: integer",
      "GenericError: Parameter 'bogus' is unexpected",
      "GenericError: Can't mirror node into itself",
      '[]',
    ],
  },
  {
    name: 'speeds: whole, 0 to 2^63-1',
    async run(d) {
      await readyMirror(d);
      for (const speed of ['9223372036854775807', '9223372036854775808', '-1', '1.0', '1e3', '"1"', 'null']) {
        d.send(`{"execute":"block-job-set-speed","arguments":{"device":"j","speed":${speed}}}`);
      }
      await d.x('block-job-set-speed', { device: 'j' });
    },
    lines: [
      ...BEGUN,
      ...READY,
      'return',
      "GenericError: Invalid parameter type for 'speed', expected: integer",
      "GenericError: Parameter 'speed' expects a non-negative value",
      ...Array.from({ length: 4 }, () => "GenericError: Invalid parameter type for 'speed', expected: integer"),
      "GenericError: Parameter 'speed' is missing",
    ],
  },
  {
    name: 'a stream completes by itself',
    returnAnywhere: true,
    chain: true,
    async run(d) {
      await d.x('block-stream', { 'job-id': 'j', device: 'top' });
      await d.until('j null');
    },
    lines: [...BEGUN, 'j waiting', 'j pending', 'COMPLETED j stream full', 'j concluded', 'j null'],
  },
  {
    name: 'an intermediate commit completes by itself',
    returnAnywhere: true,
    chain: true,
    async run(d) {
      await d.x('block-commit', { 'job-id': 'j', device: 'top', 'top-node': 'mid', 'base-node': 'base' });
      await d.until('j null');
    },
    lines: [...BEGUN, 'j waiting', 'j pending', 'COMPLETED j commit full', 'j concluded', 'j null'],
  },
  {
    name: 'an active commit is a commit that becomes READY',
    returnAnywhere: true,
    chain: true,
    async run(d) {
      await d.x('block-commit', { 'job-id': 'j', device: 'top' });
      await d.until('READY j commit full');
      await d.x('query-block-jobs');
      await d.x('job-complete', { id: 'j' });
      await d.until('j null');
    },
    lines: [
      ...BEGUN,
      'j ready',
      'READY j commit full',
      '[j commit ready ready ok]',
      'return',
      'j waiting',
      'j pending',
      'COMPLETED j commit full',
      'j concluded',
      'j null',
    ],
  },
  {
    name: 'a create has no BLOCK_JOB event, is no block job, and wants to be dismissed',
    returnAnywhere: true,
    async run(d) {
      await d.x('blockdev-create', {
        'job-id': 'j',
        options: { driver: 'file', filename: `${d.folder}/new`, size: 512 },
      });
      await d.until('j concluded');
      await d.x('query-jobs');
      await d.x('query-block-jobs');
      await d.x('block-job-cancel', { device: 'j' });
      await d.x('job-cancel', { id: 'j' });
      await d.x('block-job-dismiss', { id: 'j' });
      await d.x('job-dismiss', { id: 'j' });
    },
    lines: [
      ...BEGUN,
      'j waiting',
      'j pending',
      'j concluded',
      '[j create concluded]',
      '[]',
      "DeviceNotActive: Block job 'j' not found",
      verbRefused('concluded', 'cancel'),
      "DeviceNotActive: Block job 'j' not found",
      'j null',
      'return',
    ],
  },
  {
    name: 'requests that are none',
    async run(d) {
      d.send('{"execute":"query-jobs","id":1,"id":2}');
      d.send('{"execute":"query-jobs","foo":1}{"execute":5}{"id":4}{"execute":"query-jobs","arguments":[]}');
      d.send('{"execute":"query-jobs","arguments":{"x":1}}[1] 5 {"execute":"query-jobs",}');
      d.send('{"execute":"que\u0001');
      // Out of band means overtaking what is queued.
      await d.until(`GenericError: JSON parse error, stray '"que\u0001'`);
      d.send('{"exec-oob":"query-jobs"}{"execute":"query-jobs","exec-oob":"a"}nonsense\n');
      await d.x('nix');
      await d.x('qmp_capabilities');
      for (const name of ['query-name', 'query-uuid', 'query-status']) await d.x(name);
      await d.x('block-job-cancel', { device: 5 });
      await d.x('block-job-cancel', { device: 'j', force: 'x' });
    },
    lines: [
      'GenericError: JSON parse error, duplicate key',
      "GenericError: QMP input member 'foo' is unexpected",
      "GenericError: QMP input member 'execute' must be a string",
      "GenericError: QMP input lacks member 'execute'",
      "GenericError: QMP input member 'arguments' must be an object",
      "GenericError: Parameter 'x' is unexpected",
      'GenericError: QMP input must be a JSON object',
      'GenericError: QMP input must be a JSON object',
      'GenericError: JSON parse error, expecting value',
      `GenericError: JSON parse error, stray '"que\u0001'`,
      'GenericError: The command query-jobs does not support OOB',
      "GenericError: QMP input member 'execute' clashes with 'exec-oob'",
      "GenericError: JSON parse error, invalid keyword 'nonsense'",
      'CommandNotFound: The command nix has not been found',
      'CommandNotFound: Capabilities negotiation is already complete, command ignored',
      ...['query-name', 'query-uuid', 'query-status'].map(
        (name) => `CommandNotFound: The command ${name} has not been found`,
      ),
      "GenericError: Invalid parameter type for 'device', expected: string",
      "GenericError: Invalid parameter type for 'force', expected: boolean",
    ],
  },
];
