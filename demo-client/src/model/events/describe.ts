// An entry of the log as a sentence with a tone. Pure. For unknown types the sentence has their data.
import {
  type Entry,
  formatPercent,
  isEventOf,
  type KnownEntry,
  shareDone,
  summarizeSettlement,
} from 'qmp-gateway/protocol';
import { OUTCOME_TONE, type Tone } from '../run/outcome.js';

export interface Line {
  text: string;
  tone: Tone;
}

const KNOWN = [
  'BLOCK_JOB_COMPLETED',
  'BLOCK_JOB_CANCELLED',
  'BLOCK_JOB_READY',
  'BLOCK_JOB_ERROR',
  'BLOCK_JOB_PENDING',
  'JOB_STATUS_CHANGE',
  'LIBVIRT_BLOCK_JOB',
  'GATEWAY_SOURCE_UP',
  'GATEWAY_SOURCE_SYNCED',
  'GATEWAY_SOURCE_STALLED',
  'GATEWAY_SOURCE_RESPONSIVE',
  'GATEWAY_SOURCE_DOWN',
  'GATEWAY_JOB_FOUND',
  'GATEWAY_JOB_ATTENTION',
  'GATEWAY_COMMAND',
  'GATEWAY_COMMAND_ANSWERED',
  'GATEWAY_JOB_SETTLED',
  'GATEWAY_SHARED_COMMAND',
] as const satisfies readonly KnownEntry['type'][];

/** Texts for types that the protocol's types don't list, of this gateway or a later one. */
const PLAIN: Readonly<Record<string, Line>> = {
  GATEWAY_SOURCE_STALLED: { text: 'QEMU does not answer; the connection is kept', tone: 'warn' },
  GATEWAY_SOURCE_RESPONSIVE: { text: 'QEMU answers again', tone: 'good' },
};

export function describe(entry: Entry): Line {
  const plain = PLAIN[entry.type];
  if (plain) return plain;
  return isEventOf(entry, ...KNOWN) ? known(entry) : line(brief(entry.data));
}

const line = (text: string, tone: Tone = 'calm'): Line => ({ text, tone });

function known(entry: Extract<KnownEntry, { type: (typeof KNOWN)[number] }>): Line {
  const times = entry.repeated ? ` × ${entry.repeated}` : '';
  switch (entry.type) {
    case 'JOB_STATUS_CHANGE':
      return line(entry.data.status === 'null' ? 'left QEMU' : `is ${entry.data.status}`);
    case 'BLOCK_JOB_READY':
      return line('the copy is in sync', 'good');
    case 'BLOCK_JOB_COMPLETED':
      return entry.data.error
        ? line(`ended with: ${entry.data.error}`, 'bad')
        : line(`ended${whole(entry.data)}`, 'good');
    case 'BLOCK_JOB_CANCELLED':
      return line(`was cancelled${whole(entry.data)}`);
    case 'BLOCK_JOB_ERROR':
      return line(`${entry.data.operation} error, action ${entry.data.action}${times}`, 'bad');
    case 'BLOCK_JOB_PENDING':
      return line('waits for finalize', 'warn');
    case 'LIBVIRT_BLOCK_JOB':
      return line(`libvirt says ${entry.data.status} of ${entry.data.target}`);
    case 'GATEWAY_SOURCE_UP':
      return line(`QEMU ${entry.data.qemu}, ${SAME[String(entry.data.same) as keyof typeof SAME]}`);
    case 'GATEWAY_SOURCE_SYNCED':
      return line(`in sync, ${entry.data.jobs} ${entry.data.jobs === 1 ? 'job' : 'jobs'}`, 'good');
    case 'GATEWAY_SOURCE_STALLED':
      return line(`QEMU has not answered for ${Math.round(entry.data.waitedMs / 1_000)} s`, 'warn');
    case 'GATEWAY_SOURCE_RESPONSIVE':
      return line('QEMU answers again', 'good');
    case 'GATEWAY_SOURCE_DOWN':
      return line(`connection lost: ${entry.data.reason}`, 'bad');
    case 'GATEWAY_JOB_FOUND':
      return line(
        `found ${entry.data.status}${entry.data.continuity === 'assumed' ? ', assumed to be the same run' : ''}`,
      );
    case 'GATEWAY_JOB_ATTENTION':
      return line(
        `stopped by ${entry.data.ioStatus === 'nospace' ? 'a full target' : 'an I/O error'}, waits for you`,
        'warn',
      );
    case 'GATEWAY_COMMAND':
      return line(`${entry.data.verb} requested by ${entry.data.by}${brief(entry.data.args, ' ')}`);
    case 'GATEWAY_COMMAND_ANSWERED':
      return answered(entry.data);
    case 'GATEWAY_JOB_SETTLED':
      return line(summarizeSettlement(entry.data), OUTCOME_TONE[entry.data.outcome]);
    case 'GATEWAY_SHARED_COMMAND':
      return line(`${entry.data.command} sent by ${entry.data.tool}${brief(entry.data.args ?? {}, ' ')}`);
  }
}

function answered({ result, error }: { result: 'accepted' | 'refused' | 'unknown'; error?: string }): Line {
  if (result === 'accepted') return line('QEMU has accepted the command');
  if (result === 'refused') return line(`QEMU has refused the command${error ? `: ${error}` : ''}`, 'warn');
  return line('QEMU has not answered the command: it may have had its effect', 'warn');
}

const SAME = { true: 'the same as before', false: 'not the one from before', unknown: 'perhaps another than before' };

function whole({ len, offset }: { len: number | string; offset: number | string }): string {
  const share = shareDone({ len, offset });
  return share === undefined ? '' : ` at ${formatPercent(share, 'concluded')} of its length`;
}

/** Data of any shape on one line. */
function brief(data: unknown, before = ''): string {
  const text = JSON.stringify(data) ?? '';
  return text === '{}' || text === '' ? '' : `${before}${text.length > 200 ? `${text.slice(0, 199)}…` : text}`;
}
