// `sources`: the gateway's monitors and their states.
import type { Command } from 'commander';
import type { SourceInfo } from '../protocol/types.js';
import { describeReason } from '../protocol/words.js';
import type { Column } from './columns.js';
import { addListOptions, isForPrograms, type ListOptions, printList } from './list.js';
import { nameLine } from './name-line.js';
import { tokenOption, urlOption } from './options.js';
import { complain } from './output.js';
import { type RemoteOptions, withGateway } from './remote.js';
import { type Times, timesIn, utcOption } from './times.js';

export function addSources(program: Command): void {
  addListOptions(program.command('sources').description('list the monitors and their state'), 'SOURCE')
    .addOption(utcOption())
    .addOption(urlOption())
    .addOption(tokenOption())
    .action(async (options: RemoteOptions & ListOptions & { utc?: boolean }) => {
      const rows = await withGateway(options, (client) => client.sources());
      printList(
        { columns: sourceColumns(timesIn(options.utc === true), rows), rows, name: ({ name }) => nameLine(name) },
        options,
      );
      if (isForPrograms(options) || options.quiet) return;
      complain(
        ...rows.flatMap(({ name, reason, provider }) =>
          reason ? [`${name}: ${describeReason(reason, provider)}`] : [],
        ),
      );
    });
}

export const sourceColumns = (times: Times, rows: readonly SourceInfo[]): Column<SourceInfo>[] => [
  { head: 'SOURCE', cell: ({ name }) => name, isName: true },
  {
    head: 'FROM',
    cell: ({ provider = 'qmp', label }) => (label === undefined ? provider : `${provider} ${label}`),
    isName: true,
    rank: 2,
  },
  { head: 'STATE', cell: ({ state }) => state, colour: ({ state }) => (state === 'up' ? 'green' : 'red') },
  { head: 'REASON', cell: ({ reason = '' }) => reason },
  // Of a cluster alone.
  ...(rows.some(({ owner }) => owner !== undefined)
    ? [{ head: 'OWNER', cell: ({ owner = '' }: SourceInfo) => owner, isName: true, rank: 2 }]
    : []),
  { head: 'QEMU', cell: ({ qemu = '' }) => qemu, rank: 1 },
  { head: 'SINCE', cell: ({ since }) => times.second(since), rank: 3 },
  { head: 'VERBS', cell: ({ verbs }) => verbs?.join(' ') ?? 'all', isWide: true },
];
