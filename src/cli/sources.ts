// `sources`: the gateway's monitors and their states.
import type { Command } from 'commander';
import { describeReason } from '../protocol/words.js';
import { table } from './format.js';
import { complain, print, printJson } from './output.js';
import { jsonOption, type RemoteOptions, tokenOption, urlOption, withGateway } from './remote.js';

export function addSources(program: Command): void {
  program
    .command('sources')
    .description('list the monitors and their state')
    .addOption(urlOption())
    .addOption(tokenOption())
    .addOption(jsonOption())
    .action(async (options: RemoteOptions) => {
      const sources = await withGateway(options, (client) => client.sources());
      if (options.json) for (const source of sources) printJson(source);
      else {
        print(
          ...table(
            ['SOURCE', 'FROM', 'STATE', 'REASON', 'QEMU', 'SINCE'],
            sources.map(({ name, provider = 'qmp', label, state, reason = '', qemu = '', since }) => [
              name,
              label === undefined ? provider : `${provider} ${label}`,
              ...[state, reason, qemu, since],
            ]),
          ),
        );
        complain(...sources.flatMap(({ name, reason }) => (reason ? [`${name}: ${describeReason(reason)}`] : [])));
      }
    });
}
